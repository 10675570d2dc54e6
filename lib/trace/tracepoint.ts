// A tracepoint: a named place in the emulated kernel, over node:diagnostics_channel.
//
// Without subscribers it costs the test of a flag, so write
//   if (leaseBreak.on) leaseBreak.emit(sched, { inode: 12, deadlineNs });
// Channels are global to the process; the source says which machine an event belongs to.

import { type Channel, channel } from 'node:diagnostics_channel';

/** Whatever has a clock and knows whose turn it is: a scheduler. */
export interface TraceSource {
  readonly clock: { readonly nowNs: number };
  readonly current: { readonly id: number; readonly name: string } | null;
}

/** What an event carries: plain values, so that it can be written down as JSON. */
export type TraceArgs = Readonly<Record<string, string | number | boolean | null>>;

/**
 * 'instant': a moment. 'begin'/'end': a slice of time; they are matched by track and key, so that
 * slices may overlap and end on another task than they began on.
 */
export type TracePhase = 'instant' | 'begin' | 'end';

export interface TraceEvent {
  readonly name: string;
  readonly source: TraceSource;
  readonly atNs: number;
  /** The task that emitted it; empty for outside code and interrupts. */
  readonly task: string;
  readonly phase: TracePhase;
  /** Names the slice among others of the same tracepoint. */
  readonly key: string;
  readonly args: TraceArgs;
}

export class Tracepoint<A extends TraceArgs = TraceArgs> {
  readonly name: string;
  readonly #channel: Channel;

  constructor(name: string) {
    this.name = name;
    this.#channel = channel(`leasehold:${name}`);
  }

  /** Whether anybody listens. */
  get on(): boolean {
    return this.#channel.hasSubscribers;
  }

  /** A moment. task: who did it, where that is not whose turn it is (a live machine has none). */
  emit(source: TraceSource, args: A, task = source.current): void {
    this.#publish(source, 'instant', '', args, task);
  }

  /** The beginning of a slice; end() with the same key closes it. */
  begin(source: TraceSource, key: string | number, args: A, task = source.current): void {
    this.#publish(source, 'begin', String(key), args, task);
  }

  /** The end of a slice; its args are added to those of the beginning. */
  end(
    source: TraceSource,
    key: string | number,
    args: Partial<A> = {},
    task = source.current,
  ): void {
    this.#publish(source, 'end', String(key), args as TraceArgs, task);
  }

  /** Hear every event of this tracepoint; call the result to stop. */
  subscribe(listener: (event: TraceEvent) => void): () => void {
    const onMessage = (message: unknown): void => listener(message as TraceEvent);
    this.#channel.subscribe(onMessage);
    return () => this.#channel.unsubscribe(onMessage);
  }

  #publish(
    source: TraceSource,
    phase: TracePhase,
    key: string,
    args: TraceArgs,
    actor: TraceSource['current'],
  ): void {
    const { name } = this;
    const task = actor?.name ?? '';
    const event: TraceEvent = { name, source, atNs: source.clock.nowNs, task, phase, key, args };
    this.#channel.publish(event);
  }
}
