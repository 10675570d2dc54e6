// Goal: a pin takes all its pages or none, in every mode, and unpin gives back exactly those.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { pinUserPages, type PinRequest } from '../../lib/mm/gup.js';
import { PAGE_SIZE, posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { mapFile, memoryMachine, newProcess, originOf, TestFile } from '../support/mm-fixture.js';

const modes = [
  { name: 'live', sched: { mode: 'live' } },
  { name: 'simulated', sched: { mode: 'simulated', seed: 1 } },
] as const;

for (const { name, sched } of modes) {
  test(`${name}: a short pin takes every page touched and holds it after munmap`, async (t) => {
    const m = memoryMachine({ sched });
    const process = newProcess(m, 'app');
    const { mm } = process;
    const file = new TestFile(m, 'fsdax', posOf(8));
    await m.run(async (task) => {
      const addr = await mapFile(task, mm, file, 8);
      await mm.load(task, addr, new Uint8Array(posOf(8)));
      const pins = await pinUserPages(task, m.env, {
        mm,
        addr: addr + PAGE_SIZE - 1,
        len: 2,
        access: 'read',
        longterm: false,
        origin: originOf(process),
      });
      t.deepEqual([...pins.pfns], [file.page(0), file.page(1)]);
      t.is(pins.offset, PAGE_SIZE - 1);
      t.deepEqual(pins.pieces, [{ mapping: file.mapping, pgoff: 0, nrPages: 2 }]);
      await mm.munmap(task, addr, posOf(8));
      t.is(m.env.pages.pins(file.page(0)), 1);
      t.deepEqual(m.env.pinTable.pinsOf(file.mapping, 1, 2), [pins]);
      t.deepEqual(m.env.pinTable.pinsOf(file.mapping, 2, 8), []);
      pins.unpin();
      t.is(pins.state, 'GONE');
      t.throws(() => pins.unpin(), { message: /unpinned twice/ });
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });

  test(`${name}: a pin that fails at page k leaves pages 0 to k-1 unpinned`, async (t) => {
    for (let hole = 0; hole < 6; hole++) {
      const m = memoryMachine({ sched });
      const process = newProcess(m, 'app');
      const { mm } = process;
      await m.run(async (task) => {
        const addr = await mapFile(task, mm, null, 6, { share: 'private' });
        await mm.munmap(task, addr + posOf(hole), PAGE_SIZE);
        const req = {
          mm,
          addr,
          len: posOf(6),
          access: 'write',
          origin: originOf(process),
        } as const;
        for (const term of [{ longterm: false }, { longterm: true, irrevocable: true }] as const) {
          const request: PinRequest = { ...req, ...term };
          const failed = await t.throwsAsync(pinUserPages(task, m.env, request));
          t.true(isErrno(failed, 'EFAULT'), String(failed));
          t.is(m.env.vmstat.pinsOutstanding, 0);
        }
        await mm.exitMmap(task);
      });
      assertBalanced(t, m.env, { mms: m.mms });
    }
  });
}

test('a length of 0 pins the page of an unaligned address, else EINVAL', async (t) => {
  const m = memoryMachine();
  const process = newProcess(m, 'app');
  const { mm } = process;
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 2);
    const req = {
      mm,
      len: 0,
      access: 'write',
      origin: originOf(process),
      longterm: false,
    } as const;
    using pins = await pinUserPages(task, m.env, { ...req, addr: addr + 100 });
    t.is(pins.nrPages, 1);
    const failed = await t.throwsAsync(pinUserPages(task, m.env, { ...req, addr }));
    t.true(isErrno(failed, 'EINVAL'));
  });
  await m.run((task) => mm.exitMmap(task));
  assertBalanced(t, m.env, { mms: m.mms });
});
