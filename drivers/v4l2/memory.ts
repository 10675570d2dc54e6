// What stands behind a buffer: pages of the device (MMAP), of the application (USERPTR), or of
// another device (DMABUF). The queue knows this interface only; device-memory.ts implements it.
//
//   kind      taken                     given back
//   MMAP      REQBUFS, CREATE_BUFS      REQBUFS(0), close; mappings and exports keep the pages
//   USERPTR   QBUF, PREPARE_BUF         another pointer, REQBUFS(0), close; or revoked (facts 6.3)
//   DMABUF    QBUF, PREPARE_BUF         another file, REQBUFS(0), close; or revoked

import type { Caller, DmaBuf, Task, VMA } from '../../lib/driver/index.js';

/** Which way the bytes go: capture writes memory, output reads it. */
export type Direction = 'capture' | 'output';

export interface PlaneMemory {
  readonly len: number;
  /** Somebody besides the queue has it: a mapping or an exported file. */
  readonly inUse: boolean;
  /** The hardware writes bytes [pos, …). */
  write(pos: number, source: Uint8Array): Promise<void>;
  /** The hardware, or the core for read(), reads bytes [pos, …). */
  read(pos: number, target: Uint8Array): Promise<void>;
  /** The core fills bytes for write(). */
  fill(pos: number, source: Uint8Array): Promise<void>;
  /** No access may happen any more. Once. */
  put(): void;
  /** MMAP only: map into vma; the mapping keeps the pages. */
  mmap?(vma: VMA): void;
  /** MMAP only: a file that stands for the pages. */
  export?(label: string): DmaBuf;
}

/** The owner of the pages wants them back; resolved when put() has run. */
export type TakeBack = (task: Task) => Promise<void>;

export interface MemoryOps {
  /** ENOMEM. */
  alloc(len: number, dir: Direction, label: string): PlaneMemory;
  /** EFAULT ENOMEM EOPNOTSUPP EPERM, as a long-term pin answers. */
  getUserptr(
    caller: Caller,
    range: { readonly addr: number; readonly len: number },
    dir: Direction,
    takeBack: TakeBack,
  ): Promise<PlaneMemory>;
  /** ENODEV after the exporter took it back. */
  attachDmabuf(buf: DmaBuf, len: number, dir: Direction, takeBack: TakeBack): PlaneMemory;
}
