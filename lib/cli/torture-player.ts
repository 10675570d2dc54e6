// Plays the operations of a torture workload on a machine, and reads back what a machine has.

import { bootMachine, type Machine, type Process } from '../machine.js';
import { isDirectory } from '../process/file.js';
import { MiB, PAGE_SIZE, pagesSpanned } from '../units.js';
import { directories, type Op } from './torture-model.js';

/** What one run is made of, all by its seed. */
export interface Setup {
  readonly flavor: 'ext4' | 'xfs';
  readonly dax: boolean;
  readonly policy: 'orphan' | 'busy-extent' | 'none';
}

export function setupOf(seed: number): Setup {
  return {
    flavor: seed % 2 === 0 ? 'ext4' : 'xfs',
    dax: seed % 4 !== 3,
    policy: (['orphan', 'busy-extent'] as const)[seed % 3 === 0 ? 1 : 0],
  };
}

/** Boot on an image that is there, or make one. */
export function bootFor(device: string, setup: Setup, size?: number): Promise<Machine> {
  const mount = { ...setup, keep: size === undefined };
  return bootMachine({
    ...{ device, ram: 4 * MiB, mounts: { '/': mount } },
    ...(size === undefined ? {} : { size }),
  });
}

interface Pinned {
  readonly fd: number;
  readonly addr: number;
  readonly len: number;
  readonly pipe: readonly [number, number];
}

export class Player {
  readonly #app: Process;
  readonly #pins: Pinned[] = [];

  constructor(app: Process) {
    this.#app = app;
  }

  /** The directories that the workload counts on, durable. */
  async prepare(): Promise<void> {
    for (const dir of directories) if (dir !== '/') await this.#app.mkdir(dir.slice(0, -1));
    const fd = await this.#app.open('/', ['rdonly']);
    await this.#app.fsync(fd);
    await this.#app.close(fd);
  }

  async play(op: Op): Promise<void> {
    const app = this.#app;
    if (op.op === 'unlink') return app.unlink(op.name);
    if (op.op === 'rename') return app.rename(op.name, op.to);
    if (op.op === 'exchange') return app.rename(op.name, op.to, { flags: ['exchange'] });
    if (op.op === 'link') return app.link(op.name, op.to);
    if (op.op === 'unpin') return this.#unpin();
    const fd = await app.open(op.name, op.op === 'create' ? ['rdwr', 'creat'] : ['rdwr']);
    if (op.op === 'pin') return this.#pin(fd);
    if (op.op === 'write') await app.write(fd, op.pos, new Uint8Array(op.len).fill(op.byte));
    else if (op.op === 'store') await this.#store(fd, op.pos, op.len, op.byte);
    else if (op.op === 'truncate') await app.ftruncate(fd, op.size);
    else if (op.op === 'fsync') await app.fsync(fd);
    else if ('pos' in op) await app.fallocate(fd, op.op, op.pos, op.len);
    await app.close(fd);
  }

  async #store(fd: number, pos: number, len: number, byte: number): Promise<void> {
    const first = pos - (pos % PAGE_SIZE);
    const mapped = pagesSpanned(pos, len) * PAGE_SIZE;
    const addr = await this.#app.mmap({ fd, pos: first, len: mapped });
    await this.#app.store(addr + pos - first, new Uint8Array(len).fill(byte));
    await this.#app.munmap(addr, mapped);
  }

  /** Hold the first pages of a file until an unpin, also when it is truncated or unlinked. */
  async #pin(fd: number): Promise<void> {
    const app = this.#app;
    const { size } = await app.fstat(fd);
    const len = Math.min(2 * PAGE_SIZE, Math.ceil(size / PAGE_SIZE) * PAGE_SIZE);
    if (len === 0 || this.#pins.length >= 4) return app.close(fd);
    const addr = await app.mmap({ fd, len });
    const pipe = await app.pipe();
    await app.vmsplice(pipe[1], addr, len);
    this.#pins.push({ fd, addr, len, pipe });
  }

  async #unpin(): Promise<void> {
    const pin = this.#pins.shift();
    if (pin === undefined) return;
    for (const fd of [...pin.pipe, pin.fd]) await this.#app.close(fd);
    await this.#app.munmap(pin.addr, pin.len);
  }
}

/** Every file below the directories of the workload, by name. */
export async function contentsOf(app: Process): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const dir of directories) {
    for (const { name } of await app.readdir(dir)) {
      const path = `${dir}${name}`;
      const stat = await app.stat(path);
      if (isDirectory(stat)) continue;
      const fd = await app.open(path, ['rdonly']);
      found.set(path, await app.read(fd, 0, stat.size));
      await app.close(fd);
    }
  }
  return found;
}
