// Goal: what was put back is as it was. Method: each kind of container on its own; then whole
// machines, whose runs after many others are compared with runs on a new machine, step by step.

import test from 'ava';
import { fieldsAreOpen, HeapSnapshot } from '../../lib/explore/heap-snapshot.js';
import { PCTSearch, RandomSearch } from '../../lib/explore/index.js';
import { scenarioNamed } from '../../lib/explore/planted/index.js';
import { ReplaySearch } from '../../lib/explore/replay-search.js';
import { Stage } from '../../lib/explore/stage.js';
import type { RunRecord, Search } from '../../lib/explore/search.js';
import { SideTable, type Step } from '../../lib/sched/index.js';
import { memoryMachine } from '../support/mm-fixture.js';

test('the sources run with their private fields open', (t) => {
  t.true(fieldsAreOpen);
});

class Counter {
  label = 'a';
  n = 1;
}

test('fields, elements, entries and bytes are put back in place', (t) => {
  const counter = new Counter();
  const root = {
    counter,
    list: [1, 2, 3],
    map: new Map([['x', counter]]),
    set: new Set(['p', 'q']),
    bytes: new Uint8Array([1, 2, 3]),
    shared: new Uint32Array(new SharedArrayBuffer(8)),
    plain: { known: 1 } as Record<string, number>,
    nothing: null as Counter | null,
  };
  root.shared[1] = 7;
  const snapshot = HeapSnapshot.take([root]);
  t.deepEqual(snapshot.unsound, []);
  for (let round = 0; round < 3; round++) {
    counter.n = round + 10;
    root.list.push(4);
    root.list[0] = 9;
    root.map.set('y', new Counter());
    root.set.delete('p');
    root.set.add('p'); // the same members in another order
    root.bytes.fill(0);
    root.shared.fill(0);
    root.plain['new'] = 2;
    delete root.plain['known'];
    root.nothing = counter;
    snapshot.restore();
    t.is(root.counter, counter);
    t.is(counter.n, 1);
    t.deepEqual(root.list, [1, 2, 3]);
    t.deepEqual([...root.map], [['x', counter]]);
    t.deepEqual([...root.set], ['p', 'q']);
    t.deepEqual([...root.bytes], [1, 2, 3]);
    t.deepEqual([...root.shared], [0, 7]);
    t.deepEqual(root.plain, { known: 1 });
    t.true(root.nothing === null);
  }
  snapshot.release();
});

test('a list that was cut and an object replaced in it come back', (t) => {
  const [a, b] = [new Counter(), new Counter()];
  const root = { list: [a, b] };
  const snapshot = HeapSnapshot.take([root]);
  root.list.length = 0;
  root.list.push(b);
  a.n = 5;
  snapshot.restore();
  t.is(root.list.length, 2);
  t.is(root.list[0], a);
  t.is(a.n, 1);
  snapshot.release();
});

test('a view of a larger buffer is put back, and not what lies beside it', (t) => {
  const buffer = new ArrayBuffer(4);
  const all = new Uint8Array(buffer);
  const snapshot = HeapSnapshot.take([{ view: new Uint8Array(buffer, 1, 2) }]);
  all.fill(9);
  snapshot.restore();
  t.deepEqual([...all], [9, 0, 0, 9]);
  snapshot.release();
});

test('an accessor stays, and is not called', (t) => {
  let calls = 0;
  const root = {
    n: 1,
    get twice(): number {
      calls++;
      return this.n * 2;
    },
  };
  const snapshot = HeapSnapshot.take([root]);
  root.n = 5;
  snapshot.restore();
  t.is(calls, 0);
  t.is(root.twice, 2);
  snapshot.release();
});

test('a literal that gets fields loses them, with an accessor or without', (t) => {
  const bare = { n: 1 } as Record<string, number>;
  const root = {
    bare,
    get one(): number {
      return bare['n']!;
    },
  } as { bare: typeof bare; readonly one: number; more?: number };
  const snapshot = HeapSnapshot.take([root]);
  root.more = 2;
  bare['more'] = 2;
  snapshot.restore();
  t.deepEqual(Object.keys(root), ['bare', 'one']);
  t.deepEqual(bare, { n: 1 });
  t.deepEqual(snapshot.strayFields(), []);
  snapshot.release();
});

test('a field that an object of a class got stays, and is named', (t) => {
  const [a, b] = [new Counter(), new Counter()];
  const snapshot = HeapSnapshot.take([{ a, b }]);
  t.deepEqual(snapshot.strayFields(), []);
  Object.assign(a, { late: 1 });
  Object.assign(b, { late: 2, later: 3 });
  snapshot.restore();
  t.deepEqual(snapshot.strayFields(), ['Counter.late', 'Counter.later']);
  snapshot.release();
});

