// Goal: an access lands where its IOVA is translated, or faults; unmap() resolves only when nothing
// goes through the entry any more.

import test from 'ava';
import { IommuDomain } from '../../../drivers/vfio/iommu-domain.js';
import { type Bus, DmaFault, type DmaMapping } from '../../../lib/driver/index.js';
import { Scheduler, WaitQueue, type Task } from '../../../lib/sched/index.js';
import { PAGE_SIZE } from '../../../lib/units.js';

const rw = { read: true, write: true };
const mappingOf = (len: number): DmaMapping => ({ len }) as DmaMapping;

/** A bus that notes its writes; hold() makes them wait until let() is called. */
function bench() {
  const sched = new Scheduler({ mode: 'simulated' });
  const queue = new WaitQueue(sched, 'bus');
  const moves: [DmaMapping, number, number][] = [];
  const state = { held: false, fault: false };
  const bus = {
    write: async (mapping: DmaMapping, pos: number, source: Uint8Array) => {
      if (state.fault) throw new DmaFault({ why: 'no' } as never);
      await queue.waitEvent(sched.current!, () => !state.held, { why: 'bus' });
      moves.push([mapping, pos, source.length]);
    },
  } as unknown as Bus;
  const letGo = () => {
    state.held = false;
    queue.wakeAll();
  };
  const run = (fn: (task: Task) => Promise<void>) => sched.run('test', fn);
  return { sched, domain: new IommuDomain(sched, bus), moves, state, letGo, run };
}

test('a transfer goes page by page through every entry that it touches', async (t) => {
  const { domain, moves, run } = bench();
  const [a, b] = [mappingOf(PAGE_SIZE), mappingOf(2 * PAGE_SIZE)];
  domain.map(0, a, rw);
  domain.map(PAGE_SIZE, b, rw);
  await run(async () => {
    t.is(await domain.transfer('write', 10, new Uint8Array(2 * PAGE_SIZE)), 'ok');
  });
  t.deepEqual(moves, [
    [a, 10, PAGE_SIZE - 10],
    [b, 0, PAGE_SIZE],
    [b, PAGE_SIZE, 10],
  ]);
});

test('a hole, a missing right and a fault of the bus end a transfer', async (t) => {
  const { domain, moves, state, run } = bench();
  domain.map(0, mappingOf(PAGE_SIZE), rw);
  domain.map(4 * PAGE_SIZE, mappingOf(PAGE_SIZE), { read: true, write: false });
  await run(async () => {
    t.is(await domain.transfer('write', PAGE_SIZE - 1, new Uint8Array(2)), 'fault');
    t.is(moves.length, 1, 'what lay before the hole was moved');
    t.is(await domain.transfer('write', 4 * PAGE_SIZE, new Uint8Array(1)), 'fault');
    state.fault = true;
    t.is(await domain.transfer('write', 0, new Uint8Array(1)), 'fault');
  });
  t.is(moves.length, 1);
});

test('unmap waits for what is under way, and nothing new begins', async (t) => {
  const { sched, domain, moves, state, letGo, run } = bench();
  domain.map(0, mappingOf(2 * PAGE_SIZE), rw);
  state.held = true;
  const order: string[] = [];
  await run(async (task) => {
    const dma = sched.spawn('dma', async () => {
      order.push(`transfer: ${await domain.transfer('write', 0, new Uint8Array(2 * PAGE_SIZE))}`);
    });
    await sched.clock.sleep(task, 1);
    const unmap = sched.spawn('unmap', async (own) => {
      await domain.unmap(own, 0);
      order.push('unmapped');
    });
    await sched.clock.sleep(task, 1);
    t.deepEqual(order, []);
    t.is(domain.nrEntries, 0);
    letGo();
    await dma.join(task);
    await unmap.join(task);
  });
  t.deepEqual(order.sort(), ['transfer: fault', 'unmapped']);
  t.is(moves.length, 1, 'the second page found no translation');
});

test('an address is translated once', (t) => {
  const { domain } = bench();
  domain.map(PAGE_SIZE, mappingOf(2 * PAGE_SIZE), rw);
  t.throws(() => domain.map(2 * PAGE_SIZE, mappingOf(PAGE_SIZE), rw), { message: /twice/ });
});
