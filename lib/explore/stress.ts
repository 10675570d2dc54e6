// stress(): lockless pins under truncate on real threads, or in several processes, and a judge that
// looks whenever all of them are parked.
//
//   threads start, park -> [race -> all park -> judge]* -> all unpin and end -> judge the balance
//
// What the explorer cannot show shows here: it takes one step at a time, so that every store is
// seen at once, which no CPU promises. And the other way round: nothing that is found here can be
// replayed; a failure is proof, none is a sample. It needs two cores to show what two cores do.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Errno } from '../errno.js';
import { RealClock } from '../sched/index.js';
import { NS_PER_SECOND, seconds as secondsToNs } from '../units.js';
import { MOST_THREADS, StressFiles } from './stress-memory.js';
import type { StressScenario } from './stress-protocol.js';
import { type StressFailure, StressReferee, workDone } from './stress-referee.js';
import { Truncater } from './stress-truncater.js';
import { startProcesses, startThreads, type Started } from './stress-workers.js';

export interface StressOptions {
  /** Threads that pin, in each process; the truncating thread is one more. 2 if not given. */
  readonly threads?: number;
  /** Child processes that have those threads; 0, if not given: they are this process's. */
  readonly processes?: number;
  /** How long to race, without start and end. 5 if not given. */
  readonly seconds?: number;
  /** Of what is done, not of when. 1 if not given. */
  readonly seed?: number;
  /** Go on after the first round in which something failed. */
  readonly keepGoing?: boolean;
}

export interface StressResult {
  readonly scenario: string;
  readonly threads: number;
  readonly processes: number;
  /** Spent in rounds. */
  readonly seconds: number;
  /** Times that every thread was parked and all was judged. */
  readonly rounds: number;
  /** Pages that were pinned, and what devices wrote to them. */
  readonly pins: number;
  readonly transfers: number;
  readonly truncates: number;
  /** Truncates that met a pin and waited. */
  readonly waits: number;
  readonly failures: readonly StressFailure[];
}

/** The threads race for so long at a time. */
const ROUND_NS = 20_000_000;

const usual = { threads: 2, processes: 0, seconds: 5, seed: 1, keepGoing: false } as const;

/** EINVAL names the option at fault. */
function checked(options: StressOptions): Required<StressOptions> {
  const all = { ...usual, ...options };
  const { threads, processes, seconds, seed } = all;
  const whole = (name: string, value: number, least: number, most: number): void => {
    if (Number.isSafeInteger(value) && value >= least && value <= most) return;
    const range = `a whole number from ${least} to ${most}`;
    throw new Errno('EINVAL', `stress: ${name}: ${value} is not ${range}`);
  };
  whole('threads', threads, 1, MOST_THREADS);
  whole('processes', processes, 0, MOST_THREADS - 1); // each is an opener of the device
  whole('threads of all processes', threads * Math.max(1, processes), 1, MOST_THREADS);
  whole('seed', seed, 0, 2 ** 32);
  if (!(seconds > 0 && seconds < Infinity)) {
    throw new Errno('EINVAL', `stress: seconds: ${seconds} is no length of time`);
  }
  return all;
}

class Stress {
  readonly #scenario: StressScenario;
  readonly #options: Required<StressOptions>;
  readonly #files: StressFiles;
  readonly #started: Started;
  readonly #referee: StressReferee;
  readonly #truncater: Truncater;
  readonly #clock = new RealClock();
  readonly #nrThreads: number;
  #racedNs = 0;
  #rounds = 0;

  constructor(scenario: StressScenario, options: Required<StressOptions>, folder: string) {
    this.#scenario = scenario;
    this.#options = options;
    this.#files = new StressFiles(folder, true);
    const { memory } = this.#files;
    const { threads, processes, seed } = options;
    this.#nrThreads = threads * Math.max(1, processes);
    memory.nrThreads = this.#nrThreads;
    const protocol = scenario.protocol(memory, this.#nrThreads);
    this.#referee = new StressReferee(memory, protocol);
    const onStray = (detail: string): void => this.#referee.found('bytes', detail);
    this.#truncater = new Truncater(memory, protocol, seed, onStray);
    const order = { name: scenario.name, url: scenario.url, seed, threads };
    this.#started =
      processes > 0
        ? startProcesses(order, folder, processes)
        : startThreads(order, memory.parts, 0);
  }

  async run(): Promise<StressResult> {
    const { seconds, keepGoing } = this.#options;
    try {
      await this.#parked();
      while (this.#racedNs < secondsToNs(seconds)) {
        await this.#round();
        if (this.#referee.failures.length > 0 && !keepGoing) break;
      }
      await this.#end();
      return this.#result();
    } finally {
      this.#started.kill();
      this.#files[Symbol.dispose]();
    }
  }

  async #round(): Promise<void> {
    const { memory } = this.#files;
    const startNs = this.#clock.nowNs;
    this.#rounds++;
    this.#referee.round = this.#rounds;
    memory.parked.store(0);
    memory.phase.add(1);
    this.#truncater.run(() => this.#clock.nowNs - startNs < ROUND_NS);
    memory.phase.add(1);
    await this.#parked();
    this.#racedNs += this.#clock.nowNs - startNs;
    this.#referee.judge(this.#truncater);
  }

  async #end(): Promise<void> {
    const { memory } = this.#files;
    memory.end();
    memory.parked.store(0);
    memory.phase.add(1);
    await this.#started.ended;
    this.#truncater.end();
    this.#referee.judgeEnd(this.#truncater);
  }

  /** Every thread is parked; or one died, which rejects. */
  async #parked(): Promise<void> {
    const { parked } = this.#files.memory;
    using given = aborting();
    const died = this.#started.ended.then(() => {
      throw new Error('stress: a thread ended that was not told to');
    });
    died.catch(() => {});
    for (;;) {
      const nr = parked.load();
      if (nr === this.#nrThreads) return;
      await Promise.race([parked.waitAsync(nr, { signal: given.signal }), died]);
    }
  }

  #result(): StressResult {
    const { threads, processes } = this.#options;
    const { truncates, busy } = this.#truncater;
    return {
      scenario: this.#scenario.name,
      threads,
      processes,
      seconds: this.#racedNs / NS_PER_SECOND,
      rounds: this.#rounds,
      ...workDone(this.#files.memory),
      truncates,
      waits: busy,
      failures: this.#referee.failures,
    };
  }
}

/** A wait that is over when this is disposed of. */
function aborting(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const { signal } = controller;
  return { signal, [Symbol.dispose]: () => controller.abort() };
}

/**
 * Race the scenario for so long, or until something fails. EINVAL: an option. Rejects with the
 * error of a thread that died, which is no finding. The truncating thread is this one: it does
 * nothing else for 20 ms at a time.
 */
export async function stress(
  scenario: StressScenario,
  options: StressOptions = {},
): Promise<StressResult> {
  const all = checked(options);
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-stress-'));
  try {
    return await new Stress(scenario, all, folder).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
