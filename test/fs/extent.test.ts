// Goal: an extent list is a map from pages to blocks, whatever is done to it, and is kept as short
// as it can be. Method: random operations on it and on a plain map.

import test from 'ava';
import fc from 'fast-check';
import { ExtentList, runsOf, type Extent } from '../../lib/fs/extent.js';

interface Cell {
  readonly block: number;
  readonly unwritten: boolean;
}
type Model = Map<number, Cell>;

function cellsOf(list: ExtentList): Model {
  const cells: Model = new Map();
  for (const e of list.all) {
    for (let i = 0; i < e.nrPages; i++) {
      cells.set(e.pgoff + i, { block: e.block + i, unwritten: e.unwritten });
    }
  }
  return cells;
}

const sorted = (m: Model) => [...m].sort(([a], [b]) => a - b);

/** No neighbour continues the one before it. */
function isShort(list: ExtentList): boolean {
  return list.all.every((e, i) => {
    const before = list.all[i - 1];
    if (before === undefined) return true;
    const touches = before.pgoff + before.nrPages === e.pgoff;
    const continues = before.block + before.nrPages === e.block;
    return !(touches && continues && before.unwritten === e.unwritten);
  });
}

const page = fc.integer({ min: 0, max: 30 });
const count = fc.integer({ min: 1, max: 8 });
const change = fc.oneof(
  fc.record({ op: fc.constant('fill'), start: page, nr: count, unwritten: fc.boolean() }),
  fc.record({ op: fc.constant('remove'), start: page, nr: count, unwritten: fc.boolean() }),
  fc.record({ op: fc.constant('mark'), start: page, nr: count, unwritten: fc.boolean() }),
  fc.record({ op: fc.constant('insert'), start: page, nr: count, unwritten: fc.boolean() }),
  fc.record({ op: fc.constant('collapse'), start: page, nr: count, unwritten: fc.boolean() }),
);

interface Change {
  readonly op: string;
  readonly start: number;
  readonly nr: number;
  readonly unwritten: boolean;
}

function fill(list: ExtentList, model: Model, c: Change, nextBlock: number): void {
  for (const hole of list.segments(c.start, c.start + c.nr).filter((s) => s.block === null)) {
    const block = nextBlock + hole.pgoff;
    list.insert({ ...hole, block, unwritten: c.unwritten });
    for (let i = 0; i < hole.nrPages; i++) {
      model.set(hole.pgoff + i, { block: block + i, unwritten: c.unwritten });
    }
  }
}

function moved(model: Model, start: number, by: number): Model {
  return new Map([...model].map(([p, cell]) => [p >= start ? p + by : p, cell]));
}

function apply(list: ExtentList, model: Model, c: Change, i: number): Model {
  const end = c.start + c.nr;
  if (c.op === 'fill') fill(list, model, c, (i + 1) * 1000);
  else if (c.op === 'mark') {
    list.mark(c.start, end, c.unwritten);
    for (const [p, cell] of model) {
      if (p >= c.start && p < end) model.set(p, { ...cell, unwritten: c.unwritten });
    }
  } else if (c.op === 'insert') {
    list.shift(c.start, c.nr);
    return moved(model, c.start, c.nr);
  } else {
    list.remove(c.start, end);
    for (const p of [...model.keys()]) if (p >= c.start && p < end) model.delete(p);
    if (c.op === 'collapse') {
      list.shift(end, -c.nr);
      return moved(model, end, -c.nr);
    }
  }
  return model;
}

test('an extent list says what a plain map of pages would say', (t) => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const list = new ExtentList();
      let model: Model = new Map();
      changes.forEach((c, i) => {
        model = apply(list, model, c, i);
        t.deepEqual(sorted(cellsOf(list)), sorted(model));
        t.true(isShort(list));
        t.is(list.nrBlocks, model.size);
        t.is(list.end, Math.max(-1, ...model.keys()) + 1);
        for (let p = 0; p < 45; p++) t.is(list.blockOf(p), model.get(p)?.block);
      });
    }),
    { numRuns: 150 },
  );
});

const e = (pgoff: number, nrPages: number, block: number): Extent => ({
  ...{ pgoff, nrPages, block },
  unwritten: false,
});

test('what is removed is returned, clipped to the range', (t) => {
  const list = new ExtentList([e(0, 10, 100), e(20, 5, 200)]);
  t.deepEqual(runsOf(list.remove(8, 22)), [
    { block: 108, nrBlocks: 2 },
    { block: 200, nrBlocks: 2 },
  ]);
  t.deepEqual(list.all, [e(0, 8, 100), e(22, 3, 202)]);
});

test('segments cover the range without a gap, holes included', (t) => {
  const list = new ExtentList([e(2, 2, 50), e(6, 1, 60)]);
  const all = list.segments(0, 8);
  t.deepEqual(
    all.map((s) => [s.pgoff, s.nrPages, s.block]),
    [
      [0, 2, null],
      [2, 2, 50],
      [4, 2, null],
      [6, 1, 60],
      [7, 1, null],
    ],
  );
});

test('an empty range removes and marks nothing, inside an extent too', (t) => {
  const list = new ExtentList([e(0, 4, 10)]);
  t.deepEqual(list.remove(2, 2), []);
  list.mark(2, 2, true);
  t.deepEqual(list.all, [e(0, 4, 10)]);
});

test('an extent over another is a mistake of ours', (t) => {
  const list = new ExtentList([e(0, 4, 10)]);
  t.throws(() => list.insert(e(3, 2, 90)));
  t.deepEqual(list.all, [e(0, 4, 10)]);
});
