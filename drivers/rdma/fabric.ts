// The wire: adapters by address, and how messages get from one to another.
//
// A message to the sender's own address never comes here. Between adapters it takes delayNs each
// way, may be lost or overtaken, and does not pass a partition; what is lost is found out by its
// sender (send-window.ts). Chance comes from a seed.

import { Prng, type Scheduler, type Task } from '../../lib/driver/index.js';
import type { Hca } from './hca.js';
import { bytesPayload, readPayload } from './payload.js';
import type { WireRequest, WireResponse } from './wire.js';

export interface FabricConditions {
  /** One way, nanoseconds. */
  delayNs: number;
  /** Added to the delay, up to this much, by chance: later messages may overtake. */
  jitterNs: number;
  /** Probability that a message or an answer is lost. */
  loss: number;
}

/** What becomes of the answer to a message; it may come never, late, or again. */
export type Reply = (answer: WireResponse) => void;

/** Another adapter that is not in this process: link.ts. reply null: a datagram. */
export interface RemotePort {
  readonly gid: string;
  send(request: WireRequest, reply: Reply | null): void;
}

export class Fabric {
  readonly conditions: FabricConditions = { delayNs: 0, jitterNs: 0, loss: 0 };
  readonly #ports = new Map<string, Hca>();
  readonly #remote = new Map<string, RemotePort>();
  readonly #cut = new Set<string>();
  #prng: Prng;

  constructor(seed = 1) {
    this.#prng = new Prng(seed);
  }

  plug(hca: Hca): void {
    this.#ports.set(hca.gid, hca);
  }

  plugRemote(port: RemotePort): void {
    this.#remote.set(port.gid, port);
  }

  /** Whether an adapter of this address is plugged in. */
  knows(gid: string): boolean {
    return this.#ports.has(gid) || this.#remote.has(gid);
  }

  unplug(gid: string): void {
    this.#ports.delete(gid);
    this.#remote.delete(gid);
  }

  /** Nothing passes to or from these addresses until heal(), nor what is on its way. */
  partition(...gids: string[]): void {
    for (const gid of gids) this.#cut.add(gid);
  }

  heal(): void {
    this.#cut.clear();
  }

  /**
   * Put a message on the wire; its payload is bytes (serialized()). It returns at once, and
   * nobody says whether the message arrives.
   */
  post(from: Hca, request: WireRequest, reply: Reply | null): void {
    const { srcGid, destGid } = request;
    const target = this.#ports.get(destGid);
    const remote = this.#remote.get(destGid);
    if (this.#lost(srcGid, destGid) || (target === undefined && remote === undefined)) return;
    this.#later(from.sched, () => {
      if (this.isCut(srcGid, destGid)) return;
      if (target === undefined) remote!.send(request, reply);
      else this.arrive(target, request, from.sched, reply);
    });
  }

  /** A message reached an adapter: carry it out, and send the answer, if any, on its way. */
  arrive(target: Hca, request: WireRequest, back: Scheduler, reply: Reply | null): void {
    const qp = target.queuePairs.get(request.destQPN);
    qp?.inbox.push(request, async (task, answer) => {
      if (answer === null || reply === null) return;
      if (this.#lost(request.destGid, request.srcGid)) return;
      const sent = await this.serializedAnswer(task, answer);
      this.#later(back, () => {
        if (!this.isCut(request.srcGid, request.destGid)) reply(sent);
      });
    });
  }

  /** The message with its bytes instead of references. MoveFault: the sender's region failed. */
  async serialized(task: Task, request: WireRequest): Promise<WireRequest> {
    const { payload } = request;
    if (payload === null) return request;
    return { ...request, payload: bytesPayload(await readPayload(task, payload, payload.len)) };
  }

  /** The answer with its bytes instead of references. A region that fails meanwhile is a NAK. */
  async serializedAnswer(task: Task, answer: WireResponse): Promise<WireResponse> {
    const { payload } = answer;
    if (payload === undefined) return answer;
    try {
      return { ...answer, payload: bytesPayload(await readPayload(task, payload, payload.len)) };
    } catch {
      answer.failed?.();
      return { syndrome: 'NAK_ACCESS' };
    }
  }

  /** A partition lies between them. */
  isCut(a: string, b: string): boolean {
    return this.#cut.has(a) || this.#cut.has(b);
  }

  #lost(a: string, b: string): boolean {
    if (this.isCut(a, b)) return true;
    return this.conditions.loss > 0 && this.#prng.chance(this.conditions.loss);
  }

  #later(sched: Scheduler, fn: () => void): void {
    const { delayNs, jitterNs } = this.conditions;
    const ns = delayNs + (jitterNs > 0 ? this.#prng.below(jitterNs + 1) : 0);
    if (ns === 0) fn();
    else sched.clock.timer(sched.clock.nowNs + ns, fn);
  }
}
