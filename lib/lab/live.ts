// The same play on the machine's own clock and with threads: the bytes of DMA are moved by a worker
// thread on the shared memory while truncate goes on here; lease-break-time is 0.2 s.
//
// One schedule, and not one that can be chosen; what it adds is that neither the virtual clock nor
// the scheduler made the verdict. The thread compares the owner of each page before and after it
// writes, the referee's page checks and the owner of the new file read what it wrote.

import { rmSync } from 'node:fs';
import type { LayoutPolicy } from '../lease/layout.js';
import { ms, NS_PER_SECOND, nsToMs, seconds } from '../units.js';
import { actOf } from './acts.js';
import type { Cell, Ending, LiveEnding } from './cell.js';
import { DmaBeside } from './dma-thread.js';
import { breaches } from './judgement.js';
import { Play, type PlayTimes } from './play.js';
import { bootLive, type SceneSpec } from './scene.js';
import { verdictOf } from './severity.js';

const breakTimeNs = ms(200);

const liveTimes: PlayTimes = {
  horizonNs: seconds(5),
  periodNs: ms(20),
  afterNs: ms(60),
  settleNs: ms(20),
  lateNs: ms(400),
  headNs: ms(25),
  pausesNs: [0, 0, ms(1), ms(5), ...Array.from({ length: 40 }, () => ms(20))],
};

/** The longest that an ending of the virtual play may have taken for its like to be seen live. */
const feasibleNs = seconds(45);

/** What there is no real time for; null: nothing, it can be played live. */
export function infeasible({ outcome, holderStuck }: Ending): string | null {
  if (outcome.end === 'hung') return 'it never ends';
  if (holderStuck.length > 0) return `${holderStuck.join(', ')} never ends`;
  return outcome.tookNs > feasibleNs ? `it takes ${outcome.tookNs / NS_PER_SECOND} s` : null;
}

export async function playLive(
  cell: Cell,
  policy: LayoutPolicy,
  device: string,
): Promise<LiveEnding> {
  const spec: SceneSpec = { policy, act: actOf(cell.driver), operation: cell.operation };
  const machine = await bootLive(spec, device);
  let play: Play | null = null;
  let beside: DmaBeside | null = null;
  try {
    machine.device.flushes = false; // a disk that is slow for others is no part of the verdict
    machine.leases.breakTimeNs = breakTimeNs;
    play = await Play.set(machine, spec, cell.behaviour, liveTimes);
    beside = new DmaBeside(machine);
    const tasks = play.tasks.map(([name, fn]) => machine.sched.spawn(name, fn).promise);
    await Promise.all(tasks);
    return endingOf(cell, policy, play.ending(), beside);
  } finally {
    play?.end();
    beside?.end();
    await machine.powerOff();
    rmSync(device, { force: true });
  }
}

function endingOf(
  cell: Cell,
  policy: LayoutPolicy,
  ending: Ending,
  { transfers, strangers }: DmaBeside,
): LiveEnding {
  const { end, tookNs } = ending.outcome;
  const tookMs = Math.round(nsToMs(tookNs) * 1000) / 1000;
  const broken = breaches(cell, policy, ending);
  if (strangers > 0 && policy.promises.stray === 'never') {
    broken.push(`the DMA thread met ${strangers} pages of somebody else`);
  }
  const verdict = strangers > 0 ? 'stray DMA' : verdictOf(ending);
  return { verdict, end, tookMs, transfers, strangers, broken };
}
