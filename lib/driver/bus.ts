// The bus: how hardware models move bytes. Every access goes through a mapping, never by page.
//
// In the simulated modes a transfer goes page by page, with a point before each page, so that a
// truncate may come in the middle; live, contiguous runs are one native call. The IOMMU is asked
// at each step, and the referee is told before and after it.

import assert from 'node:assert/strict';
import { checkBytesOf, checkFunction, checkInstance } from '../arguments.js';
import { Errno } from '../errno.js';
import type { PageSpace } from '../mm/page.js';
import { pageObject } from '../sched/objects.js';
import type { Scheduler } from '../sched/scheduler.js';
import { tracepoints } from '../trace/events.js';
import { PAGE_SIZE } from '../units.js';
import type { DmaAccess, DmaEvent, DmaMapping } from './dma.js';
import type { DmaEngine, DmaSource } from './dma-engine.js';
import type { DriverEvents } from './events.js';
import { pfnAt, type Iommu } from './iommu.js';

export interface BusDeps {
  readonly sched: Scheduler;
  readonly pages: PageSpace;
  readonly iommu: Iommu;
  readonly events: DriverEvents;
}

/** Bytes from pos to the end of its page, at most len. */
const inPage = (mapping: DmaMapping, pos: number, len: number): number =>
  Math.min(len, PAGE_SIZE - ((mapping.offset + pos) % PAGE_SIZE));

export class Bus {
  readonly #sched: Scheduler;
  readonly #pages: PageSpace;
  readonly #iommu: Iommu;
  readonly #events: DriverEvents;
  #engine: DmaEngine | null = null;
  /** Transfers that an engine has not finished, or that nobody has judged yet. */
  readonly #underWay = new Set<DmaEvent>();

  constructor(deps: BusDeps) {
    this.#sched = deps.sched;
    this.#pages = deps.pages;
    this.#iommu = deps.iommu;
    this.#events = deps.events;
  }

  /** Who moves the bytes of writes and copies from now on, while the machine is live. */
  useEngine(engine: DmaEngine | null): void {
    this.#engine = engine;
  }

  /** Whether an engine moves the bytes: a transfer takes time then, and others run meanwhile. */
  get isBeside(): boolean {
    return !this.#sched.on && this.#engine !== null;
  }

