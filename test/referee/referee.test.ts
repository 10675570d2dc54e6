// Goal: whatever lands in the wrong place is seen, named and located; nothing else is accused.
// Method: a machine whose policy prevents nothing, and a disk that writes late.

import test, { type ExecutionContext } from 'ava';
import block, { Disk } from '../../drivers/block/index.js';
import type { Machine } from '../../lib/machine.js';
import { KiB, MiB, ms } from '../../lib/units.js';
import { balancedMachine } from '../support/machine.js';

const len = 16 * KiB;

async function boot(t: ExecutionContext, policy: string): Promise<Machine> {
  return balancedMachine(t, {
    kernel: 'proposed',
    clock: 'virtual',
    timers: 'manual',
    drivers: [block],
    mounts: {
      '/': { flavor: 'ext4', dax: true, policy },
      '/disk': { flavor: 'ext4', size: 8 * MiB },
    },
  });
}

/**
 * Read a file into a mapping that is truncated in the middle; what befalls the blocks is `next`.
 */
async function raceWith(machine: Machine, next: (admin: ReturnType<Machine['spawn']>) => unknown) {
  const app = machine.spawn('app');
  const admin = machine.spawn('admin');
  const source = await app.open('/disk/source', ['rdwr', 'creat']);
  await app.write(source, 0, new Uint8Array(len).fill(0xdd));
  await app.fsync(source);
  const direct = await app.open('/disk/source', ['rdonly', 'direct']);
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(len).fill(0x5a));
  const addr = await app.mmap({ fd, len, prot: 'rw', share: 'shared' });
  (machine.drivers.device('block0').hardware as Disk).delayNs = ms(5);
  const read = app.readDirect(direct, 0, { addr, len });
  await machine.sched.runFor(ms(1));
  await admin.truncate('/data', 0);
  await next(admin);
  await machine.sched.runUntil(read, ms(100));
  await machine.sched.settle(); // the reaper frees in a task of its own
  return machine.referee.verdict();
}

test('a write into a block that belongs to another file names both files and the first byte', async (t) => {
  await using machine = await boot(t, 'none');
  const verdict = await raceWith(machine, async (admin) => {
    const fd = await admin.open('/other', ['rdwr', 'creat']);
    await admin.write(fd, 0, new Uint8Array(len).fill(0x33));
  });
  t.is(verdict.stray.length, len / (4 * KiB));
  t.like(verdict.stray[0], {
    device: 'block0',
    access: 'write',
    file: '/other',
    meant: '/data',
    firstByte: 0,
    value: 0xdd,
    len: 4 * KiB,
  });
  t.true(verdict.reused.length > 0, 'law 2: the blocks were given away under a reference');
  t.like(verdict.reused[0], { from: '/data', to: '/other' });
  t.deepEqual(machine.referee.firstStray, verdict.stray[0]);
  t.deepEqual(machine.referee.firstReused, verdict.reused[0]);
});

test('a write into a block that nobody has is a stray one too', async (t) => {
  await using machine = await boot(t, 'none');
  const verdict = await raceWith(machine, () => {});
  t.is(verdict.stray[0]?.file, 'free block');
  t.is(verdict.stray[0]?.pgoff, null);
  t.is(machine.referee.firstReused, undefined);
});

test('a transfer that ends in an orphan of its own file accuses nobody', async (t) => {
  await using machine = await boot(t, 'orphan');
  const verdict = await raceWith(machine, async (admin) => {
    const fd = await admin.open('/other', ['rdwr', 'creat']);
    await admin.write(fd, 0, new Uint8Array(len).fill(0x33));
  });
  t.deepEqual(verdict.stray, []);
  t.deepEqual(verdict.reused, []);
  t.is(verdict.orphanedPeak, len / (4 * KiB));
  t.is(verdict.orphaned, 0);
  t.true(verdict.transfers > 0 && verdict.bytes >= len, 'it did look');
});
