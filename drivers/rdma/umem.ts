// ib_umem: the pages of a registered range, pinned for as long as it is registered.
//
//   get: overflow, can_do_mlock, page count, charge, pin in chunks, map      (facts 5.2, 4 to 10)
//   release: unmap, unpin, give the charge back
//
// Whatever fails on the way, everything before it is undone, last step first.

import assert from 'node:assert/strict';
import {
  alignDown,
  alignUp,
  assertMayLock,
  type Caller,
  chargePinned,
  type Device,
  type DmaMapping,
  Errno,
  type MM,
  PAGE_SIZE,
  type PinnedPages,
  type RevokeReason,
  slabAlloc,
  type Task,
  unchargePinned,
} from '../../lib/driver/index.js';
import { isWritable } from './access.js';
import { type Backing, PinnedBacking } from './memory-key.js';

/** What a region stands on: pinned user pages, on-demand pages, or another device's. */
export interface RegionMemory {
  readonly backing: Backing;
  /** Whether the pages were taken for writing: what rereg may not raise later. */
  readonly writable: boolean;
  /** Pages charged to the mm. */
  readonly nrCharged: number;
  /** Let go of everything. The adapter has left the region. */
  release(task: Task): Promise<void> | void;
}

/** Pages that one call pins at most: page_list is one page of pointers (umem.c). */
export const CHUNK_PAGES = PAGE_SIZE / 8;

export interface UmemRequest {
  readonly addr: number;
  readonly len: number;
  readonly access: number;
  /** The pages are wanted back. May be called once for each chunk. */
  revoke(why: RevokeReason, task: Task): Promise<void>;
}

export class Umem implements RegionMemory {
  readonly backing: PinnedBacking;
  readonly writable: boolean;
  readonly nrCharged: number;
  readonly #dev: Device;
  readonly #mm: MM;
  readonly #chunks: readonly PinnedPages[];
  readonly #mapping: DmaMapping;
  #released = false;

  private constructor(
    dev: Device,
    mm: MM,
    writable: boolean,
    chunks: readonly PinnedPages[],
    nrPages: number,
  ) {
    this.#dev = dev;
    this.#mm = mm;
    this.#chunks = chunks;
    this.writable = writable;
    this.nrCharged = nrPages;
    this.#mapping = dev.dmaMap(chunks, writable ? 'bidirectional' : 'to-device');
    this.backing = new PinnedBacking(this.#mapping);
  }

  /** EINVAL EPERM ENOMEM EFAULT EOPNOTSUPP EINTR, in the order of facts 5.2; nothing stays then. */
  static async get(dev: Device, caller: Caller, request: UmemRequest): Promise<Umem> {
    const { process } = caller;
    const { addr, len, access } = request;
    if (!Number.isSafeInteger(addr + len)) {
      throw new Errno('EINVAL', `reg_mr: [${addr}, +${len}) wraps around`);
    }
    assertMayLock(process, 'reg_mr');
    slabAlloc(caller.task, 'a umem');
    slabAlloc(caller.task, 'a list of pages');
    const nrPages = (alignUp(addr + len) - alignDown(addr)) / PAGE_SIZE;
    if (nrPages === 0 || nrPages > 0xffffffff) {
      throw new Errno('EINVAL', `reg_mr: a range of ${nrPages} pages`);
    }
    chargePinned(process, process.mm, nrPages);
    try {
      const chunks = await pinChunks(dev, caller, request);
      return new Umem(dev, process.mm, isWritable(access), chunks, nrPages);
    } catch (e) {
      unchargePinned(process.mm, nrPages);
      throw e;
    }
  }

  release(): void {
    assert(!this.#released, 'umem released twice');
    this.#released = true;
    this.#dev.dmaUnmap(this.#mapping);
    for (const chunk of this.#chunks) chunk.unpin();
    unchargePinned(this.#mm, this.nrCharged);
  }
}

async function pinChunks(
  dev: Device,
  caller: Caller,
  request: UmemRequest,
): Promise<PinnedPages[]> {
  const { addr, len } = request;
  const writable = isWritable(request.access);
  const forced = dev.rules.umemForcesWrite;
  const access = writable || forced ? 'write' : 'read';
  const force = forced && !writable;
  const chunks: PinnedPages[] = [];
  try {
    for (let at = addr; at < addr + len || chunks.length === 0;) {
      const end = Math.min(addr + len, alignDown(at) + CHUNK_PAGES * PAGE_SIZE);
      const pins = await dev.pinUserPages(caller, {
        addr: at,
        len: end - at,
        access,
        force,
        longterm: true,
        revoke: (_pins, why, task) => request.revoke(why, task),
      });
      chunks.push(pins);
      slabAlloc(caller.task, 'a scatter table');
      at = end;
    }
  } catch (e) {
    for (const pins of chunks) pins.unpin();
    throw e;
  }
  return chunks;
}
