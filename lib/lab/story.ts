// The story: a device does DMA to a mapped file, somebody truncates it, and a new file takes the
// freed blocks. Who was hurt?
//
//   0 s    the holder maps the file, takes a layout lease if the policy wants one, pins
//   1 s    the administrator truncates the file and, when that has ended, writes another one
//   60 s   the holder, which ignored every notice, gives its pins back
//
// Bytes move on real memory, in a real file; time is virtual.

import { isErrno } from '../errno.js';
import type { LayoutPolicy } from '../lease/layout.js';
import type { Machine } from '../machine.js';
import { policyNamed } from '../policy/index.js';
import { seconds } from '../units.js';
import { actOf, type Running } from './acts.js';
import type { Cell, CellVerdict } from './cell.js';
import { corruptedBytes, dataPath, setStage, writeOther, type Stage } from './stage.js';

const truncateAtNs = seconds(1);
const releaseAtNs = seconds(60);
const horizonNs = seconds(600);

export interface StoryOptions {
  /** A real file for the device; a temporary one if not given. */
  readonly device?: string;
  /** Called when the machine has booted, with the machine: to trace it, say. */
  onBoot?(machine: Machine): void;
  /** Called before the machine is switched off. */
  onEnd?(machine: Machine): void;
}

interface Truncation {
  readonly end: string;
  readonly tookNs: number;
  readonly freeBefore: number;
  readonly freeAfter: number;
}

/** The lease without which the policy lets nobody pin. That of MAP_DIRECT came with the mapping. */
async function takeLease(policy: LayoutPolicy, { app, fd }: Stage): Promise<void> {
  const { lease } = policy.promises;
  if (lease !== null && lease !== 'MAP_DIRECT') await app.setLease(fd, lease);
}

/** Truncate at its time; when it has ended, the other file takes what is free. */
async function truncate({ machine, admin, free }: Stage): Promise<Truncation> {
  const { sched } = machine;
  const freeBefore = await free();
  const sinceNs = sched.clock.nowNs;
  let end = 'hung';
  const call = admin.truncate(dataPath, 0).then(
    () => 'ok',
    (e: unknown) => {
      if (isErrno(e)) return e.code;
      throw e;
    },
  );
  if (await sched.runUntil(call, horizonNs)) end = await call;
  const tookNs = sched.clock.nowNs - sinceNs;
  const freeAfter = await free();
  await writeOther(admin);
  return { end, tookNs, freeBefore, freeAfter };
}

/** Whether the holder has any long-term pin. */
const pinsOf = ({ machine, app }: Stage): boolean =>
  machine.mm.pinTable.pinsOfProcess(app).some((p) => p.longterm);

/** Start the driver's DMA; `refused` is the errno that the holder met. */
async function start(
  cell: Cell,
  policy: LayoutPolicy,
  stage: Stage,
): Promise<{ running: Running | null; pin: string }> {
  try {
    const act = actOf(cell.driver);
    if (act.longterm) await takeLease(policy, stage);
    return { running: await act.start(stage), pin: 'granted' };
  } catch (e) {
    if (!isErrno(e)) throw e;
    return { running: null, pin: e.code };
  }
}

/** Play one cell and judge it. */
export async function playCell(cell: Cell, options: StoryOptions = {}): Promise<CellVerdict> {
  const policy = policyNamed(cell.policy);
  const stage = await setStage({
    policy,
    drivers: actOf(cell.driver).drivers,
    ...(options.device === undefined ? {} : { device: options.device }),
  });
  const { machine, app } = stage;
  try {
    options.onBoot?.(machine);
    const { running, pin } = await start(cell, policy, stage);
    await machine.sched.runFor(truncateAtNs - machine.clock.nowNs);
    await running?.untilBusy();
    let givenBack = false;
    const release = machine.sched.spawn('holder gives back', async (task) => {
      await machine.clock.sleep(task, releaseAtNs - machine.clock.nowNs);
      givenBack = true;
      await running?.release(task);
    });
    const truncation = await truncate(stage);
    const taken = running !== null && actOf(cell.driver).longterm && !givenBack && !pinsOf(stage);
    await machine.sched.runUntil(release.promise, horizonNs);
    await machine.sched.runFor(seconds(1));
    const verdict = machine.referee.verdict();
    options.onEnd?.(machine);
    return {
      ...cell,
      pin,
      truncate: { end: truncation.end, tookNs: truncation.tookNs },
      holder: taken && app.waitStatus() === 'running' ? 'lost pins' : app.waitStatus(),
      transfers: { done: running?.done ?? 0, failed: running?.failed ?? 0 },
      stray: verdict.stray,
      corruptedBytes: await corruptedBytes(stage.admin),
      free: {
        before: truncation.freeBefore,
        afterTruncate: truncation.freeAfter,
        atEnd: await stage.free(),
      },
      orphanedPeak: verdict.orphanedPeak,
      leaked: verdict.orphaned,
    };
  } finally {
    await machine.powerOff();
  }
}
