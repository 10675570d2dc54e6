// The objects an application holds: a handle each, and what the library remembers about it.
//
//   made by a call of the context -> OPEN --close(), or the call that destroys it--> closed
//
// close() is for programs that clean up as they go, as pyverbs has it: a second one does nothing.
// The verbs of the context ask the kernel each time, and a stale handle has its errno.

import { Errno } from '../../lib/driver/index.js';
import type { WindowType } from './memory-window.js';
import type { QPType } from './opcode.js';

export abstract class VerbsObject implements AsyncDisposable {
  readonly handle: number;
  #end: (() => Promise<void>) | null = null;
  #closing: Promise<void> | null = null;

  constructor(handle: number) {
    this.handle = handle;
  }

  /** The library: how the object is destroyed. null: it is gone. */
  endsBy(end: (() => Promise<void>) | null): void {
    this.#end = end;
  }

  /** Destroy the object, once. The errors of the verb that does it; it stays open then. */
  close(): Promise<void> {
    this.#closing ??= this.#closeNow().finally(() => (this.#closing = null));
    return this.#closing;
  }

  async #closeNow(): Promise<void> {
    await this.#end?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export class PD extends VerbsObject {
  readonly kind = 'pd';
}

export class AH extends VerbsObject {
  readonly kind = 'ah';
}

export class CompChannel extends VerbsObject {
  readonly kind = 'channel';
}

export class SRQ extends VerbsObject {
  readonly kind = 'srq';
}

export class CQ extends VerbsObject {
  readonly kind = 'cq';
  /** Completions it has room for. */
  cqe: number;

  constructor(handle: number, cqe: number) {
    super(handle);
    this.cqe = cqe;
  }
}

export class QP extends VerbsObject {
  readonly kind = 'qp';
  readonly qpNum: number;
  readonly type: QPType;
  readonly pd: PD;

  constructor(handle: number, qpNum: number, type: QPType, pd: PD) {
    super(handle);
    this.qpNum = qpNum;
    this.type = type;
    this.pd = pd;
  }
}

export class MR extends VerbsObject {
  readonly kind: 'user' | 'dma-buf';
  pd: PD;
  addr: number;
  len: number;
  lkey: number;
  rkey: number;

  constructor(
    handle: number,
    pd: PD,
    addr: number,
    len: number,
    lkey: number,
    rkey: number,
    kind: MR['kind'] = 'user',
  ) {
    super(handle);
    this.pd = pd;
    this.addr = addr;
    this.len = len;
    this.lkey = lkey;
    this.rkey = rkey;
    this.kind = kind;
  }
}

export class MW extends VerbsObject {
  readonly kind = 'mw';
  readonly pd: PD;
  readonly type: WindowType;
  rkey: number;

  constructor(handle: number, pd: PD, type: WindowType, rkey: number) {
    super(handle);
    this.pd = pd;
    this.type = type;
    this.rkey = rkey;
  }
}

export type Kind<T> = abstract new (...args: never[]) => T;

/** What messages call each kind: a bundle may have renamed its class. */
const words = new Map<unknown, string>(
  Object.entries({ AH, CQ, CompChannel, MR, MW, PD, QP, SRQ }).map(([word, kind]) => [kind, word]),
);

/** The handle of an object of this kind. EINVAL for anything else. */
export function handleOf<T extends VerbsObject>(kind: Kind<T>, object: T): number {
  if (!(object instanceof kind)) {
    throw new Errno('EINVAL', `a ${words.get(kind)} is needed, not ${String(object)}`);
  }
  return object.handle;
}
