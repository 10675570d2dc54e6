// Goal: a pin is given back once, by whichever way, and what the device wrote is dirty then.

import test from 'ava';
import { pinUserPages, type PinRequest } from '../../lib/mm/gup.js';
import type { AddressSpaceKind } from '../../lib/mm/address-space.js';
import { posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { mapFile, memoryMachine, newProcess, originOf, TestFile } from '../support/mm-fixture.js';

const rows: readonly { kind: AddressSpaceKind; access: 'read' | 'write'; dirty: number[] }[] = [
  { kind: 'pagecache', access: 'write', dirty: [0, 1] },
  { kind: 'pagecache', access: 'read', dirty: [] },
  { kind: 'fsdax', access: 'write', dirty: [] },
  { kind: 'shmem', access: 'write', dirty: [] },
];

for (const { kind, access, dirty } of rows) {
  test(`${kind}, ${access}: after the unpin pages [${String(dirty)}] are dirty`, async (t) => {
    const m = memoryMachine({ kernel: '6.1' });
    const process = newProcess(m, 'app');
    const { mm } = process;
    const file = new TestFile(m, kind, posOf(3));
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, file, 3);
      const request = { mm, addr, len: posOf(2), access, origin: originOf(process) } as const;
      {
        using pins = await pinUserPages(task, m.env, { ...request, longterm: false });
        for (const pgoff of [0, 1]) file.mapping.clearDirty(pgoff);
        t.false(pins.revocable);
        t.is(pins.nrPages, 2);
        t.true(pins.includes(file.page(1)));
      }
      t.deepEqual(file.mapping.dirtyPages(), dirty);
      await mm.exitMmap(task);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('disposing of pins that are gone is no second unpin', async (t) => {
  const m = memoryMachine();
  const process = newProcess(m, 'app');
  const { mm } = process;
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 1);
    const base = { mm, addr, len: 1, access: 'read', origin: originOf(process) } as const;
    const request: PinRequest = { ...base, longterm: true, revoke: async (p) => p.unpin() };
    using pins = await pinUserPages(task, m.env, request);
    t.true(pins.revocable && pins.longterm);
    pins.markRevoking();
    t.throws(() => pins.markRevoking(), { message: /REVOKING/ });
    pins.unpin();
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a long-term pin that says nothing of revoke does not compile', (t) => {
  const base = { addr: 0, len: 1, access: 'read' } as const;
  type Rest = Omit<PinRequest, 'addr' | 'len' | 'access' | 'longterm'>;
  const rest = {} as Rest & Pick<PinRequest, 'mm' | 'origin'>;
  // @ts-expect-error neither revoke nor irrevocable
  const silent: PinRequest = { ...base, ...rest, longterm: true };
  const declared: PinRequest = { ...base, ...rest, longterm: true, irrevocable: true };
  t.not(silent, declared);
});
