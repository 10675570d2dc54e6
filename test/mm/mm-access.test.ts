// Goal: programs see through their mappings what Linux shows them (judges 2.4, 2.8, 2.9).

import test from 'ava';
import { VmFault } from '../../lib/mm/vma.js';
import { PAGE_SIZE, posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  bytes,
  loaded,
  mapFile,
  memoryMachine,
  newProcess,
  TestFile,
} from '../support/mm-fixture.js';

const modes = [
  { name: 'live', sched: { mode: 'live' } },
  { name: 'simulated', sched: { mode: 'simulated', seed: 5 } },
] as const;

for (const { name, sched } of modes) {
  for (const kind of ['fsdax', 'pagecache'] as const) {
    test(`${name}, ${kind}: the last page is whole, the next is SIGBUS`, async (t) => {
      const m = memoryMachine({ sched });
      const { mm } = newProcess(m, 'app');
      const file = new TestFile(m, kind, posOf(1) + 100);
      await m.run(async (task) => {
        const addr = await mapFile(task, mm, file, 4);
        t.deepEqual(await loaded(task, mm, addr + posOf(2) - 4, 4), bytes(4, 0));
        const fault = await t.throwsAsync(loaded(task, mm, addr + posOf(2) + 7, 1), {
          instanceOf: VmFault,
        });
        t.is(fault.signal, 'SIGBUS');
        t.is(fault.code, 'BUS_ADRERR');
        t.is(fault.addr, addr + posOf(2) + 7, 'si_addr is exact');
        const store = await t.throwsAsync(mm.store(task, addr + posOf(1), bytes(posOf(2), 6)));
        t.is((store as VmFault).addr, addr + posOf(2));
        t.deepEqual(await loaded(task, mm, addr + posOf(1), 2), bytes(2, 6), 'what came before it');
        await mm.exitMmap(task);
        file.drop(0);
      });
      assertBalanced(t, m.env, { mms: m.mms });
    });

    test(`${name}, ${kind}: past the cut all is SIGBUS, private copies too`, async (t) => {
      const m = memoryMachine({ sched });
      const { mm } = newProcess(m, 'app');
      const file = new TestFile(m, kind, posOf(3));
      await m.run(async (task) => {
        const shared = await mapFile(task, mm, file, 3);
        const own = await mapFile(task, mm, file, 3, { share: 'private' });
        await mm.store(task, shared, bytes(posOf(3), 4));
        await mm.store(task, own + posOf(2), bytes(PAGE_SIZE, 9));
        await file.cut(task, 1);
        for (const addr of [shared + posOf(2), own + posOf(2), own + posOf(1)]) {
          await t.throwsAsync(loaded(task, mm, addr, 1), { message: /SIGBUS/ });
        }
        t.deepEqual(await loaded(task, mm, own, 1), bytes(1, 4));
        await mm.exitMmap(task);
        file.drop(0);
      });
      assertBalanced(t, m.env, { mms: m.mms });
    });
  }

  test(`${name}: a store to a private mapping is its own, and stays`, async (t) => {
    const m = memoryMachine({ sched });
    const [a, b] = [newProcess(m, 'a').mm, newProcess(m, 'b').mm];
    const file = new TestFile(m, 'pagecache', posOf(2));
    await m.run(async (task) => {
      const shared = await mapFile(task, a, file, 2);
      const own = await mapFile(task, b, file, 2, { share: 'private' });
      await a.store(task, shared, bytes(posOf(2), 1));
      t.deepEqual(await loaded(task, b, own, 1), bytes(1, 1));
      await b.store(task, own, bytes(1, 2));
      t.deepEqual(await loaded(task, a, shared, 1), bytes(1, 1));
      await a.store(task, shared, bytes(posOf(2), 3));
      t.deepEqual(
        await loaded(task, b, own, 2),
        Uint8Array.of(2, 1),
        'the copy is of the whole page',
      );
      t.deepEqual(await loaded(task, b, own + posOf(1), 1), bytes(1, 3), 'no copy yet');
      await file.mapping.unmapMappingRange(task, 0, 2); // a punch leaves private copies
      t.deepEqual(await loaded(task, b, own, 2), Uint8Array.of(2, 1));
      await a.exitMmap(task);
      await b.exitMmap(task);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });

  test(`${name}: private memory is the one zero page until it is written`, async (t) => {
    const m = memoryMachine({ sched });
    const { mm } = newProcess(m, 'app');
    const { pages, allocator } = m.env;
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, null, 16, { share: 'private' });
      const free = allocator.nrFree;
      t.deepEqual(await loaded(task, mm, addr, posOf(16)), bytes(posOf(16), 0));
      t.is(allocator.nrFree, free);
      t.is(pages.mapcount(pages.zeroPfn), 16);
      await mm.store(task, addr + posOf(3) + 5, bytes(1, 7));
      t.is(allocator.nrFree, free - 1);
      t.deepEqual(await loaded(task, mm, addr + posOf(3) + 4, 3), Uint8Array.of(0, 7, 0));
      await mm.exitMmap(task);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });

  test(`${name}: a DAX hole is zeroes, and a block at the first store`, async (t) => {
    const m = memoryMachine({ sched });
    const { mm } = newProcess(m, 'app');
    const file = new TestFile(m, 'fsdax', posOf(2));
    file.holes.add(0).add(1);
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, file, 2);
      t.deepEqual(await loaded(task, mm, addr, 4), bytes(4, 0));
      t.is(file.mapping.nrEntries, 0);
      await mm.store(task, addr, bytes(2, 5));
      t.is(file.mapping.nrEntries, 1);
      t.deepEqual(await loaded(task, mm, addr, 4), Uint8Array.of(5, 5, 0, 0));
      await mm.exitMmap(task);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('nothing mapped is SEGV_MAPERR, no right is SEGV_ACCERR', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 1, { prot: 'r' });
    const none = await mapFile(task, mm, null, 1, { prot: '' });
    const rows = [
      { run: () => loaded(task, mm, 0, 1), code: 'SEGV_MAPERR' },
      { run: () => mm.store(task, addr, bytes(1, 1)), code: 'SEGV_ACCERR' },
      { run: () => loaded(task, mm, none, 1), code: 'SEGV_ACCERR' },
    ] as const;
    for (const { run, code } of rows) {
      const fault = await t.throwsAsync<VmFault>(run(), { instanceOf: VmFault });
      t.is(fault.code, code);
      t.is(fault.signal, 'SIGSEGV');
    }
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
