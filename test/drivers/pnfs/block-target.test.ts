// Goal: the storage serves registrants only, and preempt-and-abort ends what is under way.

import test from 'ava';
import { BlockTarget } from '../../../drivers/pnfs/block-target.js';
import { type Bus, DmaFault, type DmaMapping } from '../../../lib/driver/index.js';
import { Scheduler, WaitQueue } from '../../../lib/sched/index.js';
import { PAGE_SIZE } from '../../../lib/units.js';

const mapping = {} as DmaMapping;

function bench() {
  const sched = new Scheduler({ mode: 'simulated' });
  const queue = new WaitQueue(sched, 'bus');
  const state = { held: false, fault: false, moved: 0 };
  const move = async (_m: DmaMapping, _pos: number, bytes: Uint8Array) => {
    if (state.fault) throw new DmaFault({ why: 'no' } as never);
    await queue.waitEvent(sched.current!, () => !state.held, { why: 'bus' });
    state.moved += bytes.length;
  };
  const target = new BlockTarget();
  target.attach(sched, { read: move, write: move } as unknown as Bus);
  const letGo = () => {
    state.held = false;
    queue.wakeAll();
  };
  return { sched, target, state, letGo };
}

test('a key that is not registered is a conflict and moves nothing', async (t) => {
  const { sched, target, state } = bench();
  const bytes = new Uint8Array(10);
  await sched.run('test', async (task) => {
    t.is(await target.command(task, 1, 'write', mapping, 0, bytes), 'conflict');
    target.register(1);
    t.is(await target.command(task, 1, 'write', mapping, 0, bytes), 'ok');
    t.is(await target.command(task, 2, 'read', mapping, 0, bytes), 'conflict');
    state.fault = true;
    t.is(await target.command(task, 1, 'read', mapping, 0, bytes), 'error');
  });
  t.is(state.moved, 10);
});

test('preempt aborts a command between pages and waits for the page under way', async (t) => {
  const { sched, target, state, letGo } = bench();
  target.register(1);
  target.register(2);
  state.held = true;
  await sched.run('test', async (task) => {
    const bytes = new Uint8Array(3 * PAGE_SIZE);
    const io = sched.spawn('io', (own) => target.command(own, 1, 'write', mapping, 0, bytes));
    await sched.clock.sleep(task, 1);
    const fence = sched.spawn('fence', async (own) => {
      await target.preempt(own, 1);
      return state.moved;
    });
    await sched.clock.sleep(task, 1);
    t.false(target.isRegistered(1));
    letGo();
    t.is(await io.join(task), 'conflict');
    t.is(await fence.join(task), PAGE_SIZE, 'the first page had been under way');
  });
  t.true(target.isRegistered(2));
});
