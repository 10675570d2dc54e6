// Goal: pages come from the right zone, zeroed, and are free again when the last holder is gone.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { pageFlags } from '../../lib/mm/page-flags.js';
import { bytes, memoryMachine } from '../support/mm-fixture.js';
import { assertBalanced } from '../support/balance.js';
import { PAGE_SIZE } from '../../lib/units.js';

test('movable pages come from ZONE_MOVABLE first, others never', (t) => {
  const { env } = memoryMachine({ ramPages: 10, nrMovable: 3 });
  const { allocator } = env;
  t.is(allocator.nrFreeIn('normal'), 6, 'the zero page is taken');
  const zones = (opts: { movable?: boolean }, nr: number): (string | undefined)[] =>
    Array.from({ length: nr }, () => allocator.zoneOf(allocator.allocPage(opts)));
  t.deepEqual(zones({ movable: true }, 4), ['movable', 'movable', 'movable', 'normal']);
  t.deepEqual(zones({}, 5), Array(5).fill('normal'));
  t.true(
    isErrno(
      t.throws(() => allocator.allocPage()),
      'ENOMEM',
    ),
  );
  t.is(allocator.nrFree, 0);
});

test('a page is zeroed unless that is declined', (t) => {
  const { env } = memoryMachine({ ramPages: 4 });
  const { allocator, pages } = env;
  const first = allocator.allocPage();
  pages.write(first, 0, bytes(PAGE_SIZE, 7));
  allocator.freePage(first);
  t.is(allocator.allocPage({ zero: false }), first, 'what was freed last is handed out first');
  const seen = new Uint8Array(1);
  pages.read(first, 0, seen);
  t.is(seen[0], 7);
  allocator.freePage(first);
  allocator.allocPage();
  pages.read(first, 0, seen);
  t.is(seen[0], 0);
});

test('a page is freed once, and not while an address space has it', (t) => {
  const { env } = memoryMachine();
  const { allocator, pages } = env;
  const pfn = allocator.allocPage();
  pages.setFlags(pfn, pageFlags.cached);
  t.throws(() => allocator.freePage(pfn), { message: /in an address space/ });
  pages.clearFlags(pfn, pageFlags.cached);
  allocator.freePage(pfn);
  t.throws(() => allocator.freePage(pfn), { message: /freed twice/ });
  assertBalanced(t, env);
});

test('under pressure the allocator asks once more after something was freed', (t) => {
  const { env } = memoryMachine({ ramPages: 3 });
  const { allocator } = env;
  const held = [allocator.allocPage(), allocator.allocPage()];
  const asked: string[] = [];
  allocator.onPressure = (zone) => {
    asked.push(zone);
    const pfn = held.pop();
    if (pfn !== undefined) allocator.freePage(pfn);
    return pfn !== undefined;
  };
  t.notThrows(() => allocator.allocPage());
  t.notThrows(() => allocator.allocPage({ movable: true }));
  t.true(
    isErrno(
      t.throws(() => allocator.allocPage()),
      'ENOMEM',
    ),
  );
  t.deepEqual(asked, ['normal', 'movable', 'normal']);
});

test('the zero page is one page, never freed', (t) => {
  const { env } = memoryMachine();
  const { pages, allocator } = env;
  t.is(pages.zeroPfn, allocator.zeroPfn);
  pages.mapped(pages.zeroPfn, false);
  pages.unmapped(pages.zeroPfn);
  t.true(pages.hasFlags(pages.zeroPfn, pageFlags.allocated | pageFlags.reserved));
});
