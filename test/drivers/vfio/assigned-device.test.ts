// Goal: the device works on its own clock, and nothing but a reset stops it.

import test from 'ava';
import { AssignedDevice } from '../../../drivers/vfio/assigned-device.js';
import type { IommuDomain } from '../../../drivers/vfio/iommu-domain.js';
import { Scheduler, type Task } from '../../../lib/sched/index.js';
import { ms } from '../../../lib/units.js';

interface Round {
  readonly atNs: number;
  readonly dir: string;
  readonly iova: number;
  readonly bytes: readonly number[];
}

function bench(takesNs = 0) {
  const sched = new Scheduler({ mode: 'simulated' });
  const rounds: Round[] = [];
  const state = { end: 'ok' as 'ok' | 'fault' };
  const domain = {
    transfer: async (dir: string, iova: number, bytes: Uint8Array) => {
      await sched.clock.sleep(sched.current!, takesNs);
      rounds.push({ atNs: sched.clock.nowNs, dir, iova, bytes: [...bytes] });
      return state.end;
    },
  } as unknown as IommuDomain;
  const device = new AssignedDevice();
  const spawn = (label: string, fn: (task: Task) => Promise<void>) =>
    sched.spawn(label, fn, { daemon: true });
  device.attach({ sched, domain, spawn });
  return { sched, device, rounds, state };
}

const job = { dir: 'write', iova: 64, len: 3, byte: 7, periodNs: ms(2) } as const;

test('a round comes at once and then every period; faults are counted', async (t) => {
  const { sched, device, rounds, state } = bench();
  await sched.run('test', async (task) => {
    device.start(job);
    await sched.clock.sleep(task, ms(3));
    state.end = 'fault';
    await sched.clock.sleep(task, ms(2));
  });
  t.deepEqual(
    rounds.map(({ atNs }) => atNs),
    [0, ms(2), ms(4)],
  );
  t.deepEqual(rounds[0], { atNs: 0, dir: 'write', iova: 64, bytes: [7, 7, 7] });
  t.deepEqual(device.counters, { rounds: 3, bytes: 6, faults: 1, resets: 0 });
});

test('reset waits for the round under way, and none comes after it', async (t) => {
  const { sched, device, rounds } = bench(ms(1));
  await sched.run('test', async (task) => {
    device.start(job);
    await sched.clock.sleep(task, 10);
    t.true(device.running);
    await device.reset(task);
    t.is(sched.clock.nowNs, ms(1));
    t.false(device.running);
    await sched.clock.sleep(task, ms(20));
  });
  t.is(rounds.length, 1);
  t.is(device.counters.resets, 1);
});

test('a new job takes the place of the old one', async (t) => {
  const { sched, device, rounds } = bench();
  await sched.run('test', async (task) => {
    device.start(job);
    await sched.clock.sleep(task, ms(1));
    device.start({ ...job, iova: 0, periodNs: ms(1) });
    await sched.clock.sleep(task, ms(1) + 1);
  });
  t.deepEqual(
    rounds.map(({ iova }) => iova),
    [64, 0, 0],
  );
});

test('limits are type1’s unless the board says otherwise', (t) => {
  t.is(new AssignedDevice().limits.maxEntries, 65535);
  t.deepEqual(new AssignedDevice({ maxEntries: 2 }).limits.maxEntries, 2);
});
