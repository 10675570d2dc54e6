// What the device has of a file in the page cache: whole pages, late ones, lost ones.
//
//   torn   right after fsync: bytes on the device that are those of no moment in memory
//   late   right after: memory has other bytes, and the kernel takes the page for clean
//   lost   at the end, everybody having let go and the file synced again: still other bytes
//
// Every moment of a page at which its bytes changed by DMA is noted while the play runs. Worker
// threads have no moments to note; their transfers fill a page with one byte, so that a page of one
// byte is whole as well.

import assert from 'node:assert/strict';
import type { Inode } from '../fs/inode.js';
import { assertDisk } from '../fs/store-kinds.js';
import { tracepoints } from '../trace/index.js';
import { PAGE_SIZE, type Pgoff } from '../units.js';
import { attempt } from './attempt.js';
import { bystanderBytes, dataPath, type Scene } from './scene.js';

export interface DevicePages {
  readonly torn: number;
  readonly late: number;
}

const isUniform = (bytes: Uint8Array): boolean => bytes.every((b) => b === bytes[0]);

/** What is compared: a bystander stores to the first bytes of the file at a moment of its own. */
const comparable = (bytes: Uint8Array, pgoff: Pgoff): Uint8Array =>
  pgoff === 0 ? bytes.subarray(bystanderBytes) : bytes;

const keyOf = (bytes: Uint8Array, pgoff: Pgoff): string => {
  const { buffer, byteOffset, length } = comparable(bytes, pgoff);
  return Buffer.from(buffer, byteOffset, length).toString('latin1');
};

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Notes what each page of the file held, from now until stop(). */
export class PageCheck {
  readonly #scene: Scene;
  readonly #inode: Inode;
  readonly #moments = new Map<Pgoff, Set<string>>();
  readonly #stop: () => void;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#inode = inodeOf(scene);
    this.#noteAll();
    const { sched } = scene.machine;
    this.#stop = tracepoints.dma.subscribe(({ source, args }) => {
      if (source === sched && args['access'] === 'write') this.#note(Number(args['pfn']));
    });
  }

  stop(): void {
    this.#stop();
  }

  get #nrPages(): number {
    return this.#scene.spec.act.nrPages;
  }

  #noteAll(): void {
    for (let pgoff = 0; pgoff < this.#nrPages; pgoff++) this.#notePage(pgoff);
  }

  /** Live, one event may tell of many pages; simulated, of one. */
  #note(pfn: number): void {
    if (!this.#scene.machine.sched.on) return this.#noteAll();
    for (let pgoff = 0; pgoff < this.#nrPages; pgoff++) {
      if (this.#inode.mapping.lookup(pgoff) === pfn) this.#notePage(pgoff);
    }
  }

  #notePage(pgoff: Pgoff): void {
    const bytes = this.#inMemory(pgoff);
    if (bytes === null) return;
    const moments = this.#moments.get(pgoff) ?? new Set();
    this.#moments.set(pgoff, moments.add(keyOf(bytes, pgoff)));
  }

  #inMemory(pgoff: Pgoff): Uint8Array | null {
    const pfn = this.#inode.mapping.lookup(pgoff);
    return pfn === undefined ? null : this.#read(pfn);
  }

  #onDevice(pgoff: Pgoff): Uint8Array | null {
    const block = this.#inode.extents.blockOf(pgoff);
    if (block === undefined) return null;
    return this.#read(assertDisk(this.#inode.fs).partition.pfnOf(block));
  }

  #read(pfn: number): Uint8Array {
    const bytes = new Uint8Array(PAGE_SIZE);
    this.#scene.machine.mm.pages.native.copyFrom(Uint32Array.of(pfn), 0, bytes, 0, PAGE_SIZE);
    return bytes;
  }

  /** What the device has now: nobody runs meanwhile, nothing is written for it. */
  look(): DevicePages {
    this.#noteAll(); // stores of a CPU are told by nobody
    let torn = 0;
    let late = 0;
    for (let pgoff = 0; pgoff < this.#nrPages; pgoff++) {
      const device = this.#onDevice(pgoff);
      const memory = this.#inMemory(pgoff);
      if (device === null) continue;
      const known = this.#moments.get(pgoff)?.has(keyOf(device, pgoff)) === true;
      if (!known && !isUniform(comparable(device, pgoff))) torn++;
      if (memory === null || this.#inode.mapping.isDirty(pgoff)) continue;
      if (!sameBytes(comparable(memory, pgoff), comparable(device, pgoff))) late++;
    }
    return { torn, late };
  }
}

function inodeOf({ machine }: Scene): Inode {
  const { inodes } = machine.mounts.get('/')!.mount;
  const found = [...inodes].find(({ path }) => path === dataPath);
  assert(found !== undefined, `no inode is called ${dataPath}`);
  return found;
}

/** Pages of the file as the device has them, once what is dirty was written. */
async function readDirect({ admin, fileLen }: Scene): Promise<Uint8Array> {
  const fd = await admin.open(dataPath, ['rdonly', 'direct']);
  const addr = await admin.mmap({ len: fileLen, prot: 'rw', share: 'private' });
  await attempt(() => admin.readDirect(fd, 0, { addr, len: fileLen }));
  const bytes = await admin.load(addr, fileLen);
  await admin.munmap(addr, fileLen);
  await admin.close(fd);
  return bytes;
}

async function readCached({ admin, fileLen }: Scene): Promise<Uint8Array> {
  const fd = await admin.open(dataPath, ['rdonly']);
  const bytes = await admin.read(fd, 0, fileLen);
  await admin.close(fd);
  return bytes;
}

/** At the end: pages whose bytes no sync brings to the device. */
export async function lostPages(scene: Scene): Promise<number> {
  const [memory, device] = [await readCached(scene), await readDirect(scene)];
  let lost = 0;
  for (let pos = 0; pos < memory.length; pos += PAGE_SIZE) {
    const [a, b] = [memory, device].map((bytes) => bytes.subarray(pos, pos + PAGE_SIZE));
    if (!sameBytes(a!, b!)) lost++;
  }
  return lost;
}
