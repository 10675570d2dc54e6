// The adapter itself: what it knows of regions, windows, queue pairs and address handles, and the
// threads that work on send queues. It is hardware: it was there before the driver, a test may
// hold it, and it reaches memory only through mappings that the driver gave it.
//
//   attach -> UP --reset()--> RESET (every region and queue pair is dead, nothing moves)
//
// Requests are executed by requester.ts and responder.ts, in steps; a step looks its regions up
// again, so that what the driver took away is noticed at the next step and fence() can wait.

import assert from 'node:assert/strict';
import { Errno, PAGE_SIZE, type Bus, type Scheduler, type Task } from '../../lib/driver/index.js';
import { accessBits } from './access.js';
import { CompletionQueue } from './completion-queue.js';
import { Fabric } from './fabric.js';
import { HcaFaults } from './hca-faults.js';
import { isWindowKey, KeyTable, MR_INDEXES, MW_INDEXES } from './keys.js';
import { MemoryKey, RegionFault, type MemoryKeyInit } from './memory-key.js';
import { MemoryWindow, type WindowType } from './memory-window.js';
import type { Pace } from './payload.js';
import type { AHAttr } from './qp-state.js';
import { QueuePair, type QPInit } from './queue-pair.js';
import { runRequester } from './requester.js';
import { respond } from './responder.js';
import { rdmaRules, type RdmaRules } from './rules.js';
import type { WireRequest, WireResponse } from './wire.js';

/** What the adapter can do (rxe_param.h). */
export const hcaLimits = {
  maxQPWR: 1 << 14,
  maxSGE: 32,
  maxInline: 400,
  maxCQE: 32767,
  maxSRQWR: 1 << 15,
  maxSRQSGE: 27,
  maxQPRdAtomic: 128,
  maxQP: 1 << 16,
  numCompVectors: 2,
  maxMRSize: 2 ** 47,
} as const;

export interface HcaCounters {
  requests: number;
  steps: number;
  pageFaults: number;
  invalidations: number;
  invalidatedPages: number;
  outOfSequence: number;
  duplicates: number;
  rnrNaksSent: number;
  badQkey: number;
}

export interface HcaOptions {
  /** The address other adapters know it by. */
  readonly gid?: string;
  /** The wire it is plugged into; a wire of its own if not given. */
  readonly fabric?: Fabric;
}

/** What the driver hands to the hardware when it binds. */
export interface HcaHost {
  readonly name: string;
  readonly sched: Scheduler;
  readonly bus: Bus;
  readonly rules: RdmaRules;
  spawn(label: string, fn: (task: Task) => Promise<void>): Task;
}

let nextGid = 1;

export class Hca {
  readonly gid: string;
  readonly fabric: Fabric;
  readonly faults = new HcaFaults();
  /** Largest payload of one packet of the port: 1500 bytes of Ethernet carry 1024. */
  readonly portMtu = 1024;
  readonly regions = new KeyTable<MemoryKey>(MR_INDEXES);
  readonly windows = new KeyTable<MemoryWindow>(MW_INDEXES);
  readonly queuePairs = new Map<number, QueuePair>();
  readonly addressHandles = new Map<number, { readonly pd: number; readonly attr: AHAttr }>();
  readonly counters: HcaCounters = {
    requests: 0,
    steps: 0,
    pageFaults: 0,
    invalidations: 0,
    invalidatedPages: 0,
    outOfSequence: 0,
    duplicates: 0,
    rnrNaksSent: 0,
    badQkey: 0,
  };
  state: 'DOWN' | 'UP' | 'RESET' = 'DOWN';
  readonly #whole = this.#paceOf(Infinity);
  readonly #paged = this.#paceOf(PAGE_SIZE);
  #host: HcaHost | null = null;
  #nextQPN = 17;
  #nextCQN = 1;
  #nextAHN = 1;

  constructor(opts: HcaOptions = {}) {
    this.gid = opts.gid ?? `fe80::${(nextGid++).toString(16)}`;
    this.fabric = opts.fabric ?? new Fabric();
    this.fabric.plug(this);
  }

