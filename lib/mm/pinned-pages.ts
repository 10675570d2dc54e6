// PinnedPages: one pin of user memory, from pin to unpin.
//
//   HELD --revokePins--> REVOKING --unpin--> GONE
//     `---------------unpin-------------------^
//
// Whoever pinned unpins once, in HELD or in REVOKING; a second time is a BUG. unpin() is
// synchronous and never waits. A long-term pin says how it is taken back, or that it cannot be:
// revoke() resolves when no DMA can reach the pages and they are unpinned. It runs on a task of its
// own and at most once. (Holding it back until the entry point that took the pin has returned is
// the driver core's part: it knows the entry points.)

import assert from 'node:assert/strict';
import { type Task, WaitQueue } from '../sched/index.js';
import { tracepoints } from '../trace/events.js';
import { type Pfn, type Pgoff, pgoffOf, posOf } from '../units.js';
import type { AddressSpace } from './address-space.js';
import type { ProcessLike } from './caller.js';
import type { MM } from './mm.js';
import type { MMEnv } from './mm-env.js';

export type PinState = 'HELD' | 'REVOKING' | 'GONE';

/** What wants the pages back: 'truncate of /data', 'unbind'. For logs and traces. */
export type RevokeReason = string;

/** Who holds a pin, as /proc/<pid>/file_pins prints it and as a signal finds it (facts 9.4). */
export interface PinOrigin {
  readonly process: ProcessLike | null;
  /** 'rdma0', or 'pipe'. */
  readonly device: string;
  /** '/dev/infiniband/uverbs0'. */
  readonly deviceFile: string;
  /** The open file that the pin hangs on, whoever has a descriptor of it; absent: the process. */
  readonly openFile?: object | undefined;
  /** Path of the pinned file; empty for anonymous memory. */
  readonly dataFile: string;
}

interface PinRequestBase {
  readonly mm: MM;
  readonly addr: number;
  readonly len: number;
  /** What the device does with the memory. 'write' is FOLL_WRITE. */
  readonly access: 'read' | 'write';
  readonly force?: boolean | undefined;
  readonly origin: PinOrigin;
  /**
   * When some pages were pinned and then one failed: 'errno' asks again from there, as ib_umem_get
   * does; 'EFAULT' gives up with EFAULT, as frame_vector and iov_iter users do. 'errno' if not
   * given.
   */
  readonly onShort?: 'errno' | 'EFAULT' | undefined;
}

/** A long-term pin without revoke and not declared irrevocable does not compile. */
export type PinRequest = PinRequestBase &
  (
    | { readonly longterm: false }
    | {
        readonly longterm: true;
        revoke(pins: PinnedPages, why: RevokeReason, task: Task): Promise<void>;
        /** The last resort: reset the hardware; every pin of it is gone when it resolves. */
        reset?(task: Task): Promise<void>;
      }
    | { readonly longterm: true; readonly irrevocable: true }
  );

/** A run of the pinned pages: of one file, adjacent there; or of none. */
export interface PinPiece {
  readonly mapping: AddressSpace | null;
  readonly pgoff: Pgoff;
  readonly nrPages: number;
}

export class PinnedPages implements Disposable {
  readonly env: MMEnv;
  readonly request: PinRequest;
  /** Do not write. In the order of the addresses. */
  readonly pfns: Uint32Array;
  /** Where the bytes start in the first page. */
  readonly offset: number;
  readonly pieces: readonly PinPiece[];
  #state: PinState = 'HELD';
  #gone: WaitQueue | null = null;

  constructor(env: MMEnv, request: PinRequest, pfns: Uint32Array, pieces: readonly PinPiece[]) {
    this.env = env;
    this.request = request;
    this.pfns = pfns;
    this.offset = request.addr - posOf(pgoffOf(request.addr));
    this.pieces = pieces;
    env.pinTable.add(this);
  }

  get state(): PinState {
    return this.#state;
  }

  get len(): number {
    return this.request.len;
  }

  get access(): 'read' | 'write' {
    return this.request.access;
  }

  get longterm(): boolean {
    return this.request.longterm;
  }

  get origin(): PinOrigin {
    return this.request.origin;
  }

  get nrPages(): number {
    return this.pfns.length;
  }

  /** Long-term, and says how to be taken back. */
  get revocable(): boolean {
    return 'revoke' in this.request;
  }

  includes(pfn: Pfn): boolean {
    return this.pfns.includes(pfn);
  }

  /** Where to wait for the pin to be gone. */
  get gone(): WaitQueue {
    this.#gone ??= new WaitQueue(this.env.sched, `unpin by ${this.origin.device}`);
    return this.#gone;
  }

  /**
   * unpin_user_pages(); after a device wrote, pages of a file that tracks stores are dirty (facts
   * 2.4: late, without page_mkwrite). DAX and tmpfs have nothing to note.
   */
  unpin(): void {
    if (this.#state === 'GONE') assert.fail(`pages of ${this.origin.device} are unpinned twice`);
    this.#state = 'GONE';
    const { env, pfns } = this;
    if (this.request.access === 'write') this.#setDirty();
    env.pinTable.remove(this);
    if (tracepoints.gup_unpin.on) this.#trace();
    env.pages.unpinPages(pfns, 0, pfns.length);
    this.#gone?.wakeAll();
  }

  [Symbol.dispose](): void {
    if (this.#state !== 'GONE') this.unpin();
  }

  /** revocation.ts only. */
  markRevoking(): void {
    if (this.#state !== 'HELD') assert.fail(`revoke of pages that are ${this.#state}`);
    this.#state = 'REVOKING';
  }

  #setDirty(): void {
    for (const { mapping } of this.pieces) {
      if (mapping === null || !mapping.host.dirtyTracked) continue;
      if (mapping.host.kind !== 'pagecache') continue;
      for (const pfn of this.pfns) mapping.setPageDirty(pfn);
    }
  }

  #trace(): void {
    const { device } = this.origin;
    tracepoints.gup_unpin.emit(this.env.sched, { device, nrPages: this.nrPages });
  }
}
