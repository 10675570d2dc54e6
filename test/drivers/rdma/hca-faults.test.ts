// Goal: an adapter misbehaves exactly as it is told to.

import test from 'ava';
import { HcaFaults } from '../../../drivers/rdma/hca-faults.js';
import { Scheduler } from '../../../lib/sched/index.js';
import { ms } from '../../../lib/units.js';

function bench() {
  const sched = new Scheduler({ mode: 'simulated', seed: 1 });
  const faults = new HcaFaults();
  faults.attach(sched);
  return { sched, faults };
}

test('a delay is taken before each step', async (t) => {
  const { sched, faults } = bench();
  t.false(faults.active);
  faults.delayNs = ms(4);
  t.true(faults.active);
  await sched.run('test', (task) => faults.hold(task, () => false));
  t.is(sched.clock.nowNs, ms(4));
});

test('a stall holds steps until it ends or until they are told to stop', async (t) => {
  const { sched, faults } = bench();
  faults.stalled = true;
  let stop = false;
  await sched.run('test', async (task) => {
    sched.clock.timer(ms(3), () => (faults.stalled = false));
    await faults.hold(task, () => stop);
    t.is(sched.clock.nowNs, ms(3));
    faults.stalled = true;
    sched.clock.timer(ms(5), () => {
      stop = true;
      faults.wake();
    });
    await faults.hold(task, () => stop);
    t.is(sched.clock.nowNs, ms(5));
  });
});

test('so many completions are dropped', (t) => {
  const { faults } = bench();
  faults.dropCompletions(2);
  t.deepEqual([faults.takeDrop(), faults.takeDrop(), faults.takeDrop()], [true, true, false]);
});

test('a dead adapter is stalled for good', (t) => {
  const { faults } = bench();
  faults.die();
  faults.stalled = false;
  t.true(faults.stalled && faults.dead && faults.active);
});