  get host(): HcaHost {
    assert(this.#host !== null, 'the adapter has no driver');
    return this.#host;
  }

  get sched(): Scheduler {
    return this.host.sched;
  }

  get bus(): Bus {
    return this.host.bus;
  }

  get rules(): RdmaRules {
    return this.host.rules;
  }

  /** The driver binds. */
  attach(host: HcaHost): void {
    this.#host = host;
    this.faults.attach(host.sched);
    this.state = 'UP';
  }

  /** The driver unbinds; nothing may be left. */
  detach(): void {
    assert(this.regions.size === 0 && this.queuePairs.size === 0, 'detach of a busy adapter');
    this.#host = null;
    this.state = 'DOWN';
  }

  // -- tables, written by the driver --

  /** ENOMEM: every key is taken. */
  addRegion(make: (key: number) => MemoryKeyInit): MemoryKey {
    return this.regions.alloc((key) => new MemoryKey(this.sched, make(key)));
  }

  addWindow(type: WindowType, pd: number): MemoryWindow {
    return this.windows.alloc((key) => new MemoryWindow(type, pd, key));
  }

  removeWindow(mw: MemoryWindow): void {
    this.windows.free(mw.rkey);
    mw.release('INVALID');
  }

  createCQ(cqe: number): CompletionQueue {
    return new CompletionQueue(this.sched, this.#nextCQN++, cqe);
  }

  createQP(init: QPInit): QueuePair {
    if (this.queuePairs.size >= hcaLimits.maxQP) throw new Errno('ENOMEM', 'no queue pair is left');
    const qp = new QueuePair(this, this.#nextQPN++, init);
    this.queuePairs.set(qp.qpn, qp);
    this.host.spawn(`QP ${qp.qpn}`, (task) => runRequester(task, qp));
    return qp;
  }

  destroyQP(qp: QueuePair): void {
    assert(this.queuePairs.delete(qp.qpn), `queue pair ${qp.qpn} is not there`);
    for (const mw of this.windows.values()) if (mw.qpn === qp.qpn) mw.release('FREE');
    qp.destroy();
  }

  createAH(pd: number, attr: AHAttr): number {
    const ahn = this.#nextAHN++;
    this.addressHandles.set(ahn, { pd, attr });
    return ahn;
  }

  // -- looking keys up, by the engines --

  /**
   * What a remote key opens: a region, and how far into it address 0 of the request lies.
   * undefined: nothing, for this queue pair and this right (rxe_resp.c: check_rkey).
   */
  lookupRemote(qp: QueuePair, access: number, rkey: number, addr: number, len: number) {
    if (isWindowKey(rkey)) return this.#lookupWindow(qp, access, rkey, addr, len);
    const key = this.regions.get(rkey);
    if (key === undefined || key.rkey !== rkey || key.pd !== qp.init.pd) return undefined;
    if ((key.access & access) === 0 || key.state !== 'VALID') return undefined;
    return key.covers(addr, len) ? { key, pos: addr - key.iova } : undefined;
  }

  #lookupWindow(qp: QueuePair, access: number, rkey: number, addr: number, len: number) {
    const mw = this.windows.get(rkey);
    if (mw === undefined || mw.rkey !== rkey || mw.pd !== qp.init.pd) return undefined;
    if (mw.type === 2 && mw.qpn !== qp.qpn) return undefined;
    if (mw.len === 0 || (mw.access & access) === 0 || mw.state !== 'VALID') return undefined;
    const key = mw.region;
    if (key === null || key.state !== 'VALID') return undefined;
    const zeroBased = (mw.access & accessBits.zero_based) !== 0;
    const at = zeroBased ? addr + mw.addr : addr;
    if (this.rules.windowRange && (at < mw.addr || at + len > mw.addr + mw.len)) return undefined;
    return key.covers(at, len) ? { key, pos: at - key.iova } : undefined;
  }

  // -- work --

  /** A message arrived from the wire. null: no answer. */
  deliver(task: Task, request: WireRequest): Promise<WireResponse | null> {
    const qp = this.queuePairs.get(request.destQPN);
    if (qp === undefined || this.state !== 'UP' || this.faults.dead) return Promise.resolve(null);
    this.counters.requests++;
    return respond(task, qp, request);
  }

  /** Steps need not be taken one by one: nobody could come in between. */
  get undisturbed(): boolean {
    return this.state === 'UP' && !this.sched.on && !this.faults.active && !this.faults.ignoreFence;
  }

  /** How this adapter takes the steps of a transfer. */
  get pace(): Pace {
    return !this.sched.on && !this.faults.active ? this.#whole : this.#paged;
  }

  #paceOf(stepLen: number): Pace {
    return Object.freeze<Pace>({ stepLen, before: (task) => this.#beforeStep(task) });
  }

  #beforeStep(task: Task): Promise<void> | undefined {
    this.counters.steps++;
    return this.faults.active ? this.#held(task) : this.#alive();
  }

  async #held(task: Task): Promise<void> {
    await this.faults.hold(task, () => this.state !== 'UP');
    this.#alive();
  }

  #alive(): undefined {
    if (this.state !== 'UP') throw new RegionFault('the adapter was reset');
    return undefined;
  }

  /** Wait until no step is inside a region that is not VALID any more. */
  fence(task: Task, key: MemoryKey): Promise<unknown> | undefined {
    if (key.state === 'VALID') assert.fail(`fence of region ${key.lkey}, which is VALID`);
    return this.faults.ignoreFence ? undefined : key.drained(task);
  }

  /** Stop everything, now. EIO: it does not answer. */
  async reset(task: Task): Promise<void> {
    if (this.faults.dead) throw new Errno('EIO', `${this.host.name}: the adapter does not answer`);
    this.state = 'RESET';
    this.faults.wake();
    for (const qp of this.queuePairs.values()) qp.toError('QP_FATAL');
    for (const key of this.regions.values()) {
      key.state = 'REVOKED';
      await key.drained(task);
    }
  }
}

export const rulesOf = (kernel: keyof typeof rdmaRules): RdmaRules => rdmaRules[kernel];
