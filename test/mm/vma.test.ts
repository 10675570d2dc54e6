// Goal: entries and mapcounts change together, and dirty bits are never lost.

import test from 'ava';
import { pfnOfPte, pteNoGup, PTE_DIRTY, PTE_PRESENT, PTE_WRITE } from '../../lib/mm/pte.js';
import { clearPte, installPte, VmFault, writeProtectPte } from '../../lib/mm/vma.js';
import { posOf } from '../../lib/units.js';
import { mapFile, memoryMachine, newProcess, TestFile, vmaOf } from '../support/mm-fixture.js';

test('an entry that gets another page gives back the first one', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'pagecache', posOf(2));
  const { pages } = m.env;
  await m.run(async (task) => {
    const vma = vmaOf(mm, await mapFile(task, mm, file, 2));
    const [a, b] = [file.page(0), file.page(1)];
    installPte(vma, 0, a, { write: true, dirty: true });
    installPte(vma, 0, a, { write: true });
    t.is(pages.mapcount(a), 1, 'the same page again is no second mapping');
    installPte(vma, 0, b, { write: false });
    t.deepEqual([pages.mapcount(a), pages.mapcount(b)], [0, 1]);
    t.is(clearPte(vma, 0), b);
    t.is(clearPte(vma, 0), undefined);
    t.is(pages.mapcount(b), 0);
  });
});

test('a dirty bit goes to the page when its entry goes or loses the write right', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'pagecache', posOf(2));
  const { mapping } = file;
  await m.run(async (task) => {
    const vma = vmaOf(mm, await mapFile(task, mm, file, 2));
    installPte(vma, 0, file.page(0), { write: true, dirty: true });
    installPte(vma, 1, file.page(1), { write: true, dirty: true });
    writeProtectPte(vma, 0);
    t.deepEqual(mapping.dirtyPages(), [0]);
    t.is(vma.pte(0) & (PTE_WRITE | PTE_DIRTY | PTE_PRESENT), PTE_PRESENT);
    clearPte(vma, 1);
    t.deepEqual(mapping.dirtyPages(), [0, 1]);
  });
});

test('the zero page is out of the fast path, memory without rights absent', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const { pages, allocator } = m.env;
  await m.run(async (task) => {
    const vma = vmaOf(mm, await mapFile(task, mm, null, 1, { share: 'private' }));
    installPte(vma, 0, pages.zeroPfn, { write: false });
    t.true(pteNoGup(vma.pte(0)));
    writeProtectPte(vma, 0);
    t.true(pteNoGup(vma.pte(0)), 'also when the write right is taken from the rest');
    const none = vmaOf(mm, await mapFile(task, mm, null, 1, { prot: '' }));
    const pfn = allocator.allocPage();
    installPte(none, 0, pfn, { write: true });
    t.is(none.pte(0) & PTE_PRESENT, 0);
    t.is(pfnOfPte(none.pte(0)), pfn);
    t.is(pages.mapcount(pfn), 1);
  });
});

test('a VMA knows what of the file lies where', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'fsdax', posOf(9));
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 4, { pgoff: 5 });
    const vma = vmaOf(mm, addr);
    t.is(vma.pgoffAt(addr + posOf(2) + 1), 7);
    t.is(vma.indexOf(addr + posOf(2) + 1), 2);
    t.is(vma.addrOfIndex(3), addr + posOf(3));
    t.true(vma.isFsdax && vma.isDax);
    t.false(vma.contains(addr + posOf(4)));
    t.is(new VmFault('SEGV_ACCERR', 4096).message, 'SIGSEGV (SEGV_ACCERR) at 0x1000');
  });
});
