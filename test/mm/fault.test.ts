// Goal: a store to a private page that is not one's own copies it, whatever happens meanwhile.

import test from 'ava';
import { handleFault, unshare } from '../../lib/mm/fault.js';
import { pfnOfPte, PTE_WRITE } from '../../lib/mm/pte.js';
import { posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  bytes,
  loaded,
  mapFile,
  memoryMachine,
  newProcess,
  TestFile,
  vmaOf,
} from '../support/mm-fixture.js';

test('a private page is copied once; after that stores fault no more', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'fsdax', posOf(1));
  m.env.pages.fillPage(file.page(0), 4);
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 1, { share: 'private' });
    const vma = vmaOf(mm, addr);
    await handleFault(task, vma, 0, 'read');
    t.is(pfnOfPte(vma.pte(0)), file.page(0));
    await handleFault(task, vma, 0, 'write');
    const copy = pfnOfPte(vma.pte(0));
    t.not(copy, file.page(0));
    t.is(m.env.pages.mapcount(file.page(0)), 0);
    await mm.mprotect(task, addr, posOf(1), 'r');
    await mm.mprotect(task, addr, posOf(1), 'rw');
    t.is(vma.pte(0) & PTE_WRITE, 0);
    await handleFault(task, vma, 0, 'write');
    t.is(pfnOfPte(vma.pte(0)), copy, 'its own page is used again');
    t.deepEqual(await loaded(task, mm, addr, 1), bytes(1, 4));
    t.is(m.env.vmstat.counters.pgfault, 3);
    await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('unsharing gives a private mapping its own page, which the VMA may read only', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'pagecache', posOf(1));
  await m.run(async (task) => {
    const own = vmaOf(mm, await mapFile(task, mm, file, 1, { share: 'private', prot: 'r' }));
    await unshare(task, own, 0);
    t.not(pfnOfPte(own.pte(0)), file.page(0));
    t.is(own.pte(0) & PTE_WRITE, 0);
    const shared = vmaOf(mm, await mapFile(task, mm, file, 1));
    await t.throwsAsync(unshare(task, shared, 0), { message: /a shared mapping/ });
    await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a copy that races with truncate leaves no page behind', async (t) => {
  const seen = { kept: 0, signalled: 0 };
  for (let seed = 1; seed <= 100; seed++) {
    const m = memoryMachine({ sched: { mode: 'simulated', seed } });
    const { mm } = newProcess(m, 'app');
    const file = new TestFile(m, 'pagecache', posOf(2));
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, file, 2, { share: 'private' });
      await mm.load(task, addr, new Uint8Array(posOf(2)));
      const cut = m.sched.spawn('cut', (w) => file.cut(w, 1));
      await mm.store(task, addr + posOf(1), bytes(1, 1)).then(
        () => seen.kept++,
        (e: unknown) => {
          t.regex(String(e), /SIGBUS/);
          seen.signalled++;
        },
      );
      await cut.join(task);
      await t.throwsAsync(loaded(task, mm, addr + posOf(1), 1), { message: /SIGBUS/ });
      await mm.exitMmap(task);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
  t.true(seen.kept > 0 && seen.signalled > 0, JSON.stringify(seen));
});
