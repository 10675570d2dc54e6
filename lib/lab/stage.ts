// The stage of the story: a machine with two processes, and a file that one of them maps.

import { bootMachine, type Machine, type Process } from '../machine.js';
import type { Driver } from '../driver/index.js';
import type { LayoutPolicy } from '../lease/layout.js';
import { KiB, MiB } from '../units.js';

/** The file that is mapped, and the one that takes its blocks. */
export const dataPath = '/data';
export const otherPath = '/other';
/** A file behind the page cache of another mount, for direct I/O. */
export const diskPath = '/disk/source';
export const fileLen = 256 * KiB;
/** What fills the file, what the device writes, and what the new file's owner writes. */
export const fillByte = 0x5a;
export const dmaByte = 0xdd;
export const otherByte = 0x33;

export interface StageOptions {
  readonly policy: LayoutPolicy;
  /** A real file for the device; a temporary one if not given. */
  readonly device?: string;
  readonly drivers: readonly Driver[];
}

export interface Stage {
  readonly machine: Machine;
  /** Maps the file and lets a device at it. */
  readonly app: Process;
  /** Truncates it and makes the other file. */
  readonly admin: Process;
  readonly fd: number;
  readonly addr: number;
  /** Free blocks of the file system now. */
  free(): Promise<number>;
}

/** Boot, write the file and map it. The application ignores SIGIO, as a bad one does. */
export async function setStage(options: StageOptions): Promise<Stage> {
  const { policy } = options;
  const machine = await bootMachine({
    ...(options.device === undefined ? {} : { device: options.device }),
    size: 64 * MiB,
    // `linux` is what the chosen kernel does: the newest. The others need what was proposed.
    kernel: policy.name === 'linux' ? '7.2' : 'proposed',
    clock: 'virtual',
    timers: 'manual',
    seed: 1,
    drivers: options.drivers,
    mounts: {
      '/': { flavor: 'ext4', dax: true, policy },
      '/disk': { flavor: 'ext4', size: 8 * MiB },
    },
  });
  const app = machine.spawn('app');
  const admin = machine.spawn('admin');
  app.ignore('SIGIO');
  const fd = await app.open(dataPath, ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(fileLen).fill(fillByte));
  const direct = policy.promises.lease === 'MAP_DIRECT';
  const addr = await app.mmap({ fd, len: fileLen, prot: 'rw', share: 'shared', direct });
  return {
    machine,
    app,
    admin,
    fd,
    addr,
    free: async () => (await admin.statfs('/')).free,
  };
}

/** Make the other file, which takes the first free blocks; its bytes are otherByte. */
export async function writeOther(admin: Process): Promise<void> {
  const fd = await admin.open(otherPath, ['rdwr', 'creat', 'trunc']);
  await admin.write(fd, 0, new Uint8Array(fileLen).fill(otherByte));
  await admin.close(fd);
}

/** How many bytes of the other file its owner did not write. */
export async function corruptedBytes(admin: Process): Promise<number> {
  const fd = await admin.open(otherPath, ['rdonly']);
  const bytes = await admin.read(fd, 0, fileLen);
  await admin.close(fd);
  return bytes.reduce((n, byte) => n + (byte === otherByte ? 0 : 1), 0);
}
