// The same play on the machine's own clock: tasks are scheduled by the event loop, and
// lease-break-time is 0.2 s.
//
// One schedule, and not one that can be chosen; what it adds is that neither the virtual clock nor
// the scheduler made the verdict.

import { rmSync } from 'node:fs';
import type { LayoutPolicy } from '../lease/layout.js';
import { ms, nsToMs, seconds } from '../units.js';
import { actOf } from './acts.js';
import type { Cell, Ending, LiveEnding } from './cell.js';
import { breaches } from './judgement.js';
import { Play, type PlayTimes } from './play.js';
import { bootLive, type SceneSpec } from './scene.js';
import { verdictOf } from './severity.js';

const breakTimeNs = ms(200);

const liveTimes: PlayTimes = {
  horizonNs: seconds(5),
  afterNs: ms(30),
  settleNs: ms(20),
  lateNs: ms(400),
  pausesNs: [0, 0, ms(1), ms(5), ms(20), ms(100), ms(150), ms(200)],
};

/** The longest that an ending of the virtual play may have taken for its like to be seen live. */
const feasibleNs = seconds(45);

/** Whether real time suffices: what hangs, or waits out a grace of seconds, is not played live. */
export const isFeasible = ({ outcome, holderStuck }: Ending): boolean =>
  outcome.end !== 'hung' && outcome.tookNs <= feasibleNs && holderStuck.length === 0;

export async function playLive(
  cell: Cell,
  policy: LayoutPolicy,
  device: string,
): Promise<LiveEnding> {
  const spec: SceneSpec = { policy, act: actOf(cell.driver), operation: cell.operation };
  const machine = await bootLive(spec, device);
  let play: Play | null = null;
  try {
    machine.leases.breakTimeNs = breakTimeNs;
    play = await Play.set(machine, spec, cell.behaviour, liveTimes);
    const tasks = play.tasks.map(([name, fn]) => machine.sched.spawn(name, fn).promise);
    await Promise.all(tasks);
    const ending = play.ending();
    const { end, tookNs } = ending.outcome;
    const tookMs = Math.round(nsToMs(tookNs) * 1000) / 1000;
    return { verdict: verdictOf(ending), end, tookMs, broken: breaches(cell, policy, ending) };
  } finally {
    play?.end();
    await machine.powerOff();
    rmSync(device, { force: true });
  }
}
