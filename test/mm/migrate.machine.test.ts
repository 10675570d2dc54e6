// Goal: on a whole machine long-term pins leave ZONE_MOVABLE with their pages, the file and its
// mappings follow, and a page that cannot move makes the pin ENOMEM without a trace (facts 2.3).

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { pinUserPages } from '../../lib/mm/gup.js';
import { KiB, posOf } from '../../lib/units.js';
import { mappedFile, pageCacheMachine, pinLong } from '../support/page-cache-machine.js';

const NR = 8;

test('a registration moves page-cache pages out of ZONE_MOVABLE; reads and stores follow', async (t) => {
  await using machine = await pageCacheMachine(t, 'linux', { movable: 512 * KiB });
  const { allocator, pages, vmstat } = machine.mm;
  const app = machine.spawn('app');
  const { fd, addr } = await mappedFile(app, '/data', posOf(NR), 7);
  const free = { normal: allocator.nrFreeIn('normal'), movable: allocator.nrFreeIn('movable') };
  const pins = await pinLong(machine, app, addr, posOf(NR));
  t.deepEqual(
    [...pins.pfns].map((pfn) => allocator.zoneOf(pfn)),
    Array(NR).fill('normal'),
  );
  t.is(vmstat.counters.pgmigrateSuccess, NR);
  t.is(allocator.nrFreeIn('normal'), free.normal - NR, 'each new page is accounted');
  t.is(allocator.nrFreeIn('movable'), free.movable + NR, 'and each old one is free');
  pages.write(pins.pfns, 0, new Uint8Array(posOf(NR)).fill(9));
  t.true((await app.read(fd, 0, posOf(NR))).every((byte) => byte === 9));
  t.is((await app.load(addr, 1))[0], 9);
  pins.unpin();
});

test('a page under a short pin cannot move: ENOMEM, nothing pinned, nothing charged', async (t) => {
  await using machine = await pageCacheMachine(t, 'linux', { movable: 512 * KiB });
  const { allocator, vmstat } = machine.mm;
  const app = machine.spawn('app');
  const { addr } = await mappedFile(app, '/data', posOf(NR), 7);
  const short = await machine.sched.enter('dio', (task) =>
    pinUserPages(task, machine.mm, {
      ...{ mm: app.mm, addr: addr + posOf(3), len: posOf(1), access: 'read', longterm: false },
      origin: { process: app, device: 'disk0', deviceFile: '', dataFile: '/data' },
    }),
  );
  t.is(allocator.zoneOf(short.pfns[0]!), 'movable', 'short pins may stay there');
  const nrFree = allocator.nrFree;
  const failed = await t.throwsAsync(pinLong(machine, app, addr, posOf(NR)));
  t.true(isErrno(failed, 'ENOMEM'), String(failed));
  t.is(vmstat.counters.pgmigrateFail, 1);
  t.is(vmstat.pinsOutstanding, 1);
  t.is(allocator.nrFree, nrFree);
  t.is(app.mm.pinnedVm, 0);
  short.unpin();
  (await pinLong(machine, app, addr, posOf(NR))).unpin();
});

test('without a free page in ZONE_NORMAL the pin is ENOMEM', async (t) => {
  await using machine = await pageCacheMachine(t, 'linux', { movable: 512 * KiB });
  const { allocator, vmstat } = machine.mm;
  const app = machine.spawn('app');
  const { addr } = await mappedFile(app, '/data', posOf(NR), 7);
  const taken: number[] = [];
  while (allocator.nrFreeIn('normal') > NR - 1) taken.push(allocator.allocPage({ zero: false }));
  const failed = await t.throwsAsync(pinLong(machine, app, addr, posOf(NR)));
  t.true(isErrno(failed, 'ENOMEM'), String(failed));
  t.is(vmstat.pinsOutstanding, 0);
  for (const pfn of taken) allocator.freePage(pfn);
  (await pinLong(machine, app, addr, posOf(NR))).unpin();
});
