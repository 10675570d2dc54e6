// Goal: a hold on a buffer ends exactly once, and taking it back is a fence.

import test from 'ava';
import { ActiveBuffer, BufferTaken } from '../../../drivers/v4l2/active-buffer.js';
import { VB2Buffer } from '../../../drivers/v4l2/buffer.js';
import { Scheduler, WaitQueue, type Task } from '../../../lib/sched/index.js';
import { FakeMemory } from './fake-queue.js';

function hold(): { sched: Scheduler; vb: VB2Buffer; active: ActiveBuffer; ends: string[] } {
  const sched = new Scheduler({ mode: 'simulated', seed: 1 });
  const vb = new VB2Buffer(0, 'USERPTR', [16]);
  vb.planes[0]!.memory = new FakeMemory(16);
  const ends: string[] = [];
  const active = new ActiveBuffer(sched, vb, (outcome) => void ends.push(outcome));
  return { sched, vb, active, ends };
}

test("a hold that is done is no longer the driver's, and cannot be done again", (t) => {
  const { active, ends } = hold();
  t.true(active.owned);
  active.done('DONE');
  t.false(active.owned);
  t.deepEqual(ends, ['DONE']);
  t.throws(() => active.done('ERROR'), { message: /given back twice/ });
});

test('bytes go to the memory behind the buffer', async (t) => {
  const { active, vb } = hold();
  await active.write(4, Uint8Array.of(1, 2));
  t.deepEqual([...(vb.planes[0]!.memory as FakeMemory).bytes.subarray(3, 7)], [0, 1, 2, 0]);
  const read = new Uint8Array(2);
  await active.read(4, read);
  t.deepEqual([...read], [1, 2]);
});

test('taking back waits for a transfer; it and every later one is BufferTaken', async (t) => {
  const { sched, active, vb } = hold();
  const gate = new WaitQueue(sched, 'gate');
  const order: string[] = [];
  let slow: Task | null = null;
  vb.planes[0]!.memory!.write = async () => {
    await gate.wait(slow!, { why: 'the bus' });
    order.push('moved');
  };
  await sched.run('test', async (task) => {
    const dma = sched.spawn('dma', async (own) => {
      slow = own;
      await t.throwsAsync(active.write(0, Uint8Array.of(1)), { instanceOf: BufferTaken });
    });
    await sched.clock.sleep(task, 1);
    const revoke = sched.spawn('revoke', async (own) => {
      await active.takeBack(own);
      order.push('fenced');
    });
    await sched.clock.sleep(task, 1);
    t.deepEqual(order, []);
    t.false(active.owned);
    t.throws(() => active.done('DONE'), { message: /given back twice/ });
    gate.wakeAll();
    await revoke.join(task);
    await dma.join(task);
    t.deepEqual(order, ['moved', 'fenced']);
    await t.throwsAsync(active.write(0, Uint8Array.of(1)), { instanceOf: BufferTaken });
    await active.takeBack(task);
  });
});
