// A thread that does DMA beside the main thread, on the same memory: live plays have their devices'
// bytes moved by it, while truncate goes on.
//
//   new DmaBeside(machine) -> the devices of that machine write from the thread -> end()
//
// One thread serves every machine of a process, and keeps none of them alive.

import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import type { DmaEngine, DmaMove } from '../driver/dma-engine.js';
import type { Machine } from '../machine.js';
import { dmaThreadScript } from './dma-thread-script.js';

/** In the middle of each page. */
const pauseMs = 0.05;
/** Longer than that for what was begun: the thread is dead. */
const drainMs = 10_000;

interface Waiting {
  moved(strangers: number): void;
  failed(error: Error): void;
}

class DmaThread {
  readonly #worker: Worker;
  /** Transfers that were moved, counted by the thread. */
  readonly #moved = new Int32Array(new SharedArrayBuffer(4));
  #begun = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor() {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const workerData = { moved: this.#moved, pause, pauseMs };
    this.#worker = new Worker(dmaThreadScript, { eval: true, execArgv: [], workerData });
    this.#worker.on('message', (m: { id: number; strangers: number; error: string | null }) => {
      const waiting = this.#waiting.get(m.id)!;
      this.#waiting.delete(m.id);
      if (m.error === null) waiting.moved(m.strangers);
      else waiting.failed(new Error(`DMA thread: ${m.error}`));
      if (this.#waiting.size === 0) this.#worker.unref();
    });
    this.#worker.on('error', (error) => {
      for (const waiting of this.#waiting.values()) waiting.failed(error);
    });
    this.#worker.unref();
  }

  send(message: object): void {
    this.#worker.postMessage(message);
  }

  /** How many pages were somebody else's before or after. */
  move(space: number, { from, ...rest }: DmaMove): Promise<number> {
    const id = ++this.#begun;
    // What is posted is copied; a view alone would have its whole buffer copied.
    const source = 'bytes' in from ? { bytes: from.bytes.slice() } : from;
    this.#worker.ref();
    this.send({ id, space, from: source, ...rest });
    return new Promise((moved, failed) => this.#waiting.set(id, { moved, failed }));
  }

  drain(): void {
    for (;;) {
      const moved = Atomics.load(this.#moved, 0);
      if (moved === this.#begun) return;
      const woken = Atomics.wait(this.#moved, 0, moved, drainMs);
      assert(woken !== 'timed-out', 'the DMA thread moves no more');
    }
  }
}

let thread: DmaThread | null = null;
let nrSpaces = 0;

/** The thread's end of one machine. */
export class DmaBeside implements DmaEngine {
  readonly #thread: DmaThread;
  readonly #machine: Machine;
  readonly #space = nrSpaces++;
  /** What the thread moved, and pages that were not those of whom it moved them for. */
  transfers = 0;
  strangers = 0;

  /** From now on the devices of the machine, which is live, have their bytes moved beside. */
  constructor(machine: Machine) {
    assert(!machine.sched.on, 'a schedule that is chosen has no threads');
    this.#thread = thread ??= new DmaThread();
    this.#machine = machine;
    const regions = machine.mm.pages.regions.map(({ place, meta }) => {
      const { buffer, basePfn, nrPages, dataPos } = place;
      return { buffer, basePfn, nrPages, dataPos, meta };
    });
    this.#thread.send({ space: this.#space, regions });
    for (const { bus } of machine.drivers.devices) bus.useEngine(this);
  }

  async move(move: DmaMove): Promise<void> {
    const strangers = await this.#thread.move(this.#space, move);
    this.transfers++;
    this.strangers += strangers;
  }

  drain(): void {
    this.#thread.drain();
  }

  /** The machine is off: the thread lets go of its memory. */
  end(): void {
    this.drain();
    for (const { bus } of this.#machine.drivers.devices) bus.useEngine(null);
    this.#thread.send({ space: this.#space, end: true });
  }
}
