// Goal: a machine with little RAM reads and writes more than fits, keeps what is pinned, and says
// ENOMEM when pins have taken all. Method: whole machines with a page cache, RAM of 256 pages.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import type { Machine } from '../../lib/machine.js';
import { pfnOfPte } from '../../lib/mm/pte.js';
import type { PolicyId } from '../../lib/policy/index.js';
import type { Process } from '../../lib/process/process.js';
import { posOf } from '../../lib/units.js';
import { mappedFile, pageCacheMachine, pinLong, reclaim } from '../support/page-cache-machine.js';

const RAM_PAGES = 256;

const vmaPte = (app: Process, addr: number): number => {
  const vma = app.mm.vmaAt(addr)!;
  return vma.pte(vma.indexOf(addr));
};

for (const how of ['read and write', 'mapping'] as const) {
  test(`by ${how}: three times as much as RAM goes out and comes back`, async (t) => {
    await using machine = await pageCacheMachine(t);
    const app = machine.spawn('app');
    const nrPages = 3 * RAM_PAGES;
    const len = posOf(nrPages);
    const fd = await app.open('/data', ['rdwr', 'creat']);
    await app.ftruncate(fd, len);
    const addr = await app.mmap({ fd, len, prot: 'rw', share: 'shared' });
    for (let i = 0; i < nrPages; i++) {
      const bytes = new Uint8Array(64).fill(i % 251);
      if (how === 'mapping') await app.store(addr + posOf(i), bytes);
      else await app.write(fd, posOf(i), bytes);
    }
    for (let i = 0; i < nrPages; i++) {
      const found =
        how === 'mapping' ? await app.load(addr + posOf(i), 64) : await app.read(fd, posOf(i), 64);
      if (!found.every((byte) => byte === i % 251)) t.fail(`page ${i}: ${found[0]}`);
    }
    const { counters } = machine.mm.vmstat;
    t.true(counters.pgsteal >= 2 * RAM_PAGES, `${counters.pgsteal} pages reclaimed`);
    t.true(counters.nrWritten >= 2 * RAM_PAGES, `${counters.nrWritten} pages written`);
    t.true(machine.mm.pages.lru.nrActive + machine.mm.pages.lru.nrInactive < RAM_PAGES);
  });
}

test("pinned pages stay through any pressure, and are the file's afterwards", async (t) => {
  await using machine = await pageCacheMachine(t);
  const app = machine.spawn('app');
  const { fd, addr } = await mappedFile(app, '/data', posOf(32), 7);
  const pins = await pinLong(machine, app, addr, posOf(32));
  machine.mm.pages.write(pins.pfns, 0, new Uint8Array(posOf(32)).fill(9));
  const other = await app.open('/other', ['rdwr', 'creat']);
  await app.write(other, 0, new Uint8Array(posOf(2 * RAM_PAGES)).fill(1));
  t.true(machine.mm.vmstat.counters.pgactivate > 0, 'they were looked at and activated');
  const found = await app.read(fd, 0, posOf(32));
  t.true(
    found.every((byte) => byte === 9),
    "the pages that the device wrote are the file's",
  );
  pins.unpin();
});

test('pins that take all memory end in ENOMEM, and memory comes back with the unpin', async (t) => {
  await using machine = await pageCacheMachine(t);
  const app = machine.spawn('app');
  const { addr, fd } = await mappedFile(app, '/data', posOf(RAM_PAGES + 64), 7);
  const held = [];
  let failed: unknown;
  for (let i = 0; failed === undefined; i += 16) {
    try {
      held.push(await pinLong(machine, app, addr + posOf(i), posOf(16)));
    } catch (e) {
      failed = e;
    }
  }
  t.true(isErrno(failed, 'ENOMEM'), String(failed));
  t.true(held.length * 16 > RAM_PAGES / 2);
  t.is(machine.mm.vmstat.pinsOutstanding, held.length * 16, 'the one that failed keeps none');
  for (const pins of held) pins.unpin();
  t.is((await app.read(fd, 0, posOf(RAM_PAGES + 64))).length, posOf(RAM_PAGES + 64));
});

interface Fate {
  readonly policy: PolicyId;
  readonly mapped: boolean;
  readonly activated: number;
}

const fates: readonly Fate[] = [
  { policy: 'linux', mapped: false, activated: 4 },
  { policy: 'bounce', mapped: true, activated: 0 },
  { policy: 'hold-unmap', mapped: true, activated: 0 },
];

/**
 * Dirty pages that a device has pinned, looked at by reclaim twice: the first time as just used.
 */
async function lookedAt(machine: Machine, app: Process) {
  const { fd, addr } = await mappedFile(app, '/data', posOf(4), 7);
  const pins = await pinLong(machine, app, addr, posOf(4));
  await reclaim(machine, 8);
  const result = await reclaim(machine, 8);
  return { fd, addr, pins, result };
}

for (const { policy, mapped, activated } of fates) {
  test(`${policy}: a pinned page is ${mapped ? 'not ' : ''}unmapped, and kept`, async (t) => {
    await using machine = await pageCacheMachine(t, policy);
    const app = machine.spawn('app');
    const { addr, pins, result } = await lookedAt(machine, app);
    t.is(result.reclaimed, 0);
    t.is(result.written, 0, 'background writeback leaves it');
    t.is(result.activated, activated);
    for (let i = 0; i < 4; i++) t.is(vmaPte(app, addr + posOf(i)) !== 0, mapped);
    t.is((await app.load(addr, 1))[0], 7);
    t.is(pfnOfPte(vmaPte(app, addr)), pins.pfns[0]!, 'a fault finds the same page');
    pins.unpin();
    await reclaim(machine, 8);
    await reclaim(machine, 8);
    t.true((await reclaim(machine, 8)).reclaimed > 0, 'unpinned they go as any others');
  });
}

test('hold-unmap: fsync sleeps until the unpin; background writeback passes by', async (t) => {
  await using machine = await pageCacheMachine(t, 'hold-unmap');
  const app = machine.spawn('app');
  const { fd, pins } = await lookedAt(machine, app);
  const call = app.fsync(fd);
  t.false(await machine.sched.runUntil(call, 1e9));
  pins.unpin();
  t.true(await machine.sched.runUntil(call, 1e9));
});
