// The wire: adapters by address, and how messages get from one to another.
//
// A message to the sender's own address never leaves the adapter. Between adapters it takes
// delayNs each way, may be lost or overtaken, and does not pass a partition; what is lost is
// found out by the sender's timeout. Chance comes from a seed.

import { Prng, type Scheduler, type Task, WaitQueue } from '../../lib/driver/index.js';
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

/** Another adapter that is not in this process: link.ts. */
export interface RemotePort {
  readonly gid: string;
  send(request: WireRequest): Promise<WireResponse | null>;
}

interface RequestOptions {
  readonly answer: boolean;
  readonly timeoutNs: number;
  alive(): boolean;
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

  /** Nothing passes to or from these addresses until heal(). */
  partition(...gids: string[]): void {
    for (const gid of gids) this.#cut.add(gid);
  }

  heal(): void {
    this.#cut.clear();
  }

  /**
   * Send a request and wait for its answer, at most timeoutNs. null: none came. A datagram wants
   * no answer: then this returns when the message is on its way.
   */
  request(
    task: Task,
    from: Hca,
    request: WireRequest,
    opts: RequestOptions,
  ): Promise<WireResponse | null> {
    if (request.destGid === from.gid) return from.deliver(task, request);
    return this.#across(task, from, request, opts);
  }

  async #across(
    task: Task,
    from: Hca,
    request: WireRequest,
    opts: RequestOptions,
  ): Promise<WireResponse | null> {
    if (this.#lost(request.srcGid, request.destGid)) return null;
    const sent = await this.#serialized(task, request);
    const target = this.#ports.get(request.destGid);
    const remote = this.#remote.get(request.destGid);
    if (target === undefined && remote === undefined) return null;
    const exchange = new Exchange(from.sched, `answer for message ${request.seq}`);
    this.#later(from.sched, () => {
      if (target === undefined) void remote!.send(sent).then((answer) => exchange.finish(answer));
      else this.arrive(target, sent, from.sched, (answer) => exchange.finish(answer));
    });
    if (!opts.answer) return null;
    return exchange.wait(task, opts.timeoutNs, () => opts.alive());
  }

  /** A message reached an adapter: carry it out, and send the answer, if any, on its way. */
  arrive(
    target: Hca,
    request: WireRequest,
    back: Scheduler,
    reply: (answer: WireResponse) => void,
  ): void {
    target.sched.spawn(`receiver of ${target.gid}`, async (task) => {
      const answer = await target.deliver(task, request);
      if (answer === null || this.#lost(request.destGid, request.srcGid)) return;
      const sent = await this.serializedAnswer(task, answer);
      this.#later(back, () => reply(sent));
    });
  }

  async #serialized(task: Task, request: WireRequest): Promise<WireRequest> {
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

/** One request and the answer that may come. */
class Exchange {
  readonly #came: WaitQueue;
  readonly #sched: Scheduler;
  #answer: WireResponse | null = null;
  #done = false;

  constructor(sched: Scheduler, label: string) {
    this.#sched = sched;
    this.#came = new WaitQueue(sched, label);
  }

  finish(answer: WireResponse | null): void {
    if (this.#done || answer === null) return;
    this.#done = true;
    this.#answer = answer;
    this.#came.wakeAll();
  }

  async wait(task: Task, timeoutNs: number, alive: () => boolean): Promise<WireResponse | null> {
    await this.#came.waitEvent(task, () => this.#done || !alive(), {
      mode: 'killable',
      why: this.#came.label,
      ...(timeoutNs < Infinity && { untilNs: this.#sched.clock.nowNs + timeoutNs }),
    });
    return this.#answer;
  }
}