test('what side tables note about its objects is put back, and nothing about others', (t) => {
  const table = new SideTable<object, { n: number }>();
  const [known, fresh, stranger] = [new Counter(), new Counter(), new Counter()];
  const note = { n: 1 };
  table.set(known, note);
  const snapshot = HeapSnapshot.take([{ known, fresh }]);
  note.n = 2;
  table.set(known, { n: 3 });
  table.set(fresh, { n: 4 });
  table.set(stranger, { n: 5 });
  table.delete(known);
  snapshot.restore();
  t.is(table.get(known), note);
  t.is(note.n, 1);
  t.false(table.has(fresh));
  t.deepEqual(table.get(stranger), { n: 5 });
  snapshot.release();
});

test('every byte of a region is put back, whoever stored to it: pages, counters and meta', (t) => {
  const { env } = memoryMachine({
    ...{ ramPages: 4, pmemPages: 6 },
    sched: { mode: 'simulated' },
  });
  const { pages } = env;
  for (const { basePfn, nrPages } of pages.regions) {
    for (let i = 0; i < nrPages; i++) pages.fillPage(basePfn + i, i + 1);
  }
  const memories = () =>
    pages.regions.map(({ place, meta }) => [
      Buffer.from(Uint8Array.from(new Uint8Array(place.buffer))).toString('base64'),
      [...meta],
    ]);
  const before = memories();
  const snapshot = HeapSnapshot.take([pages]);
  t.deepEqual(snapshot.unsound, []);
  const [ram, pmem] = pages.regions.map(({ basePfn }) => basePfn) as [number, number];
  for (let round = 0; round < 3; round++) {
    pages.write(ram + round, 10, Uint8Array.of(77, 78));
    pages.fill(Uint32Array.of(pmem + 1, pmem + 4), 4000, 200, 99);
    pages.copyPage(pmem + 5, ram + 3);
    pages.pinPages(Uint32Array.of(pmem + 2), 0, 1);
    pages.setFlags(pmem + 2, 1);
    t.notDeepEqual(memories(), before);
    snapshot.restore();
    t.deepEqual(memories(), before);
  }
  snapshot.release();
  t.true(pages.regions.every(({ stores }) => stores === null));
});

test('what cannot be put back is named: pending promises, weak collections, iterations', (t) => {
  class Holder {
    waiting: Promise<void> = new Promise(() => {});
    settled = Promise.resolve(1);
    weak = new WeakSet();
    keys = new Map([[1, 2]]).keys();
    async *#ticks(): AsyncGenerator<number> {
      yield 1;
    }
    ticks = this.#ticks();
  }
  const { unsound } = HeapSnapshot.take([new Holder()]);
  t.deepEqual(unsound, [
    'Holder.waiting: a pending promise',
    'Holder.weak: what it holds cannot be listed',
    'Holder.keys: where an iteration stands',
    'Holder.ticks: where an iteration stands',
  ]);
});

const machineScenarios = [
  'machine-mapping-hole-repaired',
  'machine-lost-wakeup',
  'machine-unchecked-fill',
  'machine-unchecked-region',
  'machine-unchecked-region-repaired',
];

/** A run, told step by step: who, and every object by its label. */
async function told(stage: Stage, search: Search): Promise<{ record: RunRecord; lines: string[] }> {
  const lines: string[] = [];
  let label = (id: number): string => String(id);
  search.begin();
  const record = await stage.run(search, {
    onScheduler: (sched) => (label = (id) => sched.label(id)),
    onStep({ taskName, reads, writes }: Step) {
      lines.push(`${taskName}: ${reads.map(label).join()} | ${writes.map(label).join()}`);
    },
  });
  search.end(record);
  return { record, lines };
}

for (const name of machineScenarios) {
  test(`${name}: after many runs a stage is as a new one, step by step`, async (t) => {
    const scenario = scenarioNamed(name);
    const used = await Stage.make(scenario);
    t.deepEqual(used.unsound, []);
    for (const search of [new RandomSearch(3, 12), new PCTSearch(3, 5, 12)]) {
      for (let i = 0; i < 12; i++) {
        t.true(used.reusable);
        const again = await told(used, search);
        const fresh = await Stage.make(scenario);
        const once = await told(fresh, new ReplaySearch(again.record.choices));
        await fresh.end();
        t.deepEqual(again.lines, once.lines);
        t.deepEqual(again.record.keys, once.record.keys);
        t.deepEqual(again.record.outcome, once.record.outcome);
        t.deepEqual(
          again.record.failures.map(({ message }) => message),
          once.record.failures.map(({ message }) => message),
        );
      }
    }
    await used.end();
  });
}

test('literals whose keys are texts keep their own, and a list its undefined elements', (t) => {
  const root = { a: { 'x y': 1 } as object, b: { x: 1, y: 2 } as object, list: [1, undefined] };
  const snapshot = HeapSnapshot.take([root]);
  Object.assign(root.a, { 'x y': 5 });
  Object.assign(root.b, { x: 5 });
  root.list.length = 0;
  snapshot.restore();
  t.deepEqual(root, { a: { 'x y': 1 }, b: { x: 1, y: 2 }, list: [1, undefined] });
  t.true(1 in root.list);
  snapshot.release();
});
