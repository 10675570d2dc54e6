// Replays one recorded case on a fresh machine under virtual time and holds it against Linux.
//
//   step        runs until it answers, or 20 s of virtual time: HUNG
//   step bg     0.6 s of virtual time: blocked; `finish` collects it
//
// Steps go through the calls that any application uses. An operation that is not built is a
// difference, never a pass.

import rdma from '../../drivers/rdma/index.js';
import v4l2 from '../../drivers/v4l2/index.js';
import { isErrno } from '../errno.js';
import type { KernelName } from '../kernel-rules.js';
import { bootMachine, MemoryFault, ProcessKilled, type Machine } from '../machine.js';
import { MiB, ms, seconds } from '../units.js';
import type { Answer, Case, Step } from './case.js';
import { fileOps } from './ops-files.js';
import { leaseOps } from './ops-lease.js';
import { memoryOps } from './ops-memory.js';
import { processOps } from './ops-process.js';
import { verbsOps } from './ops-verbs.js';
import { videoOps } from './ops-video.js';
import { NoHandle, Run, Unsupported, type Op, type Player } from './player.js';

const ops: Readonly<Record<string, Op>> = {
  ...fileOps,
  ...leaseOps,
  ...memoryOps,
  ...processOps,
  ...verbsOps,
  ...videoOps,
};

const hungAfterNs = seconds(20);
const blockedAfterNs = ms(600);

/** Names that are one number on Linux: the recorder wrote one of them. */
const sameErrno: Readonly<Record<string, string>> = {
  EWOULDBLOCK: 'EAGAIN',
  ENOTSUP: 'EOPNOTSUPP',
};

export interface Difference {
  readonly id: string;
  readonly step: number;
  readonly op: string;
  readonly linux: Answer;
  readonly ours: Answer;
}

export interface CaseResult {
  readonly id: string;
  readonly area: string;
  readonly steps: number;
  readonly stepsAgree: number;
  readonly differ: readonly Difference[];
  readonly unsupported: readonly string[];
}

/** What an application sees of a call: its answer, an errno name or a signal name. */
async function answerOf(player: Player, step: Step): Promise<Answer> {
  const op = ops[step.op];
  if (!op) throw new Unsupported(step.op);
  try {
    return await op(player, step);
  } catch (e) {
    if (isErrno(e)) return sameErrno[e.code] ?? e.code;
    if (e instanceof MemoryFault) return e.signal;
    if (e instanceof NoHandle) return 'no handle';
    if (e instanceof ProcessKilled) return e.status;
    throw e;
  }
}

/** Wait in virtual time; undefined if nothing was answered by then. */
async function within(run: Run, answer: Promise<Answer>, ns: number): Promise<Answer | undefined> {
  return (await run.machine.sched.runUntil(answer, ns)) ? answer : undefined;
}

async function finish(run: Run, player: Player, step: Step): Promise<Answer> {
  const pending = player.pending.get(String(step['of']));
  if (!pending) return 'no handle';
  const waitNs = ms(typeof step['ms'] === 'number' ? step['ms'] : 3000);
  return (await within(run, pending, waitNs)) ?? 'blocked';
}

async function play(run: Run, step: Step): Promise<Answer> {
  const player = await run.player(step.by ?? 'A');
  if (step.op === 'sleep') {
    await run.machine.sched.runFor(ms(Number(step['ms'])));
    return 'ok';
  }
  if (step.op === 'finish') return finish(run, player, step);
  const answer = answerOf(player, step);
  answer.catch(() => {}); // awaited below, or by a finish that may never come
  if (step.bg && step.as !== undefined) player.pending.set(step.as, answer);
  return (
    (await within(run, answer, step.bg ? blockedAfterNs : hungAfterNs)) ??
    (step.bg ? 'blocked' : 'HUNG')
  );
}

/** A machine as the recorder's guest was: four file systems, Soft-RoCE and a camera. */
export function bootForCases(kernel: KernelName): Promise<Machine> {
  return bootMachine({
    kernel,
    clock: 'virtual',
    timers: 'manual',
    seed: 1,
    inMemory: true,
    size: 64 * MiB,
    ram: 256 * MiB,
    drivers: [rdma, v4l2],
    mounts: {
      '/ext4-dax': { flavor: 'ext4', dax: true },
      '/xfs-dax': { flavor: 'xfs', dax: true },
      '/ext4': { flavor: 'ext4', dax: false },
      '/tmpfs': { flavor: 'tmpfs', dax: false },
    },
  });
}

/** Replay a case and compare every step with what that kernel answered. */
export async function replayCase(c: Case, kernel: KernelName): Promise<CaseResult> {
  const linux = c.linux[kernel] ?? [];
  const differ: Difference[] = [];
  const unsupported: string[] = [];
  const run = new Run(await bootForCases(kernel));
  for (const [i, step] of c.steps.entries()) {
    let ours: Answer;
    try {
      ours = await play(run, step);
      // A step of the recorder took longer than it takes a woken task to run.
      await run.machine.sched.settle();
    } catch (e) {
      if (e instanceof Unsupported) unsupported.push(step.op);
      ours = e instanceof Unsupported ? 'unsupported' : bug(e);
    }
    const theirs = linux[i] ?? 'not recorded';
    if (ours !== theirs) differ.push({ id: c.id, step: i, op: step.op, linux: theirs, ours });
  }
  const steps = c.steps.length;
  const stepsAgree = steps - differ.length;
  // A machine that cannot be powered off is a difference too, and ends nobody else's replay.
  const end = await run.machine.powerOff().then(() => 'ok', bug);
  if (end !== 'ok') differ.push({ id: c.id, step: steps, op: 'power off', linux: 'ok', ours: end });
  return { id: c.id, area: c.area, steps, stepsAgree, differ, unsupported };
}

const bug = (e: unknown): Answer => `bug: ${e instanceof Error ? e.message : String(e)}`;
