// An image that nobody has mounted, for the commands that look after one: opened, locked,
// recovered, used, and closed cleanly. EBUSY names the pid of whoever has it mounted.

import { flavorOf, findSuperblock } from '../fs/superblock.js';
import { devicePartition } from '../fs/partition.js';
import { bootMachine, type Process } from '../machine.js';
import { DaxDevice } from '../mm/dax-device.js';
import { MiB } from '../units.js';

export const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What happened to the image that the user did not ask for: on the error stream. */
export const note = (line: string): void => void process.stderr.write(`leasehold: ${line}\n`);

/** Run fn on the locked, unmounted device. EBUSY, ENOENT, EUCLEAN: it is no device. */
export async function withDevice<T>(
  path: string,
  fn: (device: DaxDevice) => T | Promise<T>,
): Promise<T> {
  using device = DaxDevice.open(path);
  return await fn(device);
}

/** Mount an image, run fn as root on it, and unmount. What recovery did is told. */
export async function withImage<T>(path: string, fn: (root: Process) => Promise<T>): Promise<T> {
  const flavor = await withDevice(path, (device) => {
    using _lock = device.lockMount();
    return flavorOf(findSuperblock(devicePartition(device, 0, device.len)).values);
  });
  await using machine = await bootMachine({
    ...{ device: path, ram: 8 * MiB },
    mounts: { '/': { flavor, dax: true, keep: true } },
  });
  const recovery = machine.mounts.get('/')?.mount.disk?.recovery;
  if (recovery !== undefined && recovery.superblock !== null) {
    note(`${path}: ${recovery.superblock}; it was made anew`);
  }
  if (recovery !== undefined && !recovery.clean) {
    note(`${path}: it was not unmounted; ${recovery.replayed} records of its log were replayed`);
  }
  const root = machine.spawn('leasehold');
  return await fn(root);
}

const units: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes: a number, or one with K, M, G or T. Undefined: it is neither. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+)([KMGT]?)(iB)?$/.exec(text);
  const bytes = match === null ? NaN : Number(match[1]) * units[match[2]!]!;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
