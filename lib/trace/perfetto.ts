// Chrome's trace event format, which Perfetto reads: one process per machine, one thread per task.
//
// What nests on a task (a wait, a system call) is a slice of its thread, as are the moments. What
// outlives calls or overlaps (pins, leases, locks, DMA, truncates) is an asynchronous slice with
// a track of its own. Times are microseconds there. Format: "Trace Event Format", Google, 2016.

import { writeFile } from 'node:fs/promises';
import type { TraceEvent } from './tracepoint.js';

export interface PerfettoOptions {
  /** How the machine is called. */
  readonly title?: string;
  /**
   * Show each event at least this much after the one before it: virtual time stands still while
   * tasks run, so most of them fall on one instant. True times are in args.at_ns. 0: as it was.
   */
  readonly stretchNs?: number;
}

const PID = 1;
const NS_PER_TRACE_UNIT = 1000;
const OUTSIDE = 'outside';
const nestsOnTask: ReadonlySet<string> = new Set(['syscall', 'wait']);

interface JsonEvent {
  readonly name: string;
  readonly ph: 'M' | 'i' | 'B' | 'E' | 'b' | 'e';
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly cat?: string;
  readonly id?: string;
  readonly s?: 't';
  readonly args: Readonly<Record<string, unknown>>;
}

/** What a slice is called: by its telling argument if it has one. */
function title(event: TraceEvent): string {
  const { args } = event;
  const what = args['what'] ?? args['why'] ?? args['lock'] ?? args['call'] ?? args['op'];
  return what === undefined || what === null ? event.name : `${event.name}: ${String(what)}`;
}

function phaseOf(event: TraceEvent): JsonEvent['ph'] {
  if (event.phase === 'instant') return 'i';
  if (nestsOnTask.has(event.name)) return event.phase === 'begin' ? 'B' : 'E';
  return event.phase === 'begin' ? 'b' : 'e';
}

class Writer {
  readonly json: JsonEvent[] = [];
  readonly #threads = new Map<string, number>();
  /** Open slices by tracepoint and key: an end must bear the name of its beginning. */
  readonly #open = new Map<string, { readonly title: string; readonly tid: number }>();
  readonly #stretchNs: number;
  #shownNs = -Infinity;

  constructor(opts: PerfettoOptions) {
    this.#stretchNs = opts.stretchNs ?? 0;
    const args = { name: opts.title ?? 'machine' };
    this.json.push({ name: 'process_name', ph: 'M', pid: PID, tid: 0, args });
  }

  add(event: TraceEvent): void {
    const { name, args, atNs, key } = event;
    this.#shownNs = Math.max(atNs, this.#shownNs + this.#stretchNs);
    const ph = phaseOf(event);
    const id = `${name} ${key}`;
    const begun = event.phase === 'end' ? this.#open.get(id) : undefined;
    if (event.phase === 'end' && begun === undefined) return; // began before the recorder did
    const tid = begun?.tid ?? this.#thread(event.task);
    const shown = begun?.title ?? title(event);
    if (event.phase === 'begin') this.#open.set(id, { title: shown, tid });
    if (event.phase === 'end') this.#open.delete(id);
    this.json.push({
      name: shown,
      ph,
      pid: PID,
      tid,
      ts: this.#shownNs / NS_PER_TRACE_UNIT,
      cat: name,
      ...(ph === 'i' && { s: 't' as const }),
      ...((ph === 'b' || ph === 'e') && { id }),
      args: { ...args, at_ns: atNs },
    });
  }

  #thread(task: string): number {
    const name = task === '' ? OUTSIDE : task;
    let tid = this.#threads.get(name);
    if (tid === undefined) {
      tid = this.#threads.size + 1;
      this.#threads.set(name, tid);
      this.json.push({ name: 'thread_name', ph: 'M', pid: PID, tid, args: { name } });
    }
    return tid;
  }
}

/** The trace as an object to be written as JSON. Slices still open are shown to the end. */
export function perfettoDocument(
  events: readonly TraceEvent[],
  opts: PerfettoOptions = {},
): { readonly displayTimeUnit: 'ns'; readonly traceEvents: readonly JsonEvent[] } {
  const writer = new Writer(opts);
  for (const event of events) writer.add(event);
  return { displayTimeUnit: 'ns', traceEvents: writer.json };
}

export async function writeJson(file: string, document: object): Promise<void> {
  await writeFile(file, JSON.stringify(document));
}
