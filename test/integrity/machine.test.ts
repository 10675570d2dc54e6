// Goal: no machine boots from options that are none or from an image that is damaged, and a boot
// that is refused leaves the device as it was and free for the next.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isErrno, type ErrnoCode } from '../../lib/errno.js';
import { bootMachine, type MachineOptions } from '../../lib/machine.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { KiB, MiB, PAGE_SIZE } from '../../lib/units.js';
import { assertMachineBalanced } from '../support/balance.js';

const size = 4 * MiB;
const virtual = { clock: 'virtual', timers: 'manual', ram: MiB } as const;
const memory = { ...virtual, inMemory: true, size } as const;

async function refused(
  t: ExecutionContext,
  what: string,
  options: unknown,
  codes: readonly ErrnoCode[],
  says: RegExp,
): Promise<void> {
  try {
    await assertMachineBalanced(t, await bootMachine(options as MachineOptions));
    t.fail(`${what}: it booted`);
  } catch (e) {
    if (!isErrno(e)) t.fail(`${what}: ${(e as Error).stack ?? String(e)}`);
    else {
      t.true(codes.includes(e.code), `${what}: ${e.message}`);
      t.regex(e.message.slice(e.code.length), says, what);
    }
  }
}

const badSizes = [0, -1, 4095, 1.5, NaN, Infinity, 2 ** 53, '4096', null, {}, 4096n];
const mount = (m: unknown) => ({ ...memory, mounts: { '/': m } });

const options: readonly (readonly [
  name: string,
  bad: readonly unknown[],
  make: (v: unknown) => unknown,
  says: RegExp,
])[] = [
  ['options', [null, 7, 'x'], (v) => v, /options/],
  ['size', badSizes, (size) => ({ ...memory, size }), /size/],
  ['ram', badSizes, (ram) => ({ ...memory, ram }), /ram|size/],
  [
    'movable',
    [-1, 1, 1.5, NaN, 2 ** 53, '1', 64 * MiB],
    (movable) => ({ ...memory, movable }),
    /movable/,
  ],
  ['device', ['', 7, {}, 'a\0b'], (device) => ({ ...virtual, size, device }), /device|path/],
  ['inMemory', [7, 'yes'], (inMemory) => ({ ...virtual, size, inMemory }), /inMemory/],
  [
    'kernel',
    ['2.6', '', 7, null, 'toString', '__proto__'],
    (kernel) => ({ ...memory, kernel }),
    /kernel/,
  ],
  ['clock', ['sundial', 7, null], (clock) => ({ ...memory, clock }), /clock/],
  ['seed', [NaN, 'x', {}, 1.5], (seed) => ({ ...memory, seed }), /seed/],
  ['timers', ['never', 7, null], (timers) => ({ ...memory, timers }), /timers/],
  ['horizonNs', [NaN, -1, 'x'], (horizonNs) => ({ ...memory, horizonNs }), /horizon/],
  ['iommu', ['maybe', 7, null], (iommu) => ({ ...memory, iommu }), /iommu/],
  [
    'mounts',
    [null, 7, 'ext4', { '/': null }, { '/': 7 }, { '/': 'ext4' }],
    (mounts) => ({ ...memory, mounts }),
    /mount/,
  ],
  [
    'flavor',
    ['ntfs', undefined, 7, 'toString'],
    (flavor) => mount({ flavor, dax: true }),
    /flavor/,
  ],
  ['dax', [7, 'yes', null], (dax) => mount({ flavor: 'ext4', dax }), /dax/],
  ['keep', [7, 'yes', null], (keep) => mount({ flavor: 'ext4', keep }), /keep/],
  ['mount size', badSizes, (s) => mount({ flavor: 'ext4', size: s }), /size|\/: .* bytes/],
  [
    'mount size of tmpfs',
    badSizes,
    (s) => mount({ flavor: 'tmpfs', size: s }),
    /size|\/: .* bytes/,
  ],
  [
    'policy',
    ['bogus', 7, null, {}, 'toString'],
    (policy) => mount({ flavor: 'ext4', policy }),
    /policy/,
  ],
  [
    'drivers',
    [7, [null], [7], [{}], [{ name: 'x' }]],
    (drivers) => ({ ...memory, drivers }),
    /driver/,
  ],
];

