// Goal: from a page to all that maps it, and only that, with the notifiers told before.

import test from 'ava';
import { pageMkclean, placesOf, tryToUnmap } from '../../lib/mm/rmap.js';
import { pfnOfPte, PTE_WRITE } from '../../lib/mm/pte.js';
import { posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  bytes,
  mapFile,
  memoryMachine,
  newProcess,
  TestFile,
  vmaOf,
} from '../support/mm-fixture.js';

test('a page of a file is found in every process at its own place', async (t) => {
  const m = memoryMachine();
  const [a, b] = [newProcess(m, 'a').mm, newProcess(m, 'b').mm];
  const file = new TestFile(m, 'pagecache', posOf(4));
  await m.run(async (task) => {
    const whole = await mapFile(task, a, file, 4);
    const tail = await mapFile(task, b, file, 2, { pgoff: 2 });
    const own = await mapFile(task, b, file, 4, { share: 'private' });
    await a.store(task, whole + posOf(3), bytes(1, 1));
    await b.load(task, tail + posOf(1), new Uint8Array(1));
    await b.load(task, own + posOf(3), new Uint8Array(1));
    const pfn = file.page(3);
    t.deepEqual(
      placesOf(m.env, pfn).map(({ vma, index }) => vma.addrOfIndex(index)),
      [whole + posOf(3), tail + posOf(1), own + posOf(3)],
    );
    const told: string[] = [];
    a.notifiers.insert({
      start: whole,
      end: whole + posOf(4),
      label: 'mirror',
      invalidate: (_task, { event }) => void told.push(event),
    });
    await pageMkclean(task, file.mapping, 3);
    t.is(vmaOf(a, whole).pte(3) & PTE_WRITE, 0);
    t.true(file.mapping.isDirty(3), 'the dirty bit was not lost');
    await pageMkclean(task, file.mapping, 1); // not there
    await b.store(task, own + posOf(3), bytes(1, 2));
    t.is(placesOf(m.env, pfn).length, 2, 'a private copy is another page');
    await tryToUnmap(task, m.env, pfn);
    t.is(m.env.pages.mapcount(pfn), 0);
    t.deepEqual(told, ['protect', 'unmap']);
    await a.exitMmap(task);
    await b.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('an anonymous page is found where the caller says it was', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 2, { share: 'private' });
    await mm.store(task, addr, bytes(1, 1));
    const vma = vmaOf(mm, addr);
    const pfn = pfnOfPte(vma.pte(0));
    t.is(placesOf(m.env, pfn).length, 0);
    t.deepEqual(placesOf(m.env, pfn, { mm, addr }), [{ vma, index: 0 }]);
    t.is(placesOf(m.env, pfn, { mm, addr: addr + posOf(1) }).length, 0);
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
