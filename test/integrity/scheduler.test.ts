// Goal: no scheduler is made of options that are none, and none takes a bad argument; what was
// refused has started no task and moved no time. Method: every option, every public call.

import test from 'ava';
import { Scheduler, type SchedulerOptions } from '../../lib/sched/index.js';
import {
  assertEveryCall,
  badDirectCalls,
  methodsOf,
  noFunctions,
  noObjects,
  noStrings,
  type DirectRow,
} from '../support/direct-calls.js';

const noTimes = [-1, NaN, '5', null, {}, 5n, Symbol('bad')];
const made = (options: object) =>
  new Scheduler({ mode: 'simulated', ...options } as SchedulerOptions);

const optionRows: DirectRow[] = [
  { call: 'constructor', arg: 'options', values: noObjects, make: (v) => new Scheduler(v) },
  {
    call: 'constructor',
    arg: 'mode',
    values: ['fast', ...noStrings],
    make: (mode) => made({ mode }),
  },
  {
    ...{ call: 'constructor', arg: 'seed', values: [1.5, NaN, 2 ** 53, 'x', null, {}] },
    make: (seed) => made({ seed }),
  },
  {
    call: 'constructor',
    arg: 'timers',
    values: ['never', 7, null],
    make: (timers) => made({ timers }),
  },
  {
    call: 'constructor',
    arg: 'horizonNs',
    values: noTimes,
    make: (horizonNs) => made({ horizonNs }),
  },
  {
    ...{ call: 'constructor', arg: 'maxPoints', values: [0, ...noTimes] },
    make: (maxPoints) => made({ maxPoints }),
  },
  {
    ...{ call: 'constructor', arg: 'strategy', values: [null, 7, 'random', {}] },
    make: (strategy) => made({ strategy }),
  },
];

const sched = made({ timers: 'manual' });
const noSpawn = [null, 7, 'daemon'];

const callRows: DirectRow[] = [
  { call: 'spawn', arg: 'name', values: noStrings, make: (v) => sched.spawn(v, async () => {}) },
  { call: 'spawn', arg: 'fn', values: noFunctions, make: (v) => sched.spawn('x', v) },
  {
    call: 'spawn',
    arg: 'options',
    values: noSpawn,
    make: (v) => sched.spawn('x', async () => {}, v),
  },
  { call: 'enter', arg: 'name', values: noStrings, make: (v) => sched.enter(v, async () => {}) },
  { call: 'enter', arg: 'fn', values: noFunctions, make: (v) => sched.enter('x', v) },
  { call: 'run', arg: 'name', values: noStrings, make: (v) => sched.run(v, async () => {}) },
  { call: 'run', arg: 'fn', values: noFunctions, make: (v) => sched.run('x', v) },
  { call: 'newObject', arg: 'label', values: noStrings, make: (v) => sched.newObject(v) },
  { call: 'runFor', arg: 'ns', values: [undefined, ...noTimes], make: (v) => sched.runFor(v) },
  {
    call: 'runUntil',
    arg: 'ns',
    values: [undefined, ...noTimes],
    make: (v) => sched.runUntil(null, v),
  },
  {
    ...{ call: 'runUntil', arg: 'promise', values: [undefined, 7, 'x', {}] },
    make: (v) => sched.runUntil(v, 0),
  },
];

/** Calls without arguments, and those that tasks, locks and pages make for themselves. */
const none = [
  ...['abandon', 'blockedReport', 'settle'],
  ...['assertTurn', 'at', 'blocked', 'label', 'touch', 'woken'],
];

const digest = (): unknown => [
  sched.clock.nowNs,
  sched.blockedReport(),
  sched.failure,
  sched.nrPoints,
];

test('no scheduler is made of options that are none', async (t) => {
  const { problems, inputs } = await badDirectCalls(optionRows, digest);
  t.deepEqual(problems, []);
  t.log(`${inputs} bad inputs`);
});

test('no call on a scheduler takes a bad argument, or lets time pass for one', async (t) => {
  const { problems, inputs } = await badDirectCalls(callRows, digest);
  t.deepEqual(problems, []);
  assertEveryCall(t, methodsOf(Scheduler.prototype), callRows, none);
  let ran = 0;
  await sched.enter('after', async () => void ran++);
  t.is(ran, 1, 'it still runs what it is given');
  t.log(`${inputs} bad inputs`);
});

test('a timer and a sleep take a length of time, and a function', async (t) => {
  const live = new Scheduler({ mode: 'live' });
  const rows: DirectRow[] = [sched, live].flatMap(({ clock }) => [
    {
      call: 'timer',
      arg: 'atNs',
      values: [undefined, NaN, '5', null, {}],
      make: (v) => clock.timer(v, () => {}),
    },
    { call: 'timer', arg: 'fn', values: noFunctions, make: (v) => clock.timer(0, v) },
  ]);
  for (const s of [sched, live]) {
    const sleep = (v: never) => s.enter('sleeper', (task) => s.clock.sleep(task, v));
    rows.push({ call: 'sleep', arg: 'ns', values: [undefined, ...noTimes], make: sleep });
  }
  const clock = sched.virtualClock;
  rows.push({
    ...{ call: 'advanceTo', arg: 'atNs', values: [undefined, ...noTimes] },
    make: (v) => clock.advanceTo(v),
  });
  const { problems, inputs } = await badDirectCalls(rows, digest);
  t.deepEqual(problems, []);
  t.log(`${inputs} bad inputs`);
});
