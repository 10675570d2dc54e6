// Bench rows of the race explorer: schedules per second of a whole small machine and of a micro
// scenario, the first also as fast-check's scheduler drives it, and what a point costs a live
// machine.
//
// fast-check is for those who develop Leasehold; where it is not installed its row is left out.

import assert from 'node:assert/strict';
import { explore, FastCheckSearch, type Scenario, scenario } from '../explore/index.js';
import { registerAgainstTruncate } from '../explore/world/small-machine.js';
import { Scheduler } from '../sched/index.js';
import { NS_PER_SECOND } from '../units.js';
import { elapsedNs, measureAsync, median, nowNs, scaled } from './measure.js';
import type { Row } from './row.js';

/** Two tasks raise one counter, three points each. */
const twoCounters: Scenario = {
  ...scenario('two-counters', 'two tasks raise one counter', (race) => {
    const state = { n: 0 };
    race.keep(state);
    const counter = race.object('counter');
    const raise = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        const turn = race.at(counter, 'write');
        if (turn !== undefined) await turn;
        state.n += 1;
      }
    };
    race.task('a', raise);
    race.task('b', raise);
  }),
  reset: 'restore',
};

/** Until the engine has compiled all of a machine for good: three explorations, seen in traces. */
const nrWarmUps = 3;

/** Schedules a second over nine explorations. */
interface Rate {
  readonly median: number;
  /** What the machine can do when nobody disturbs it. */
  readonly most: number;
  readonly points: number;
}

async function perSecond(of: Scenario, schedules: number): Promise<Rate> {
  const rates: number[] = [];
  let points = 0;
  for (let i = 0; i < nrWarmUps + 9; i++) {
    const { failures, schedulesPerSecond, pointsPerSchedule } = await explore(of, {
      ...{ strategy: 'random', seed: i, runs: schedules, budget: { schedules } },
    });
    assert.deepEqual(failures, []);
    if (i >= nrWarmUps) rates.push(schedulesPerSecond);
    points = pointsPerSchedule;
  }
  return { median: median(rates), most: Math.max(...rates), points };
}

const ratesOf = (name: string, rate: Rate, bound: number): Row[] => [
  {
    name: `explorer: ${name}, ${Math.round(rate.points)} points`,
    value: rate.median,
    unit: '/s',
    bound,
  },
  { name: `explorer: ${name}, the fastest`, value: rate.most, unit: '/s' },
];

/** The same as a property of fast-check: each schedule has a stage of its own, as there it must. */
async function perSecondOfFastCheck(of: Scenario, numRuns: number): Promise<number | null> {
  const fc = await import('fast-check').catch(() => null);
  if (fc === null) return null;
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    const { failures } = await explore(of, { strategy: new FastCheckSearch(scheduler) });
    assert.deepEqual(failures, []);
  });
  await fc.assert(property, { numRuns: Math.ceil(numRuns / 4), seed: 1 });
  const since = nowNs();
  await fc.assert(property, { numRuns, seed: 2 });
  return (numRuns * NS_PER_SECOND) / elapsedNs(since);
}

async function machineRows(effort: number): Promise<Row[]> {
  const of = registerAgainstTruncate as Scenario;
  const rate = await perSecond(of, Math.max(20, Math.round(4_000 * effort)));
  const rows = ratesOf('whole machine', rate, 20_000);
  const fastCheck = await perSecondOfFastCheck(of, Math.max(8, Math.round(400 * effort)));
  if (fastCheck === null) return rows;
  rows.push({ name: "the same under fast-check's scheduler", value: fastCheck, unit: '/s' });
  const times = rate.median / fastCheck;
  rows.push({ name: 'explorer against fast-check', value: times, unit: 'times', bound: 5 });
  return rows;
}

const nrPoints = 8;

/** Stores in a row, as the steps of a call are, each behind a point; and the same without. */
async function pointed(sched: Scheduler, at: Int32Array): Promise<void> {
  if (sched.on) await sched.at(0, 'write');
  at[0]!++;
  if (sched.on) await sched.at(1, 'write');
  at[1]!++;
  if (sched.on) await sched.at(2, 'write');
  at[2]!++;
  if (sched.on) await sched.at(3, 'write');
  at[3]!++;
  if (sched.on) await sched.at(4, 'write');
  at[4]!++;
  if (sched.on) await sched.at(5, 'write');
  at[5]!++;
  if (sched.on) await sched.at(6, 'write');
  at[6]!++;
  if (sched.on) await sched.at(7, 'write');
  at[7]!++;
  await null;
}

async function plain(_sched: Scheduler, at: Int32Array): Promise<void> {
  at[0]!++;
  at[1]!++;
  at[2]!++;
  at[3]!++;
  at[4]!++;
  at[5]!++;
  at[6]!++;
  at[7]!++;
  await null;
}

async function pointedLoop(sched: Scheduler, at: Int32Array): Promise<void> {
  for (let i = 0; i < at.length; i++) {
    if (sched.on) await sched.at(i, 'write');
    at[i]!++;
  }
  await null;
}

async function plainLoop(_sched: Scheduler, at: Int32Array): Promise<void> {
  for (let i = 0; i < at.length; i++) at[i]!++;
  await null;
}

type Passage = (sched: Scheduler, at: Int32Array) => Promise<void>;

/**
 * What points cost a live machine: in a row, and in a loop, which an await makes dearer whether or
 * not it is ever reached. Loops over pages do without in live mode.
 */
async function pointRows(effort: number): Promise<Row[]> {
  const live = new Scheduler({ mode: 'live' });
  const perPoint = async (with_: Passage, without: Passage, length: number): Promise<number> => {
    const at = new Int32Array(length);
    const timing = scaled(effort, { batch: 1_000, batches: 5 });
    const ns = async (of: Passage): Promise<number> =>
      (await measureAsync(timing, () => of(live, at))).ns;
    // By turns, since a machine is faster at one moment than at the next.
    const more: number[] = [];
    for (let i = 0; i < 25; i++) more.push(-(await ns(without)) + (await ns(with_)));
    return Math.max(0, median(more)) / length;
  };
  const inRow = await perPoint(pointed, plain, nrPoints);
  const inLoop = await perPoint(pointedLoop, plainLoop, 512);
  return [
    { name: 'a scheduling point of a live machine', value: inRow, unit: 'ns', bound: 2 },
    { name: 'the same in a loop', value: inLoop, unit: 'ns' },
  ];
}

export async function exploreRows(effort: number): Promise<readonly Row[]> {
  const ofMachine = await machineRows(effort);
  const bare = await perSecond(twoCounters, Math.max(50, Math.round(100_000 * effort)));
  const ofPoints = await pointRows(effort);
  return [...ofMachine, ...ratesOf('bare core', bare, 200_000), ...ofPoints];
}
