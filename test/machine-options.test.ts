// Goal: options that are sound pass, and each that is not is EINVAL naming it.

import test from 'ava';
import { checkMachineOptions } from '../lib/machine-options.js';
import type { MachineOptions } from '../lib/machine.js';
import { MiB } from '../lib/units.js';

const sound: readonly MachineOptions[] = [
  {},
  { size: MiB, ram: MiB, movable: MiB, inMemory: true },
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
