// Goal: memory fails for who asks with the right to, of pages of files on DAX.

import test from 'ava';
import { anyPoisoned, memoryFailure } from '../../lib/mm/memory-failure.js';
import { posOf } from '../../lib/units.js';
import { mapFile, memoryMachine, newProcess, TestFile } from '../support/mm-fixture.js';

test('a page that failed is out of all page tables and known as such', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'fsdax', posOf(4));
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 4);
    await mm.load(task, addr, new Uint8Array(posOf(4)));
    const pfn = file.page(1);
    m.env.pages.setOwner(pfn, { mount: 1, ino: 2, generation: 3, pgoff: 1 });
    await memoryFailure(task, m.env, pfn);
    t.true(anyPoisoned(m.env, file.page(0), 2));
    t.false(anyPoisoned(m.env, file.page(0), 1));
    t.is(m.env.pages.mapcount(pfn), 0);
    t.is(m.env.pages.mapcount(file.page(0)), 1);
    await mm.exitMmap(task);
  });
});

test('memory of no file on DAX does not fail: EOPNOTSUPP', async (t) => {
  const m = memoryMachine();
  const pfn = m.env.allocator.allocPage();
  await m.run((task) => t.throwsAsync(memoryFailure(task, m.env, pfn), { code: 'EOPNOTSUPP' }));
  m.env.allocator.freePage(pfn);
});

test('MADV_HWPOISON takes CAP_SYS_ADMIN', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app', { caps: new Set() } as never);
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, new TestFile(m, 'fsdax', posOf(1)), 1);
    await t.throwsAsync(mm.madvise(task, addr, posOf(1), 'hwpoison'), { code: 'EPERM' });
    await mm.exitMmap(task);
  });
});
