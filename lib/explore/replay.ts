// Replays one schedule and writes down what every step did: who took it, what it touched, what the
// tracepoints and the scenario said in it.

import { Errno } from '../errno.js';
import type { Scheduler, Step } from '../sched/index.js';
import { type TraceEvent, TraceRecorder, tracepointNames } from '../trace/index.js';
import { NondeterminismError, type Failure } from './failure.js';
import { ReplaySearch } from './replay-search.js';
import { JUDGE } from './run.js';
import type { Scenario } from './scenario.js';
import { runOnce } from './stage.js';
import { decodeToken, encodeToken, keysHash } from './token.js';

export interface ReplayedStep {
  readonly task: string;
  /** What was noted or traced in it; empty if nothing was. */
  readonly said: readonly string[];
  /** What it touched, as 'pfn 3' (read) and 'pfn 3!' (written). */
  readonly touched: readonly string[];
}

export interface Replayed {
  readonly scenario: Scenario;
  readonly token: string;
  readonly failure: Failure | null;
  readonly steps: readonly ReplayedStep[];
  /** Every trace event and step, for perfettoDocument(). */
  readonly events: readonly TraceEvent[];
}

/** What the lock and the wait tracepoints say is in the footprints already. */
const unsaid: ReadonlySet<string> = new Set(['lock', 'sched_switch']);

/** The event in few words: what tells most about it, without the rest. */
function words({ name, phase, args }: TraceEvent): string {
  const told = args['why'] ?? args['what'] ?? args['call'] ?? args['op'] ?? Object.values(args)[0];
  const end = phase === 'end' ? 'end of ' : '';
  return told === undefined ? `${end}${name}` : `${end}${name} ${String(told)}`;
}

class Writer {
  readonly steps: ReplayedStep[] = [];
  readonly events: TraceEvent[] = [];
  #sched: Scheduler | null = null;
  #recorder: TraceRecorder | null = null;

  begin(sched: Scheduler): void {
    this.#sched = sched;
    this.#recorder = new TraceRecorder(sched, { names: tracepointNames });
  }

  step(step: Step, notes: readonly string[]): void {
    const traced = [...this.#recorder!.events];
    this.#recorder!.clear();
    const label = (id: number): string => this.#sched!.label(id);
    const reads = step.reads.filter((id) => !step.writes.includes(id)).map(label);
    const writes = step.writes.map(label).filter((name) => !name.startsWith(JUDGE));
    const touched = [...writes.map((name) => `${name}!`), ...reads];
    const heard = traced
      .filter(({ name, phase }) => !unsaid.has(name) && !(name === 'wait' && phase === 'end'))
      .map(words);
    const said = [...notes, ...heard];
    this.steps.push({ task: step.taskName, said, touched });
    const what = said.length > 0 ? notes.join('; ') : touched.join(', ');
    this.events.push(...traced, {
      name: 'step',
      source: this.#sched!,
      atNs: this.#sched!.clock.nowNs,
      task: step.taskName,
      phase: 'instant',
      key: '',
      args: { what, touched: touched.join(', ') },
    });
  }

  end(): void {
    this.events.push(...(this.#recorder?.events ?? []));
    this.#recorder?.stop();
  }
}

/** Replay given answers. */
export async function replayChoices(
  scenario: Scenario,
  choices: readonly number[],
): Promise<Replayed & { readonly keys: readonly number[] }> {
  const search = new ReplaySearch(choices);
  const writer = new Writer();
  search.begin();
  try {
    const record = await runOnce(scenario, search, {
      onScheduler: (sched) => writer.begin(sched),
      onStep: (step, notes) => writer.step(step, notes),
    });
    const { keys } = record;
    const token = encodeToken(scenario.name, choices, keys);
    const failure = record.failures[0] ?? null;
    return { scenario, token, failure, keys, steps: writer.steps, events: writer.events };
  } finally {
    writer.end();
  }
}

/**
 * Replay a token of this scenario. EINVAL if it is none, or of another one. Throws
 * NondeterminismError if the tasks met are not those of the recording: the code has changed since,
 * or is not deterministic.
 */
export async function replayToken(scenario: Scenario, text: string): Promise<Replayed> {
  const token = decodeToken(text);
  if (token.scenario !== scenario.name) {
    throw new Errno('EINVAL', `replay: ${text} is of ${token.scenario}, not of ${scenario.name}`);
  }
  const replayed = await replayChoices(scenario, token.choices);
  if (keysHash(replayed.keys, token.choices.length) !== token.keysHash) {
    throw new NondeterminismError(
      `${text}: the replay met other tasks than the recording; the scenario has changed since, or` +
        ' something besides the schedule decides',
    );
  }
  return replayed;
}
