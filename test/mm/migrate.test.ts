// Goal: no long-term pin stays in ZONE_MOVABLE; what cannot move makes it ENOMEM (facts 2.3).

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { gup } from '../../lib/mm/gup.js';
import { pageFlags } from '../../lib/mm/page-flags.js';
import { pfnOfPte } from '../../lib/mm/pte.js';
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

const longWrite = { write: true, longterm: true, kind: 'pin' } as const;

for (const kind of ['anonymous', 'shmem', 'shared by two'] as const) {
  test(`${kind}: pages move to ZONE_NORMAL and every mapping follows`, async (t) => {
    const m = memoryMachine({ ramPages: 64, nrMovable: 32, sched: { mode: 'simulated', seed: 2 } });
    const [mm, other] = [newProcess(m, 'a').mm, newProcess(m, 'b').mm];
    const { pages, allocator, vmstat } = m.env;
    const file = kind === 'anonymous' ? null : new TestFile(m, 'shmem', posOf(4));
    await m.run(async (task) => {
      const share = kind === 'anonymous' ? 'private' : 'shared';
      const addr = await mapFile(task, mm, file, 4, { share });
      await mm.store(task, addr, bytes(posOf(4), 6));
      const before = pfnOfPte(vmaOf(mm, addr).pte(0));
      t.is(allocator.zoneOf(before), 'movable');
      const second = kind === 'shared by two' ? await mapFile(task, other, file, 4) : 0;
      if (second !== 0) await other.load(task, second, new Uint8Array(posOf(4)));
      const out = new Uint32Array(4);
      t.is(await gup(task, mm, addr, 4, longWrite, out), 4);
      out.forEach((pfn) => t.is(allocator.zoneOf(pfn), 'normal'));
      t.is(vmstat.counters.pgmigrateSuccess, 4);
      t.is(pfnOfPte(vmaOf(mm, addr).pte(0)), out[0]!);
      t.deepEqual(await loaded(task, mm, addr, posOf(4)), bytes(posOf(4), 6));
      pages.write(out, 0, bytes(3, 7));
      if (second !== 0) t.deepEqual(await loaded(task, other, second, 3), bytes(3, 7));
      t.is(pages.flags(before), 0, 'the old page is free');
      pages.unpinPages(out, 0, 4);
      await mm.exitMmap(task);
      await other.exitMmap(task);
      file?.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('a page that somebody references stays where it is, and the pin is ENOMEM', async (t) => {
  const m = memoryMachine({ ramPages: 64, nrMovable: 32 });
  const { mm } = newProcess(m, 'app');
  const { pages } = m.env;
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 3, { share: 'private' });
    const [short, out] = [new Uint32Array(1), new Uint32Array(3)];
    await gup(task, mm, addr + posOf(2), 1, { write: true, kind: 'pin' }, short);
    t.true(pages.hasFlags(short[0]!, pageFlags.movable), 'short pins may stay in ZONE_MOVABLE');
    const failed = await t.throwsAsync(gup(task, mm, addr, 3, longWrite, out));
    t.true(isErrno(failed, 'ENOMEM'), String(failed));
    t.is(m.env.vmstat.pinsOutstanding, 1);
    pages.unpinPages(short, 0, 1);
    t.is(await gup(task, mm, addr, 3, longWrite, out), 3);
    pages.unpinPages(out, 0, 3);
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('without room in ZONE_NORMAL the pin is ENOMEM', async (t) => {
  const m = memoryMachine({ ramPages: 16, nrMovable: 12 });
  const { mm } = newProcess(m, 'app');
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, null, 6, { share: 'private' });
    const failed = await t.throwsAsync(gup(task, mm, addr, 6, longWrite, new Uint32Array(6)));
    t.true(isErrno(failed, 'ENOMEM'));
    t.is(m.env.vmstat.counters.pgmigrateFail, 1);
    await mm.exitMmap(task);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
