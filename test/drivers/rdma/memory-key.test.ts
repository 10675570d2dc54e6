// Goal: a region is left before its fence returns, and nobody enters one that is not VALID.

import test from 'ava';
import { MemoryKey, PinnedBacking, RegionFault } from '../../../drivers/rdma/memory-key.js';
import { DmaFault, type DmaMapping } from '../../../lib/driver/index.js';
import { Scheduler } from '../../../lib/sched/index.js';
import { ms } from '../../../lib/units.js';

const newKey = (sched: Scheduler): MemoryKey =>
  new MemoryKey(sched, {
    key: 0x101,
    rkey: 0x101,
    pd: 1,
    access: 1,
    iova: 4096,
    len: 100,
    backing: new PinnedBacking({} as DmaMapping),
  });

test('ranges are covered to the byte', (t) => {
  const key = newKey(new Scheduler({ mode: 'simulated' }));
  const rows = [
    [4096, 100, true],
    [4195, 1, true],
    [4196, 0, true],
    [4095, 1, false],
    [4096, 101, false],
    [4195, 2, false],
  ] as const;
  for (const [addr, len, covered] of rows) t.is(key.covers(addr, len), covered, `${addr}+${len}`);
});

test('drained waits for every step inside; a revoked region lets none in', async (t) => {
  const sched = new Scheduler({ mode: 'simulated', seed: 1 });
  const key = newKey(sched);
  await sched.run('test', async (task) => {
    const steps = [5, 9].map((n) =>
      sched.spawn(`step ${n}`, (own) => key.within(() => sched.clock.sleep(own, ms(n)))),
    );
    await sched.clock.sleep(task, ms(1));
    t.is(key.inside, 2);
    key.state = 'REVOKED';
    await t.throwsAsync(() => key.within(() => Promise.resolve()), { instanceOf: RegionFault });
    await key.drained(task);
    t.is(sched.clock.nowNs, ms(9));
    for (const step of steps) await step.join(task);
  });
});

test('what the IOMMU stops is a fault of the region; other errors pass', async (t) => {
  const key = newKey(new Scheduler({ mode: 'simulated' }));
  const event = {
    device: 'd',
    access: 'read',
    mapping: {} as DmaMapping,
    pos: 0,
    len: 1,
    why: '',
  } as const;
  const stopped = () => Promise.reject(new DmaFault(event));
  await t.throwsAsync(() => key.within(stopped), { instanceOf: RegionFault });
  await t.throwsAsync(() => key.within(() => Promise.reject(new TypeError('x'))), {
    instanceOf: TypeError,
  });
  t.is(key.inside, 0);
});

test('a renewed key takes its rkey along only if they were one', (t) => {
  const key = newKey(new Scheduler({ mode: 'simulated' }));
  key.renew(0x102);
  t.deepEqual([key.lkey, key.rkey], [0x102, 0x102]);
  key.rkey = 0;
  key.renew(0x103);
  t.deepEqual([key.lkey, key.rkey], [0x103, 0]);
});
