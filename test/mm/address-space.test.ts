// Goal: an address space knows its pages, their tags and who maps them, and says which page is
// busy.

import test from 'ava';
import { pageFlags } from '../../lib/mm/page-flags.js';
import { PAGE_SIZE, posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  bytes,
  mapFile,
  memoryMachine,
  newProcess,
  TestFile,
  vmaOf,
} from '../support/mm-fixture.js';

test('entries come in order, for sparse and for dense ranges', (t) => {
  const m = memoryMachine();
  const { mapping } = new TestFile(m, 'fsdax', posOf(64));
  const base = m.env.pages.regions[1]!.basePfn;
  for (const pgoff of [40, 2, 7, 0]) mapping.insert(pgoff, base + pgoff);
  const pgoffs = (start?: number, end?: number): number[] =>
    [...mapping.entries(start, end)].map(([pgoff]) => pgoff);
  t.deepEqual(pgoffs(), [0, 2, 7, 40]);
  t.deepEqual(pgoffs(1, 3), [2]);
  t.deepEqual(pgoffs(2, 41), [2, 7, 40]);
  t.is(mapping.nrEntries, 4);
  t.is(mapping.lookup(7), base + 7);
  t.deepEqual(m.env.pages.owner(base + 7)?.pgoff, 7);
  t.throws(() => mapping.insert(7, base), { message: /there already/ });
  t.is(mapping.delete(7), base + 7);
  t.is(mapping.delete(7), undefined);
  t.is(m.env.pages.mappingOf(base + 7), undefined);
  t.is(
    mapping.pgoffOfPage(base + 7),
    undefined,
    'the owner says where it was, not that it is there',
  );
});

test('the first busy page is found through any number of entries', (t) => {
  const m = memoryMachine();
  const { mapping } = new TestFile(m, 'fsdax', posOf(64));
  const { pages } = m.env;
  const base = pages.regions[1]!.basePfn;
  for (let pgoff = 0; pgoff < 64; pgoff += 2) mapping.insert(pgoff, base + 63 - pgoff);
  t.is(mapping.firstBusy(), undefined);
  const list = Uint32Array.of(base + 63 - 30, base + 63 - 10);
  pages.getPages(list, 0, 2);
  t.is(mapping.firstBusy(), base + 63 - 10, 'first in the file, not in memory');
  t.is(mapping.firstBusy(11), base + 63 - 30);
  t.is(mapping.firstBusy(11, 30), undefined);
  pages.putPages(list, 0, 2);
  t.is(mapping.firstBusy(), undefined);
});

test('unmapping a range clears it in every mapping, and nothing else', async (t) => {
  for (const sched of [{ mode: 'live' }, { mode: 'simulated', seed: 9 }] as const) {
    const m = memoryMachine({ sched });
    const [a, b] = [newProcess(m, 'a').mm, newProcess(m, 'b').mm];
    const file = new TestFile(m, 'fsdax', posOf(8));
    await m.run(async (task) => {
      const whole = await mapFile(task, a, file, 8);
      const part = await mapFile(task, b, file, 4, { pgoff: 4 });
      await a.store(task, whole, bytes(posOf(8), 1));
      await b.store(task, part, bytes(posOf(4), 1));
      await file.mapping.unmapMappingRange(task, 3, 6);
      const mapped = (mm: typeof a, addr: number, nr: number): number[] =>
        Array.from({ length: nr }, (_, i) => (vmaOf(mm, addr).pte(i) === 0 ? 0 : 1));
      t.deepEqual(mapped(a, whole, 8), [1, 1, 1, 0, 0, 0, 1, 1]);
      t.deepEqual(mapped(b, part, 4), [0, 0, 1, 1]);
      t.is(m.env.pages.mapcount(file.page(6)), 2);
      await a.exitMmap(task);
      await b.exitMmap(task);
      t.false(file.mapping.mapped);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
});

test('a dirty entry leaves its mark on the page and on the file when it goes', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'pagecache', posOf(4));
  const { mapping } = file;
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 4);
    await mm.load(task, addr, new Uint8Array(posOf(4)));
    await mm.store(task, addr + posOf(2), bytes(1, 1));
    t.deepEqual(mapping.dirtyPages(), []);
    await mm.munmap(task, addr, posOf(4));
    t.deepEqual(mapping.dirtyPages(), [2]);
    t.true(m.env.pages.hasFlags(file.page(2), pageFlags.dirty));
    mapping.setDirty(0);
    mapping.setDirty(99); // not there
    t.deepEqual(mapping.dirtyPages(0, 2), [0]);
    mapping.clearDirty(0);
    t.false(mapping.isDirty(0));
    const copy = m.env.allocator.allocPage();
    m.env.allocator.freePage(mapping.replace(2, copy));
    t.deepEqual([mapping.lookup(2), mapping.isDirty(2)], [copy, true], 'tags follow the page');
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('unmapping races with munmap of the same range without losing count', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const m = memoryMachine({ sched: { mode: 'simulated', seed } });
    const { mm } = newProcess(m, 'app');
    const file = new TestFile(m, 'fsdax', posOf(4));
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, file, 4);
      await mm.store(task, addr, bytes(posOf(4), 1));
      const unmap = m.sched.spawn('unmap', (w) => file.mapping.unmapMappingRange(w, 0, 4));
      const store = m.sched.spawn('store', (w) =>
        mm.store(w, addr, bytes(posOf(4), 2)).catch((e: unknown) => t.regex(String(e), /SIGSEGV/)),
      );
      await mm.munmap(task, addr + PAGE_SIZE, posOf(2));
      await unmap.join(task);
      await store.join(task);
      await mm.exitMmap(task);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
});
