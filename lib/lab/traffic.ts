// Traffic: transfers to the holder's pages, in a burst when the operation begins and then ever more
// rarely, so that a run of minutes has a dozen of them.
//
// It stops at the first failures, as a program would that checks what it is told; a peer that
// insists opens a new connection instead.

import type { Task } from '../sched/index.js';
import { isRefusal } from './attempt.js';
import type { Holder } from './holder.js';
import type { Scene } from './scene.js';

/** Failures after which who does not insist gives up. */
const mostFailures = 2;

export class Traffic {
  done = 0;
  failed = 0;
  /** Told of each transfer, for a picture. */
  onTransfer: ((what: { holder: Holder; sinceNs: number; arrived: boolean }) => void) | null = null;
  readonly #scene: Scene;

  readonly #pausesNs: readonly number[];

  constructor(scene: Scene, pausesNs: readonly number[]) {
    this.#scene = scene;
    this.#pausesNs = pausesNs;
  }

  start(holder: Holder): void {
    const { sched } = this.#scene.machine;
    if (holder.running === null) return;
    const name = `DMA for ${holder.process.name}`;
    sched.spawn(name, (task) => this.#run(task, holder), { daemon: true });
  }

  async #run(task: Task, holder: Holder): Promise<void> {
    const { clock } = this.#scene.machine;
    for (const pauseNs of this.#pausesNs) {
      if (pauseNs > 0) await clock.sleep(task, pauseNs);
      if (holder.hasLetGo) return;
      const sinceNs = clock.nowNs;
      const arrived = await this.#once(task, holder);
      if (arrived) this.done++;
      else this.failed++;
      this.onTransfer?.({ holder, sinceNs, arrived });
      if (!arrived && this.failed >= mostFailures && !holder.behaviour.peerInsists) return;
    }
  }

  async #once(task: Task, holder: Holder): Promise<boolean> {
    const { running, behaviour } = holder;
    try {
      if (await running!.pulse(task)) return true;
      if (behaviour.peerInsists) await running!.reconnect?.();
    } catch (e) {
      if (!isRefusal(e)) throw e;
    }
    return false;
  }
}