  /** When it returns nothing of the mapping is under way, and what was has been judged. */
  drain(mapping: DmaMapping): void {
    const events = [...this.#underWay].filter((e) => e.mapping === mapping);
    if (events.length === 0) return;
    this.#engine?.drain();
    for (const event of events) this.#judge(event);
  }

  /** The device reads memory: bytes [pos, pos + target.length) of the mapping. DmaFault. */
  async read(mapping: DmaMapping, pos: number, target: Uint8Array): Promise<void> {
    checkBytesOf('dma read', 'target', target);
    this.#iommu.check(mapping, 'read', pos, target.length);
    let done = 0;
    do {
      const len = await this.#step(mapping, 'read', pos + done, target.length - done);
      this.#move(mapping, 'read', pos + done, len, () =>
        this.#pages.read(
          mapping.pfns,
          mapping.offset + pos + done,
          target.subarray(done, done + len),
        ),
      );
      done += len;
    } while (done < target.length);
  }

  /** The device writes memory. DmaFault; what was written before it stays written. */
  async write(mapping: DmaMapping, pos: number, source: Uint8Array): Promise<void> {
    checkBytesOf('dma write', 'source', source);
    this.#iommu.check(mapping, 'write', pos, source.length);
    if (this.isBeside) return this.#moveBeside(mapping, pos, source.length, { bytes: source });
    let done = 0;
    do {
      const len = await this.#step(mapping, 'write', pos + done, source.length - done);
      this.#move(mapping, 'write', pos + done, len, () =>
        this.#pages.write(
          mapping.pfns,
          mapping.offset + pos + done,
          source.subarray(done, done + len),
        ),
      );
      done += len;
    } while (done < source.length);
  }

  /** Memory to memory: reads source and writes target, a run at a time. DmaFault. */
  async copy(
    target: DmaMapping,
    targetPos: number,
    source: DmaMapping,
    sourcePos: number,
    len: number,
    from: Bus = this,
  ): Promise<void> {
    checkInstance('dma copy', 'from', from, Bus);
    if (this.isBeside) {
      from.#iommu.check(source, 'read', sourcePos, len);
      this.#iommu.check(target, 'write', targetPos, len);
      const pages = { pfns: source.pfns, pos: source.offset + sourcePos };
      return this.#moveBeside(target, targetPos, len, pages);
    }
    if (!this.#sched.on) {
      this.copyNow(target, targetPos, source, sourcePos, len, from);
      return;
    }
    from.#iommu.check(source, 'read', sourcePos, len);
    this.#iommu.check(target, 'write', targetPos, len);
    let done = 0;
    do {
      const read = await from.#step(source, 'read', sourcePos + done, len - done);
      const chunk = await this.#step(target, 'write', targetPos + done, read);
      from.#iommu.check(source, 'read', sourcePos + done, chunk);
      this.#transfer(target, targetPos + done, source, sourcePos + done, chunk, from);
      done += chunk;
    } while (done < len);
  }

  /** copy() in one step with nothing in between, for machines that are live. DmaFault. */
  copyNow(
    target: DmaMapping,
    targetPos: number,
    source: DmaMapping,
    sourcePos: number,
    len: number,
    from: Bus = this,
  ): void {
    assert(!this.#sched.on, 'copyNow: simulated transfers go page by page');
    assert(!this.isBeside, 'copyNow: an engine moves the bytes');
    checkInstance('dma copy', 'from', from, Bus);
    from.#iommu.check(source, 'read', sourcePos, len);
    this.#iommu.check(target, 'write', targetPos, len);
    this.#transfer(target, targetPos, source, sourcePos, len, from);
  }

  #transfer(
    target: DmaMapping,
    targetPos: number,
    source: DmaMapping,
    sourcePos: number,
    len: number,
    from: Bus,
  ): void {
    from.#move(source, 'read', sourcePos, len, () =>
      this.#move(target, 'write', targetPos, len, () =>
        this.#pages.copy(
          target.pfns,
          target.offset + targetPos,
          source.pfns,
          source.offset + sourcePos,
          len,
        ),
      ),
    );
  }

  /**
   * Replace the 8 bytes at pos by update(old), little endian, in one step. Returns old. The 8
   * bytes lie in one page, since atomics are aligned.
   */
  async atomic(mapping: DmaMapping, pos: number, update: (old: bigint) => bigint): Promise<bigint> {
    checkFunction('dma atomic', 'update', update);
    this.#iommu.check(mapping, 'write', pos, 8);
    if ((mapping.offset + pos) % 8 !== 0) {
      throw new Errno('EINVAL', `dma atomic: pos: ${pos} is not where 8 bytes are aligned`);
    }
    await this.#step(mapping, 'write', pos, 8);
    const word = new Uint8Array(8);
    const view = new DataView(word.buffer);
    let old = 0n;
    this.#move(mapping, 'write', pos, 8, () => {
      this.#pages.read(mapping.pfns, mapping.offset + pos, word);
      old = view.getBigUint64(0, true);
      view.setBigUint64(0, BigInt.asUintN(64, update(old)), true);
      this.#pages.write(mapping.pfns, mapping.offset + pos, word);
    });
    return old;
  }

  /** Stand at the point before a step, ask the IOMMU, and say how many bytes the step may move. */
  async #step(mapping: DmaMapping, access: DmaAccess, pos: number, len: number): Promise<number> {
    if (!this.#sched.on || len === 0) {
      this.#iommu.check(mapping, access, pos, len);
      return len;
    }
    const chunk = inPage(mapping, pos, len);
    if (pos < mapping.len) await this.#sched.at(pageObject(pfnAt(mapping, pos)), access);
    this.#iommu.check(mapping, access, pos, chunk);
    return chunk;
  }

  async #moveBeside(m: DmaMapping, pos: number, len: number, from: DmaSource): Promise<void> {
    if (len === 0) return;
    const event = this.#eventOf(m, 'write', pos, len);
    this.#events.dmaBegin?.(event);
    this.#underWay.add(event);
    const { pfns, owners } = m;
    const where = { pfns, pos: m.offset + pos, len, owners: owners.words };
    try {
      await this.#engine!.move({ ...where, from });
    } finally {
      this.#judge(event);
    }
  }

  /** Once: when the bytes have moved, before the pages can change hands. */
  #judge(event: DmaEvent): void {
    if (this.#underWay.delete(event)) this.#moved(event);
  }

  #eventOf(mapping: DmaMapping, access: DmaAccess, pos: number, len: number): DmaEvent {
    return { device: this.#iommu.device, access, mapping, pos, len };
  }

  #moved(event: DmaEvent): void {
    this.#events.dma?.(event);
    if (!tracepoints.dma.on) return;
    const { device, access, mapping, pos, len } = event;
    tracepoints.dma.emit(this.#sched, { device, access, pfn: pfnAt(mapping, pos), len });
  }

  #move(mapping: DmaMapping, access: DmaAccess, pos: number, len: number, move: () => void): void {
    if (len === 0) return;
    const event = this.#eventOf(mapping, access, pos, len);
    this.#events.dmaBegin?.(event);
    move();
    this.#moved(event);
  }
}
