// Goal: the disk moves bytes in the direction asked, and misbehaves when it is told to.

import test from 'ava';
import { Disk } from '../../../drivers/block/disk.js';
import type { Bus, DmaMapping } from '../../../lib/driver/index.js';
import { Scheduler } from '../../../lib/sched/index.js';
import { ms } from '../../../lib/units.js';

function bench() {
  const sched = new Scheduler({ mode: 'simulated', seed: 1 });
  const copies: string[] = [];
  const bus = {
    copy: (to: DmaMapping, _tp: number, from: DmaMapping) => {
      copies.push(`${from.device}->${to.device}`);
      return Promise.resolve();
    },
  } as unknown as Bus;
  const disk = new Disk();
  disk.attach(sched, bus);
  const media = { device: 'media' } as DmaMapping;
  const memory = { device: 'memory' } as DmaMapping;
  return { sched, disk, copies, media, memory };
}

test('a read goes from the medium to memory, a write the other way', async (t) => {
  const { sched, disk, copies, media, memory } = bench();
  await sched.run('test', async (task) => {
    t.is(await disk.execute(task, { dir: 'read', media, memory, len: 8 }), 'ok');
    t.is(await disk.execute(task, { dir: 'write', media, memory, len: 8 }), 'ok');
  });
  t.deepEqual(copies, ['media->memory', 'memory->media']);
  t.deepEqual(disk.counters, { reads: 1, writes: 1, bytes: 16, errors: 0 });
});

test('a request takes its delay, waits out a stall and fails when told to', async (t) => {
  const { sched, disk, copies, media, memory } = bench();
  disk.delayNs = ms(3);
  disk.stalled = true;
  disk.failNext(1);
  await sched.run('test', async (task) => {
    sched.clock.timer(ms(10), () => (disk.stalled = false));
    t.is(await disk.execute(task, { dir: 'read', media, memory, len: 8 }), 'error');
    t.is(sched.clock.nowNs, ms(10));
    t.is(await disk.execute(task, { dir: 'read', media, memory, len: 8 }), 'ok');
    t.is(sched.clock.nowNs, ms(13));
  });
  t.is(copies.length, 1);
});
