// Goal: mlock charges locked_vm once per page, brings pages in, and leaves DAX mappings alone
// (mm/mlock.c; conformance reg/memlock-and-mlock-separate).

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import type { VMA } from '../../lib/mm/vma.js';
import { posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { mapFile, memoryMachine, newProcess, TestFile, vmaOf } from '../support/mm-fixture.js';

test('a range is charged once, against locked_vm, until munlock or munmap', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app', { memlock: posOf(8) });
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 16);
    mm.pinnedVm = 6; // another account
    await mm.mlock(task, addr, posOf(6));
    t.is(mm.lockedVm, 6);
    t.is(m.env.pages.mapcount(m.env.pages.zeroPfn), 0);
    t.not(vmaOf(mm, addr).pte(5), 0, 'the pages are there');
    await mm.mlock(task, addr + posOf(4), posOf(4)); // two of them are locked already
    t.is(mm.lockedVm, 8);
    const over = await t.throwsAsync(mm.mlock(task, addr + posOf(6), posOf(3)));
    t.true(isErrno(over, 'ENOMEM'));
    t.is(mm.lockedVm, 8);
    await mm.munlock(task, addr, posOf(2));
    t.is(mm.lockedVm, 6);
    await mm.munmap(task, addr, posOf(4));
    t.is(mm.lockedVm, 4);
    mm.pinnedVm = 0;
    await mm.exitMmap(task);
    t.is(mm.lockedVm, 0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

const rows = [
  { what: 'a limit of 0', memlock: 0, file: 'anonymous', code: 'EPERM' },
  { what: 'a page past the end of the file', memlock: posOf(8), file: 'short', code: 'ENOMEM' },
  { what: 'a hole', memlock: posOf(8), file: 'hole', code: 'ENOMEM' },
  { what: 'no memory', memlock: posOf(200), file: 'huge', code: 'EAGAIN' },
] as const;

for (const { what, memlock, file: kind, code } of rows) {
  test(`mlock: ${what} is ${code}`, async (t) => {
    const m = memoryMachine({ ramPages: 64 });
    const { mm } = newProcess(m, 'app', { memlock });
    const file = new TestFile(m, 'pagecache', posOf(1));
    await m.run(async (task) => {
      const nr = kind === 'huge' ? 100 : 2;
      const addr = await mapFile(task, mm, kind === 'short' ? file : null, nr);
      if (kind === 'hole') await mm.munmap(task, addr + posOf(1), posOf(1));
      const failed = await t.throwsAsync(mm.mlock(task, addr, posOf(nr)));
      t.true(isErrno(failed, code), String(failed));
      await mm.exitMmap(task);
      t.is(mm.lockedVm, 0);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('a DAX mapping is neither locked nor counted', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app', { memlock: posOf(8) });
  const file = new TestFile(m, 'fsdax', posOf(2));
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 2);
    await mm.mlock(task, addr, posOf(2));
    t.is(mm.lockedVm, 0);
    t.falsy(vmaOf(mm, addr).flags.locked);
    await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('secret memory stays as mmap locked it: mlock cannot bring it in, munlock not let it go', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app', { memlock: posOf(8) });
  const file = new TestFile(m, 'secretmem', posOf(2));
  await m.run(async (task) => {
    const setup = (vma: VMA): void => {
      vma.flags.locked = true;
      mm.lockedVm += vma.nrPages;
    };
    const rest = { prot: 'rw', share: 'shared', file, ops: file.ops, setup } as const;
    const addr = await mm.mmap(task, { len: posOf(2), ...rest });
    const failed = await t.throwsAsync(mm.mlock(task, addr, posOf(2)));
    t.true(isErrno(failed, 'ENOMEM'), String(failed));
    t.is(vmaOf(mm, addr).pte(0), 0);
    await mm.munlock(task, addr, posOf(2));
    t.is(mm.lockedVm, 2);
    t.true(vmaOf(mm, addr).flags.locked);
    await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
