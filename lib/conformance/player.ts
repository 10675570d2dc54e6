// The players of a case: its emulated processes, each with the handles its steps have made.
//
// A handle belongs to the process that made it. A step that names one that no earlier step made
// answers `no handle`, as the recorder did.

import type { Machine, Process } from '../machine.js';
import { Errno } from '../errno.js';
import { KiB } from '../units.js';
import type { Answer, Step } from './case.js';

/** The step names a handle whose maker failed. */
export class NoHandle extends Error {}

/** The operation is not built. */
export class Unsupported extends Error {}

/** glibc's first arena: mappings go top-down, so a range past the end of one reaches into it. */
const arenaLen = 132 * KiB;

/** One process of a case. */
export class Player {
  readonly name: string;
  readonly process: Process;
  readonly run: Run;
  readonly handles = new Map<string, unknown>();
  /** Steps under way in the background, by their `as`. */
  readonly pending = new Map<string, Promise<Answer>>();

  private constructor(run: Run, name: string) {
    this.run = run;
    this.name = name;
    this.process = run.machine.spawn(name);
    // The recorder's processes survive a bad access and count the SIGIOs of a broken lease.
    for (const sig of ['SIGBUS', 'SIGSEGV', 'SIGIO']) this.process.on(sig, () => {});
  }

  /** A process that has, as every C program, memory of its own above what it maps later. */
  static async start(run: Run, name: string): Promise<Player> {
    const player = new Player(run, name);
    await player.process.mmap({ len: arenaLen, prot: 'rw', share: 'private' });
    return player;
  }

  /** The handle of that name, made by a step that answers handles of kind T. */
  get<T>(name: unknown): T {
    if (typeof name !== 'string' || !this.handles.has(name)) throw new NoHandle(String(name));
    return this.handles.get(name) as T;
  }

  keep(step: Step, handle: unknown): void {
    if (step.as !== undefined) this.handles.set(step.as, handle);
  }

  drop(name: unknown): void {
    if (typeof name === 'string') this.handles.delete(name);
  }
}

/** One run of a case on a machine of its own. */
export class Run {
  readonly machine: Machine;
  readonly players = new Map<string, Player>();
  /** Free blocks by mount at the last free_mark. */
  readonly marks = new Map<string, number>();

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** The player of that name; a process starts at its first step. */
  async player(name: string): Promise<Player> {
    const player = this.players.get(name) ?? (await Player.start(this, name));
    this.players.set(name, player);
    return player;
  }
}

/** One operation: does the step, answers as the recorder wrote answers. */
export type Op = (player: Player, step: Step) => Promise<Answer>;
export type Ops = Readonly<Record<string, Op>>;

/** An argument that the case file's check has found to be a number, or its default. */
export function int(step: Step, name: string, otherwise?: number): number {
  const value = step[name];
  if (typeof value === 'number') return value;
  if (otherwise === undefined) throw new Errno('EINVAL', `conformance: ${step.op} lacks ${name}`);
  return otherwise;
}

export function text(step: Step, name: string, otherwise?: string): string {
  const value = step[name];
  if (typeof value === 'string') return value;
  if (otherwise === undefined) throw new Errno('EINVAL', `conformance: ${step.op} lacks ${name}`);
  return otherwise;
}

export function names(step: Step, name: string, otherwise: readonly string[]): (string | number)[] {
  const value = step[name];
  return Array.isArray(value) ? (value as (string | number)[]) : [...otherwise];
}

/** Bytes as the recorder wrote them: runs `5a*4096`; it stops with `...` after the ninth. */
export function runs(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'empty';
  const out: string[] = [];
  for (let from = 0; from < bytes.length;) {
    let to = from + 1;
    while (to < bytes.length && bytes[to] === bytes[from]) to++;
    out.push(`${bytes[from]!.toString(16).padStart(2, '0')}*${to - from}`);
    if (out.length === 9) return `${out.join(',')},...`;
    from = to;
  }
  return out.join(',');
}
