// The shared storage of a block layout: it serves whoever has a registration key, and asks no file
// system. Persistent reservations are the fence (SPC-4: exclusive access, registrants only).
//
//   register(key) -> commands of key are served -> preempt(key): RESERVATION CONFLICT from here on
//
// A command goes page by page and looks at its key before each, so that preempt-and-abort ends what
// is under way; preempt() resolves when nothing is.

import {
  type Bus,
  DmaFault,
  type DmaMapping,
  PAGE_SIZE,
  type Scheduler,
  type Task,
  WaitQueue,
} from '../../lib/driver/index.js';

export type CommandStatus = 'ok' | 'conflict' | 'error';

export class BlockTarget {
  /** How long a command takes to get here. */
  delayNs = 0;
  readonly #keys = new Set<number>();
  readonly #nrUnderWay = new Map<number, number>();
  #bus: Bus | null = null;
  #ended: WaitQueue | null = null;

  attach(sched: Scheduler, bus: Bus): void {
    this.#bus = bus;
    this.#ended = new WaitQueue(sched, 'commands at the storage');
  }

  /** PERSISTENT RESERVE OUT, REGISTER. */
  register(key: number): void {
    this.#keys.add(key);
  }

  isRegistered(key: number): boolean {
    return this.#keys.has(key);
  }

  /** READ or WRITE of the blocks behind a mapping, from byte pos of it. */
  async command(
    task: Task,
    key: number,
    dir: 'read' | 'write',
    mapping: DmaMapping,
    pos: number,
    bytes: Uint8Array,
  ): Promise<CommandStatus> {
    if (this.delayNs > 0) await task.sched.clock.sleep(task, this.delayNs);
    this.#count(key, 1);
    try {
      for (let done = 0; done < bytes.length; done += PAGE_SIZE) {
        if (!this.#keys.has(key)) return 'conflict';
        const piece = bytes.subarray(done, done + PAGE_SIZE);
        if (dir === 'write') await this.#bus!.write(mapping, pos + done, piece);
        else await this.#bus!.read(mapping, pos + done, piece);
      }
      return 'ok';
    } catch (e) {
      if (e instanceof DmaFault) return 'error';
      throw e;
    } finally {
      this.#count(key, -1);
      this.#ended!.wakeAll();
    }
  }

  /** PREEMPT AND ABORT: when it resolves no command of key touches a block any more. */
  async preempt(task: Task, key: number): Promise<void> {
    this.#keys.delete(key);
    await this.#ended!.waitEvent(task, () => this.#underWay(key) === 0, {
      mode: 'uninterruptible',
      why: 'commands under way at the storage',
    });
  }

  #underWay(key: number): number {
    return this.#nrUnderWay.get(key) ?? 0;
  }

  #count(key: number, by: number): void {
    const nr = this.#underWay(key) + by;
    if (nr === 0) this.#nrUnderWay.delete(key);
    else this.#nrUnderWay.set(key, nr);
  }
}
