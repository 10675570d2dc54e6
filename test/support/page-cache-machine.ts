// A whole machine with a page-cache file system and little RAM, and pins taken on it: for tests of
// reclaim, writeback and migration.

import type { ExecutionContext } from 'ava';
import type { Machine, MachineOptions } from '../../lib/machine.js';
import { pinUserPages, type PinnedPages } from '../../lib/mm/gup.js';
import type { PolicyId } from '../../lib/policy/index.js';
import type { Process } from '../../lib/process/process.js';
import { MiB } from '../../lib/units.js';
import { balancedMachine } from './machine.js';

export async function pageCacheMachine(
  t: ExecutionContext,
  policy: PolicyId = 'linux',
  more: MachineOptions = {},
): Promise<Machine> {
  return balancedMachine(t, {
    ...{ inMemory: true, size: 16 * MiB, ram: MiB, kernel: '6.1', clock: 'virtual', seed: 3 },
    mounts: { '/': { flavor: 'ext4', dax: false, policy } },
    ...more,
  });
}

export interface MappedFile {
  readonly fd: number;
  readonly addr: number;
}

/** A file of len bytes, each of them `byte`, mapped. */
export async function mappedFile(
  app: Process,
  path: string,
  len: number,
  byte: number,
): Promise<MappedFile> {
  const fd = await app.open(path, ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(len).fill(byte));
  return { fd, addr: await app.mmap({ fd, len, prot: 'rw', share: 'shared' }) };
}

/** What a driver's registration does: a long-term pin for a device that writes. */
export function pinLong(
  machine: Machine,
  app: Process,
  addr: number,
  len: number,
): Promise<PinnedPages> {
  return machine.sched.enter('reg', (task) =>
    pinUserPages(task, machine.mm, {
      ...{ mm: app.mm, addr, len, access: 'write', longterm: true, irrevocable: true },
      origin: { process: app, device: 'dev0', deviceFile: '/dev/dev0', dataFile: '/data' },
    }),
  );
}

/** Look at so many pages, as memory pressure does. */
export const reclaim = (machine: Machine, nr: number) =>
  machine.sched.enter('reclaim', (task) => machine.mm.pressure!.reclaim(task, nr));
