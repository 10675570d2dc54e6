// Goal: the board puts the rooms together as a user expects, and refuses what it cannot boot.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { bootMachine, type MachineOptions } from '../lib/machine.js';
import { KiB, MiB } from '../lib/units.js';
import { assertMachineBalanced } from './support/balance.js';
import { balancedMachine } from './support/machine.js';

const bytes = (n: number, fill = 1) => new Uint8Array(n).fill(fill);

test('several file systems share one device, each with its own policy', async (t) => {
  await using machine = await balancedMachine(t, {
    clock: 'virtual',
    mounts: {
      '/': { flavor: 'ext4', dax: true },
      '/x': { flavor: 'xfs', dax: true, policy: 'orphan' },
      '/ram': { flavor: 'tmpfs' },
    },
  });
  const app = machine.spawn('app');
  for (const path of ['/f', '/x/f', '/ram/f']) {
    const fd = await app.open(path, ['rdwr', 'creat']);
    t.is(await app.write(fd, 0, bytes(100)), 100);
    t.deepEqual(await app.read(fd, 0, 200), bytes(100));
  }
  t.deepEqual([...machine.mounts.keys()], ['/', '/x', '/ram']);
  t.is(machine.mounts.get('/x')?.policy.name, 'orphan');
});

test('a named device keeps its files from one boot to the next', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const device = join(folder, 'pmem0.img');
  const options = { device, size: 16 * MiB, clock: 'virtual' } as const;
  {
    await using machine = await balancedMachine(t, options);
    const app = machine.spawn('app');
    const fd = await app.open('/kept', ['rdwr', 'creat']);
    await app.write(fd, 0, bytes(5 * KiB, 7));
  }
  await using machine = await balancedMachine(t, {
    ...options,
    mounts: { '/': { flavor: 'ext4', dax: true, keep: true } },
  });
  const app = machine.spawn('app');
  const fd = await app.open('/kept');
  t.deepEqual(await app.read(fd, 0, 8 * KiB), bytes(5 * KiB, 7));
});

test('a device that one machine has mounted is EBUSY for another', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const device = join(folder, 'pmem0.img');
  await using _first = await balancedMachine(t, { device, size: 16 * MiB, clock: 'virtual' });
  await t.throwsAsync(bootMachine({ device, clock: 'virtual' }), { code: 'EBUSY' });
});

test('new files have the permissions that umask leaves', async (t) => {
  await using machine = await balancedMachine(t, { clock: 'virtual' });
  const root = machine.spawn('root');
  const user = machine.spawn('user');
  await user.setuid(1000);
  await root.open('/usual', ['rdwr', 'creat'], 0o666);
  t.is((await root.stat('/usual')).mode & 0o777, 0o644);
  await t.throwsAsync(user.open('/usual', ['rdwr']), { code: 'EACCES' });
  t.is(await root.umask(0), 0o022);
  await root.open('/shared', ['rdwr', 'creat'], 0o666);
  t.is((await root.stat('/shared')).mode & 0o777, 0o666);
  await user.open('/shared', ['rdwr']);
});

const refused: readonly [what: string, options: MachineOptions, code: string, says: RegExp][] = [
  ['an unknown kernel', { kernel: '2.6' as '6.1' }, 'EINVAL', /kernel.*2\.6/],
  ['an unknown clock', { clock: 'lunar' as 'real' }, 'EINVAL', /clock/],
  ['an unknown policy', { mounts: { '/': { flavor: 'ext4', policy: 'hope' } } }, 'EINVAL', /hope/],
  ['a size that is no multiple of a page', { size: 70_000 }, 'EINVAL', /size/],
  ['a size of nothing', { size: 0 }, 'EINVAL', /size/],
  ['a size that is no number', { size: Number.NaN }, 'EINVAL', /size/],
  ['DAX on tmpfs', { mounts: { '/': { flavor: 'tmpfs', dax: true } } }, 'EINVAL', /tmpfs/],
  ['a device in no folder', { device: '/no/such/folder/pmem0.img' }, 'ENOENT', /no\/such/],
  ['a device that is a folder', { device: tmpdir() }, 'EISDIR', /./],
  [
    'mounts that do not fit',
    { mounts: { '/': { flavor: 'ext4', size: 2 ** 40 } } },
    'EINVAL',
    /fit/,
  ],
];

for (const [what, options, code, says] of refused) {
  test(`${what} is ${code}, and nothing stays open`, async (t) => {
    await t.throwsAsync(bootMachine({ clock: 'virtual', ...options }), { code, message: says });
  });
}

test('power-off twice is harmless, and nothing starts afterwards', async (t) => {
  const machine = await bootMachine({ clock: 'virtual' });
  t.deepEqual(await machine.powerOff(), []);
  t.deepEqual(await machine.powerOff(), []);
  await assertMachineBalanced(t, machine);
  t.throws(() => machine.spawn('late'), { code: 'ESHUTDOWN' });
});
