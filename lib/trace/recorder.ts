// A recorder: keeps what the tracepoints of one machine say, from its making to its dispose.
//
// It keeps the newest `limit` events and counts what it dropped, so that a long run can be left
// traced.

import { tracepoints, tracepointNames, type TracepointName } from './events.js';
import { perfettoDocument, type PerfettoOptions, writeJson } from './perfetto.js';
import { timelineText } from './timeline.js';
import type { TraceEvent, TraceSource } from './tracepoint.js';

export interface RecorderOptions {
  /** Tracepoints to listen to. If not given: all but sched_switch. */
  readonly names?: readonly TracepointName[];
  /** Events to keep. One million if not given. */
  readonly limit?: number;
}

export class TraceRecorder implements Disposable {
  readonly #events: TraceEvent[] = [];
  readonly #limit: number;
  #nrDropped = 0;
  #unsubscribe: (() => void)[];

  /** Events of other machines of this process are passed over. */
  constructor(source: TraceSource, opts: RecorderOptions = {}) {
    this.#limit = opts.limit ?? 1_000_000;
    const names = opts.names ?? tracepointNames.filter((name) => name !== 'sched_switch');
    const listener = (event: TraceEvent): void => {
      if (event.source === source) this.#keep(event);
    };
    this.#unsubscribe = names.map((name) => tracepoints[name].subscribe(listener));
  }

  /** Oldest first. */
  get events(): readonly TraceEvent[] {
    return this.#events;
  }

  get nrDropped(): number {
    return this.#nrDropped;
  }

  /** Names of the events in order, to compare with. */
  names(): string[] {
    return this.#events.map(({ name }) => name);
  }

  clear(): void {
    this.#events.length = 0;
    this.#nrDropped = 0;
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** A document that ui.perfetto.dev and chrome://tracing open. */
  toJSON(opts: PerfettoOptions = {}): object {
    return perfettoDocument(this.#events, opts);
  }

  /** Write toJSON() to a file. */
  async writePerfetto(file: string, opts: PerfettoOptions = {}): Promise<void> {
    await writeJson(file, this.toJSON(opts));
  }

  /** One line per event, for a terminal. */
  timeline(): string {
    return timelineText(this.#events);
  }

  #keep(event: TraceEvent): void {
    if (this.#events.length >= this.#limit) {
      this.#events.splice(0, Math.ceil(this.#limit / 10));
      this.#nrDropped += Math.ceil(this.#limit / 10);
    }
    this.#events.push(event);
  }
}