for (const [name, bad, make, says] of options) {
  test(`a machine boots with no ${name} that is none`, async (t) => {
    for (const value of bad) {
      const what = `${name} ${String(typeof value === 'object' ? JSON.stringify(value) : value)}`;
      await refused(t, what, make(value), ['EINVAL'], says);
    }
    t.log(`${bad.length} bad inputs`);
  });
}

const refusals: readonly (readonly [
  what: string,
  options: MachineOptions,
  code: ErrnoCode,
  says: RegExp,
])[] = [
  ['a tmpfs with DAX', mount({ flavor: 'tmpfs', dax: true }) as MachineOptions, 'EINVAL', /tmpfs/],
  [
    'two mounts at one point',
    { ...memory, mounts: { '/a': { flavor: 'tmpfs' }, '/a/': { flavor: 'tmpfs' } } },
    'EBUSY',
    /\/a/,
  ],
  [
    'mounts larger than the device',
    { ...memory, mounts: { '/': { flavor: 'ext4', size: 2 * size } } },
    'EINVAL',
    /mounts: \//,
  ],
  [
    'a mount too small for a file system',
    { ...memory, mounts: { '/': { flavor: 'ext4', size: 8 * KiB } } },
    'EINVAL',
    /blocks/,
  ],
  [
    'an image that is not there',
    { ...virtual, device: '/no/such/pmem.img' },
    'ENOENT',
    /pmem\.img/,
  ],
  ['a directory', { ...virtual, size, device: tmpdir() }, 'EISDIR', /open/],
  [
    'keeping a file system where none is',
    mount({ flavor: 'ext4', keep: true }) as MachineOptions,
    'EINVAL',
    /no file system here/,
  ],
];

for (const [what, opts, code, says] of refusals) {
  test(`${what}: ${code}`, (t) => refused(t, what, opts, [code], says));
}

/** An image with one file on it, unmounted. */
async function image(t: ExecutionContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-image-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const device = join(folder, 'pmem0.img');
  const machine = await bootMachine({ ...virtual, device, size });
  const app = machine.spawn('app');
  const fd = await app.open('/kept', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(4096).fill(7));
  await assertMachineBalanced(t, machine);
  return device;
}

const keep = (device: string, flavor: 'ext4' | 'xfs' = 'ext4') =>
  ({ ...virtual, device, mounts: { '/': { flavor, dax: true, keep: true } } }) as const;

/** Where both copies of the superblock are in the image file. */
function copiesOf(path: string): [number, number] {
  using device = DaxDevice.open(path);
  return [device.dataPos, device.dataPos + device.len - PAGE_SIZE];
}

function damage(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xee, at, at + 64);
  writeFileSync(path, bytes);
}

const bytesOf = (path: string): Buffer => {
  using device = DaxDevice.open(path);
  return Buffer.from(device.view(0, device.len));
};

for (const copy of [0, 1] as const) {
  test(`an image with superblock copy ${copy} damaged is mounted and mended from the other`, async (t) => {
    const device = await image(t);
    const whole = bytesOf(device);
    damage(device, copiesOf(device)[copy]);
    t.false(whole.equals(bytesOf(device)));
    for (const boot of [1, 2]) {
      const machine = await bootMachine(keep(device));
      const fd = await machine.spawn('app').open('/kept');
      t.is(fd, 0, `boot ${boot}`);
      await assertMachineBalanced(t, machine);
    }
    damage(device, copiesOf(device)[1 - copy]!);
    await assertMachineBalanced(t, await bootMachine(keep(device)));
  });
}

test('an image with both superblock copies damaged is refused, and not touched', async (t) => {
  const device = await image(t);
  for (const at of copiesOf(device)) damage(device, at);
  const before = bytesOf(device);
  await refused(t, 'mount', keep(device), ['EINVAL'], /superblock/);
  t.true(before.equals(bytesOf(device)));
});

test('an image of another flavor is EINVAL, and mounts as what it is', async (t) => {
  const device = await image(t);
  await refused(t, 'xfs', keep(device, 'xfs'), ['EINVAL'], /ext4, not xfs/);
  await assertMachineBalanced(t, await bootMachine(keep(device)));
});

test('an image that a machine has mounted is EBUSY for another, until that is off', async (t) => {
  const device = await image(t);
  const first = await bootMachine(keep(device));
  await refused(t, 'second', keep(device), ['EBUSY'], /mounted/);
  t.is((await first.spawn('app').stat('/kept')).size, 4096);
  await assertMachineBalanced(t, first);
  await assertMachineBalanced(t, await bootMachine(keep(device)));
});
