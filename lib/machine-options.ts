// The options of a machine, checked before anything is made of them: EINVAL names the option. And
// where its mounts lie on the device.

import { Errno } from './errno.js';
import { daxModes, type DaxOption } from './fs/dax-mode.js';
import { kernelNames } from './kernel-rules.js';
import type { MachineOptions, MountOptions } from './machine.js';
import { isAligned, MiB, PAGE_SIZE } from './units.js';

/** Memory that a tmpfs may take if nothing is said. */
const usualTmpfs = 32 * MiB;

type Check = (v: unknown) => boolean;

const isObject: Check = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);
const isBoolean: Check = (v) => typeof v === 'boolean';
const oneOf =
  (words: readonly unknown[]): Check =>
  (v) =>
    words.includes(v);
const isBytes: Check = (v) =>
  typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 && isAligned(v);
const someBytes: Check = (v) => isBytes(v) && v !== 0;
const isPath: Check = (v) => typeof v === 'string' && v !== '' && !v.includes('\0');
const isDriver: Check = (v) => isObject(v) && Object.isFrozen(v);
const isPolicy: Check = (v) => typeof v === 'string' || (isObject(v) && Object.isFrozen(v));

/** What each option may be, apart from not being given. */
const checks: Readonly<Record<string, readonly [check: Check, wanted: string]>> = {
  clock: [oneOf(['real', 'virtual']), 'real or virtual'],
  device: [isPath, 'a path'],
  drivers: [(v) => Array.isArray(v) && v.every(isDriver), 'a list made by defineDriver()'],
  flushes: [isBoolean, 'a boolean'],
  horizonNs: [(v) => typeof v === 'number' && v >= 0, 'nanoseconds'],
  inMemory: [isBoolean, 'a boolean'],
  iommu: [oneOf(['off', 'strict']), 'off or strict'],
  kernel: [oneOf(kernelNames), `a kernel; there are ${kernelNames.join(', ')}`],
  mounts: [isObject, 'an object of mount points'],
  movable: [isBytes, `bytes, a multiple of ${PAGE_SIZE}`],
  ram: [someBytes, `bytes, a multiple of ${PAGE_SIZE}`],
  seed: [Number.isSafeInteger, 'a whole number'],
  size: [someBytes, `bytes, a multiple of ${PAGE_SIZE}`],
  timers: [oneOf(['idle', 'any', 'manual']), 'idle, any or manual'],
};

const mountChecks: typeof checks = {
  dax: [(v) => daxModes.includes(v as DaxOption), 'always, inode, never or a boolean'],
  flavor: [oneOf(['ext4', 'xfs', 'tmpfs']), 'ext4, xfs or tmpfs'],
  keep: [isBoolean, 'a boolean'],
  policy: [isPolicy, 'the name of a policy, or one made by definePolicy()'],
  size: [someBytes, `bytes, a multiple of ${PAGE_SIZE}`],
};

function checkAll(where: string, options: object, table: typeof checks): void {
  for (const [name, value] of Object.entries(options)) {
    const row = Object.hasOwn(table, name) ? table[name] : undefined;
    if (row === undefined || value === undefined || row[0](value)) continue;
    const given = typeof value === 'object' ? JSON.stringify(value) : String(value);
    throw new Errno('EINVAL', `boot: ${where}${name}: ${given} is not ${row[1]}`);
  }
}

/** EINVAL names the option at fault. Sizes that do not fit each other are found at boot. */
export function checkMachineOptions(options: MachineOptions): void {
  if (!isObject(options)) throw new Errno('EINVAL', `boot: options: ${String(options)}`);
  checkAll('', options, checks);
  const { movable = 0, ram } = options;
  if (ram !== undefined && movable > ram) {
    throw new Errno('EINVAL', `boot: movable: ${movable} of ${ram} bytes of RAM`);
  }
  for (const [point, mount] of Object.entries(options.mounts ?? {})) {
    if (!isObject(mount)) throw new Errno('EINVAL', `boot: mounts: ${point}: ${String(mount)}`);
    const given: object = mount; // an application may leave out what its type demands
    checkAll(`mounts: ${point}: `, { flavor: null, ...given }, mountChecks);
    if (mount.flavor === undefined) throw new Errno('EINVAL', `boot: mounts: ${point}: flavor`);
  }
}

export interface Part {
  readonly pos: number;
  readonly len: number;
}

/** Where each mount lies on the device; tmpfs takes nothing of it. */
export function partitions(
  len: number,
  points: readonly (readonly [string, MountOptions])[],
): Part[] {
  const onDevice = points.filter(([, m]) => m.flavor !== 'tmpfs');
  const fixed = onDevice.reduce((sum, [, m]) => sum + (m.size ?? 0), 0);
  const sharers = onDevice.filter(([, m]) => m.size === undefined).length;
  const share = sharers === 0 ? 0 : Math.floor((len - fixed) / sharers / PAGE_SIZE) * PAGE_SIZE;
  let pos = 0;
  return points.map(([point, mount]) => {
    if (mount.flavor === 'tmpfs') return { pos: 0, len: mount.size ?? usualTmpfs };
    const part = { pos, len: mount.size ?? share };
    pos += part.len;
    if (part.len <= 0 || part.len % PAGE_SIZE !== 0 || pos > len) {
      throw new Errno('EINVAL', `boot: mounts: ${point}: ${part.len} bytes of ${len} do not fit`);
    }
    return part;
  });
}
