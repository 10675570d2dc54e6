// The scene of a cell: the machine it plays on, its files, and the administrator.
//
// DAX operations play on one DAX mount; what concerns the page cache (fsync, reclaim) plays on a
// mount without DAX, on the rules of 6.1: since 6.5 a long-term pin of such a page is EFAULT, so
// that there is nothing left to bounce.

import type { Driver } from '../driver/index.js';
import type { KernelName } from '../kernel-rules.js';
import type { LayoutPolicy } from '../lease/layout.js';
import { bootMachine, type Machine, type MachineOptions, type Process } from '../machine.js';
import { KiB, PAGE_SIZE } from '../units.js';
import type { Act } from './acts.js';
import type { OperationName, Reclaimed } from './cell.js';

/** The file that is mapped, the one that takes its blocks, and one that nobody touches. */
export const dataPath = '/data';
export const otherPath = '/other';
export const neighbourPath = '/neighbour';
/** A file behind the page cache of another mount, for direct I/O. */
export const diskPath = '/disk/source';
/** Bytes that a bystander writes at the start of a file. */
export const bystanderBytes = 16;
/** What fills the file, what the device writes, and what the new file's owner writes. */
export const fillByte = 0x5a;
export const dmaByte = 0xdd;
export const otherByte = 0x33;

export interface SceneSpec {
  readonly policy: LayoutPolicy;
  readonly act: Act;
  readonly operation: OperationName;
}

export interface Scene {
  readonly machine: Machine;
  readonly spec: SceneSpec;
  readonly admin: Process;
  /** Bytes of the file. */
  readonly fileLen: number;
  /** Between two transfers of a device that has a clock of its own. */
  readonly periodNs: number;
  /** What each round of reclaim did. */
  readonly reclaims: Reclaimed[];
}

export const onPageCache = (operation: OperationName): boolean =>
  operation === 'fsync' || operation === 'reclaim';

function kernelOf({ policy, operation }: SceneSpec): KernelName {
  if (onPageCache(operation)) return '6.1';
  // `linux` is what the chosen kernel does: the newest. The others need what was proposed.
  return policy.name === 'linux' ? '7.2' : 'proposed';
}

/** What a machine for this cell boots with, besides its clock and its device. */
export function machineOptions(spec: SceneSpec): MachineOptions {
  const { policy, act, operation } = spec;
  return {
    kernel: kernelOf(spec),
    size: 768 * KiB,
    ram: 256 * KiB,
    ...(act.deviceDax !== undefined && { deviceDax: act.deviceDax }),
    drivers: act.drivers as Driver[],
    mounts: {
      '/': { flavor: act.flavor ?? 'ext4', dax: !onPageCache(operation), policy },
      ...(act.pins === 'short' && { '/disk': { flavor: 'ext4', size: 256 * KiB } as const }),
    },
  };
}

/** Boot on the machine's own clock. */
export const bootLive = (spec: SceneSpec, device: string): Promise<Machine> =>
  bootMachine({ ...machineOptions(spec), device });

/** The files and the administrator. */
export async function setScene(
  machine: Machine,
  spec: SceneSpec,
  periodNs: number,
): Promise<Scene> {
  const admin = machine.spawn('admin');
  const fileLen = spec.act.nrPages * PAGE_SIZE;
  const files = { [dataPath]: fileLen, [neighbourPath]: PAGE_SIZE, [otherPath]: 0 };
  for (const [path, len] of Object.entries(files)) {
    const fd = await admin.open(path, ['rdwr', 'creat']);
    if (len > 0) await admin.write(fd, 0, new Uint8Array(len).fill(fillByte));
    await admin.close(fd);
  }
  return { machine, spec, admin, fileLen, periodNs, reclaims: [] };
}

/** Blocks of the file system that nobody has. */
export const freeBlocks = ({ machine }: Scene): number => machine.mounts.get('/')!.statfs().free;

/** Fill the other file, which takes the first free blocks; its bytes are otherByte. */
export async function writeOther({ admin, fileLen }: Scene): Promise<void> {
  const fd = await admin.open(otherPath, ['wronly']);
  await admin.write(fd, 0, new Uint8Array(fileLen).fill(otherByte));
  await admin.close(fd);
}

/** How many bytes of the other file its owner did not write. */
export async function corruptedBytes({ admin, fileLen }: Scene): Promise<number> {
  const fd = await admin.open(otherPath, ['rdonly']);
  const bytes = await admin.read(fd, 0, fileLen);
  await admin.close(fd);
  if (Buffer.compare(bytes, new Uint8Array(bytes.length).fill(otherByte)) === 0) return 0;
  return bytes.reduce((n, byte) => (byte === otherByte ? n : n + 1), 0);
}
