// Goal: memory of no file lives as long as somebody maps or pins it.

import test from 'ava';
import { ShmemObject } from '../../lib/mm/anon.js';
import { gup } from '../../lib/mm/gup.js';
import { posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { bytes, loaded, mapFile, memoryMachine, newProcess, vmaOf } from '../support/mm-fixture.js';

test('shared anonymous memory lives until its last part is unmapped', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const { allocator } = m.env;
  await m.run(async (task) => {
    const free = allocator.nrFree;
    const addr = await mapFile(task, mm, null, 4);
    await mm.store(task, addr, bytes(posOf(4), 1));
    t.is(allocator.nrFree, free - 4);
    const object = vmaOf(mm, addr).file;
    t.true(object instanceof ShmemObject);
    await mm.munmap(task, addr, posOf(2));
    t.is(allocator.nrFree, free - 4, 'the object keeps its pages while part of it is mapped');
    t.deepEqual(await loaded(task, mm, addr + posOf(2), 1), bytes(1, 1));
    await mm.munmap(task, addr + posOf(2), posOf(2));
    t.is(allocator.nrFree, free);
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a pinned page outlives its mapping, private or shared, until the unpin', async (t) => {
  for (const share of ['private', 'shared'] as const) {
    const m = memoryMachine();
    const { mm } = newProcess(m, 'app');
    const { allocator, pages } = m.env;
    await m.run(async (task) => {
      const free = allocator.nrFree;
      const addr = await mapFile(task, mm, null, 2, { share });
      await mm.store(task, addr, bytes(posOf(2), 3));
      const out = new Uint32Array(1);
      await gup(task, mm, addr, 1, { write: true, kind: 'pin', longterm: true }, out);
      await mm.exitMmap(task);
      t.is(allocator.nrFree, free - 1);
      t.is(pages.nrOrphans, 1);
      const seen = new Uint8Array(2);
      pages.read(out, 0, seen);
      t.deepEqual(seen, bytes(2, 3));
      pages.unpinPages(out, 0, 1);
      t.is(allocator.nrFree, free);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
});

test('two tasks that fault one private page get one page', async (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const m = memoryMachine({ sched: { mode: 'simulated', seed } });
    const { mm } = newProcess(m, 'app');
    await m.run(async (task) => {
      const free = m.env.allocator.nrFree;
      const addr = await mapFile(task, mm, null, 1, { share: 'private' });
      const other = m.sched.spawn('other', (w) => mm.store(w, addr + 8, bytes(8, 2)));
      await mm.store(task, addr, bytes(8, 1));
      await other.join(task);
      const expected = Uint8Array.from([...bytes(8, 1), ...bytes(8, 2)]);
      t.deepEqual(await loaded(task, mm, addr, 16), expected, `seed ${seed}`);
      t.is(m.env.allocator.nrFree, free - 1);
      await mm.exitMmap(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
});
