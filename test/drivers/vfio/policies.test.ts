// Goal: what each policy makes of an assigned device over a DAX file that somebody truncates: a pin
// that nobody can take back, under a device that nobody can stop.

import test from 'ava';
import vfio, { type VfioClient } from '../../../drivers/vfio/index.js';
import { isErrno } from '../../../lib/errno.js';
import type { KernelName } from '../../../lib/kernel-rules.js';
import { bootMachine } from '../../../lib/machine.js';
import type { PolicyId } from '../../../lib/policy/index.js';
import { KiB, MiB, ms, PAGE_SIZE, seconds } from '../../../lib/units.js';
import { balancedMachine, endsBalanced } from '../../support/machine.js';

const len = 64 * KiB;
const flags = ['read', 'write'] as const;
const job = { dir: 'write', iova: 0, len, byte: 0xdd, periodNs: ms(100) } as const;

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (e: unknown) => {
      if (isErrno(e)) return e.code;
      throw e;
    },
  );

/** An application with a DAX file mapped, and what MAP_DMA of it says; the device is running. */
async function stage(policy: PolicyId, kernel: KernelName = 'proposed') {
  const machine = await bootMachine({
    size: 16 * MiB,
    kernel,
    mounts: { '/': { flavor: 'ext4', dax: true, policy } },
    drivers: [vfio],
    clock: 'virtual',
    seed: 5,
  });
  const app = machine.spawn('app');
  app.ignore('SIGIO');
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(len).fill(0x5a));
  const vaddr = await app.mmap({ fd, len });
  const dev = (await app.openDevice('vfio0')) as unknown as VfioClient;
  const mapped = await code(dev.mapDMA({ vaddr, iova: 0, size: len, flags }));
  await dev.start(job);
  await machine.sched.runFor(ms(2));
  return { machine, app, dev, mapped, vaddr, fd, admin: machine.spawn('admin') };
}

/** Somebody else's file, which takes whatever blocks are free; what is in it a second later. */
async function otherFile({ machine, admin }: Awaited<ReturnType<typeof stage>>): Promise<number[]> {
  const fd = await admin.open('/other', ['rdwr', 'creat']);
  await admin.write(fd, 0, new Uint8Array(4 * MiB).fill(0x33));
  await machine.sched.runFor(seconds(1));
  return [...new Set(await admin.read(fd, 0, 4 * MiB))];
}

for (const [policy, kernel] of [
  ['linux', '6.1'],
  ['linux', '6.12'],
  ['linux', '7.2'],
  ['forbid', 'proposed'],
  ['revoke', 'proposed'],
  ['recall-fence', 'proposed'],
] as const) {
  test(`${policy} on ${kernel}: MAP_DMA of a DAX file is EOPNOTSUPP`, async (t) => {
    const s = await stage(policy, kernel);
    await using machine = endsBalanced(t, s.machine);
    t.is(s.mapped, 'EOPNOTSUPP');
    t.is(s.app.mm.lockedVm, 0);
    t.is(machine.mm.pinTable.size, 0);
    t.is(machine.mm.vmstat.pinsOutstanding, 0);
    t.true((await s.dev.counters()).faults > 0, 'the device found nothing there');
    t.is(await code(s.admin.truncate('/data', 0)), 'ok');
    t.deepEqual(await otherFile(s), [0x33]);
    t.deepEqual(machine.referee.verdict().stray, []);
  });
}

test('wait: truncate hangs until UNMAP_DMA, and no DMA comes after it', async (t) => {
  const s = await stage('wait');
  await using machine = endsBalanced(t, s.machine);
  t.is(s.mapped, 'ok');
  const cut = s.admin.truncate('/data', 0);
  t.false(await machine.sched.runUntil(cut, seconds(600)));
  t.is(await s.dev.unmapDMA(0, len), len);
  await cut;
  t.deepEqual(await otherFile(s), [0x33]);
  t.deepEqual(machine.referee.verdict().stray, []);
});

test('wait: the end of the process ends the wait', async (t) => {
  const s = await stage('wait');
  await using machine = endsBalanced(t, s.machine);
  const cut = s.admin.truncate('/data', 0);
  t.false(await machine.sched.runUntil(cut, seconds(1)));
  s.app.sendSignal('SIGKILL');
  await cut;
  t.deepEqual(await otherFile(s), [0x33]);
  t.is(machine.mm.vmstat.pinsOutstanding, 0);
});

for (const policy of ['orphan', 'busy-extent'] as const) {
  test(`${policy}: late DMA stays in blocks that nobody has, and they come back`, async (t) => {
    const s = await stage(policy);
    await using machine = endsBalanced(t, s.machine);
    const fs = machine.mounts.get('/')!;
    const before = fs.statfs().free;
    await s.admin.truncate('/data', 0);
    t.is((await s.admin.stat('/data')).size, 0);
    t.true(fs.statfs().free - before < len / PAGE_SIZE, 'the blocks are not free');
    t.deepEqual(await otherFile(s), [0x33]);
    await s.admin.unlink('/other');
    await s.dev.unmapAll();
    await machine.sched.settle();
    t.is(fs.statfs().orphaned + fs.statfs().busy, 0);
    t.deepEqual(machine.referee.verdict().stray, []);
  });
}

test('none: the device writes into the file of another, and the referee sees it', async (t) => {
  const s = await stage('none');
  await using machine = endsBalanced(t, s.machine);
  await s.admin.truncate('/data', 0);
  t.true((await otherFile(s)).includes(0xdd));
  const [first] = machine.referee.verdict().stray;
  t.is(first?.device, 'vfio0');
  t.true(machine.referee.verdict().stray.some((x) => x.file === '/other' && x.value === 0xdd));
});

test('ebusy: truncate fails at once, and works after a reset and UNMAP_DMA', async (t) => {
  const s = await stage('ebusy');
  await using _machine = endsBalanced(t, s.machine);
  t.is(await code(s.admin.truncate('/data', 0)), 'EBUSY');
  await s.dev.reset();
  t.is(await code(s.admin.truncate('/data', 0)), 'EBUSY', 'a reset gives no page back');
  await s.dev.unmapAll();
  t.is(await code(s.admin.truncate('/data', 0)), 'ok');
});

test('anonymous memory and tmpfs may always be mapped', async (t) => {
  await using machine = await balancedMachine(t, {
    size: 16 * MiB,
    mounts: { '/': { flavor: 'ext4', dax: true }, '/tmp': { flavor: 'tmpfs' } },
    drivers: [vfio],
    clock: 'virtual',
  });
  const app = machine.spawn('app');
  const dev = (await app.openDevice('vfio0')) as unknown as VfioClient;
  const fd = await app.open('/tmp/shared', ['rdwr', 'creat']);
  await app.ftruncate(fd, len);
  const shared = await app.mmap({ fd, len });
  const anon = await app.mmap({ len, share: 'private' });
  await dev.mapDMA({ vaddr: shared, iova: 0, size: len, flags });
  await dev.mapDMA({ vaddr: anon, iova: MiB, size: len, flags });
  await dev.start({ ...job, iova: MiB });
  await machine.sched.runFor(3 * job.periodNs);
  t.deepEqual(new Set(await app.load(anon, len)), new Set([0xdd]));
});
