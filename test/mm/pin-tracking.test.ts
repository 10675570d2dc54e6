// Goal: what is pinned is never called unpinned, in all three forms; and what each form costs.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { newPinTracking, type PinTrackingForm } from '../../lib/mm/pin-tracking.js';
import { memoryMachine } from '../support/mm-fixture.js';

const forms: readonly PinTrackingForm[] = ['bias', 'own-count', 'off-lru'];

const acts = fc.array(
  fc.record({ act: fc.constantFrom('get', 'pin', 'drop'), page: fc.nat(2), which: fc.nat(100) }),
  { minLength: 1, maxLength: 60 },
);

for (const form of forms) {
  testProp(
    `${form}: a pinned page is never called unpinned, an unreferenced one never pinned`,
    [acts],
    (t, list) => {
      const { lru, regions } = memoryMachine().env.pages;
      const tracking = newPinTracking(form, lru);
      const first = regions[0]!.basePfn;
      const held: { page: number; kind: 'get' | 'pin' }[] = [];
      for (const { act, page: index, which } of list) {
        const page = first + index;
        if (act === 'get') tracking.get(page);
        if (act === 'pin') tracking.pin(page);
        if (act !== 'drop') held.push({ page, kind: act });
        else if (held.length > 0) {
          const [gone] = held.splice(which % held.length, 1);
          if (gone!.kind === 'get') tracking.put(gone!.page);
          else tracking.unpin(gone!.page);
        }
        for (const p of [first, first + 1, first + 2]) {
          t.is(
            tracking.maybePinned(p),
            held.some((h) => h.page === p && h.kind === 'pin'),
          );
        }
      }
    },
  );
}

test('only the bias takes 1024 plain references for a pin', (t) => {
  for (const form of forms) {
    const tracking = newPinTracking(form, memoryMachine().env.pages.lru);
    for (let i = 0; i < 1023; i++) tracking.get(1);
    t.false(tracking.maybePinned(1));
    tracking.get(1);
    t.is(tracking.maybePinned(1), form === 'bias');
  }
});

test('only off-lru hides pinned pages from reclaim', (t) => {
  for (const form of forms) {
    const { env } = memoryMachine();
    const pfn = env.allocator.allocPage();
    env.pages.lru.add(pfn);
    const tracking = newPinTracking(form, env.pages.lru);
    tracking.pin(pfn);
    tracking.pin(pfn);
    tracking.unpin(pfn);
    t.is(env.pages.lru.oldest(1).length, form === 'off-lru' ? 0 : 1);
    tracking.unpin(pfn);
    t.deepEqual(env.pages.lru.oldest(1), [pfn]);
  }
});

test('the bias has room for two million pins of a page', (t) => {
  const tracking = newPinTracking('bias', memoryMachine().env.pages.lru);
  const room = Math.floor((2 ** 31 - 1) / 1024);
  for (let i = 0; i < room; i++) tracking.pin(1);
  t.true(
    isErrno(
      t.throws(() => tracking.pin(1)),
      'ENOMEM',
    ),
  );
  t.is(room, 2 ** 21 - 1);
});
