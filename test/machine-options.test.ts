// Goal: options that are sound pass, and each that is not is EINVAL naming it.

import test from 'ava';
import { checkMachineOptions, partitions } from '../lib/machine-options.js';
import type { MachineOptions } from '../lib/machine.js';
import { MiB } from '../lib/units.js';

const sound: readonly MachineOptions[] = [
  {},
  { size: MiB, ram: MiB, movable: MiB, inMemory: true, flushes: false },
  { kernel: '6.1', clock: 'virtual', timers: 'manual', seed: 0, horizonNs: 5 },
  { mounts: { '/': { flavor: 'ext4', dax: true, policy: 'linux', size: MiB, keep: false } } },
  { mounts: {}, drivers: [], iommu: 'strict' },
];

for (const options of sound) {
  test(`sound: ${JSON.stringify(options)}`, (t) => {
    t.notThrows(() => checkMachineOptions(options));
  });
}

const unsound: readonly (readonly [options: unknown, says: RegExp])[] = [
  [null, /options/],
  [{ size: 1 }, /size: 1/],
  [{ flushes: 0 }, /flushes: 0/],
  [{ ram: MiB, movable: 2 * MiB }, /movable/],
  [{ mounts: { '/': {} } }, /mounts: \/: flavor/],
  [{ mounts: { '/a': { flavor: 'ext4', dax: 1 } } }, /mounts: \/a: dax: 1/],
  [{ kernel: '2.6' }, /kernel: 2\.6 .*6\.12/],
];

for (const [options, message] of unsound) {
  test(`unsound: ${JSON.stringify(options)}`, (t) => {
    t.throws(() => checkMachineOptions(options as MachineOptions), { code: 'EINVAL', message });
  });
}

const ext4 = { flavor: 'ext4' } as const;

test('mounts share what no size was said for; a tmpfs takes nothing of the device', (t) => {
  const parts = partitions(4 * MiB, [
    ['/', ext4],
    ['/a', { ...ext4, size: 2 * MiB }],
    ['/tmp', { flavor: 'tmpfs' }],
    ['/b', ext4],
  ]);
  t.deepEqual(
    parts.map(({ pos, len }) => [pos, len]),
    [
      [0, MiB],
      [MiB, 2 * MiB],
      [0, 32 * MiB],
      [3 * MiB, MiB],
    ],
  );
});

test('mounts that are more than the device are EINVAL naming one', (t) => {
  const message = /mounts: \/a/;
  t.throws(() => partitions(MiB, [['/a', { ...ext4, size: 2 * MiB }]]), {
    code: 'EINVAL',
    message,
  });
});
