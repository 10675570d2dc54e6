// Planted bugs of whoever must give pages back: fences that come too late, orphans freed too soon,
// mirrors that are not told, locks that a fault needs.

import assert from 'node:assert/strict';
import type { HmmPage } from '../../mm/hmm.js';
import { faultRange } from '../../mm/hmm.js';
import { revokePins } from '../../mm/revocation.js';
import { isErrno } from '../../errno.js';
import { Mutex, type Task, WaitQueue } from '../../sched/index.js';
import { PAGE_SIZE, type Pfn } from '../../units.js';
import type { Race } from '../scenario.js';
import { Device } from '../world/device.js';
import { judgeFile } from '../world/file-judge.js';
import { memoryWorld, type MemoryWorld } from '../world/memory-world.js';
import { type Planted, twinOf } from './planted.js';

async function setStage(race: Race, world: MemoryWorld, nrPages: number) {
  const app = world.process('app');
  const file = world.file(nrPages);
  const device = new Device(world.env, 'rdma0');
  const task = race.sched.current!;
  const addr = await world.map(task, app, file);
  judgeFile(race, file, device);
  return { race, world, app, file, device, addr, task };
}

type Stage = Awaited<ReturnType<typeof setStage>>;

interface Spec extends Omit<Planted, 'make' | 'ground'> {
  readonly title: string;
  readonly nrPages: number;
}

function planted(
  { title, nrPages, ...about }: Spec,
  tasks: (stage: Stage, broken: boolean) => Promise<void> | void,
): Planted {
  return {
    ...about,
    ground: 'rooms',
    make: (broken) => ({
      name: broken ? about.name : twinOf(about.name),
      title,
      world: memoryWorld(),
      body: async (race, world) =>
        tasks(await setStage(race, world as MemoryWorld, nrPages), broken),
    }),
  };
}

const revokeReturnsEarly = planted(
  {
    name: 'revoke-returns-early',
    title: 'when a revocation is over the hardware reaches the pages no more',
    defect: 'revoke() marks the region dead and unpins while a transfer is still under way',
    finds: 'invariant',
    preemptions: 2,
    nrPages: 2,
  },
  async ({ race, world, app, file, device, addr, task }, broken) => {
    const { sched } = world;
    const region = race.object('state of the region');
    const idle = new WaitQueue(sched, 'transfer done');
    let alive = true;
    let inFlight = false;
    const pins = await device.pin(task, app, addr, 2, async (held, _why, revoker) => {
      await sched.at(region, 'write');
      alive = false;
      if (!broken) await idle.waitEvent(revoker, () => !inFlight, { why: 'the fence' });
      held.unpin();
    });
    const translation = device.translate(pins.pfns);
    race.task('hardware', async () => {
      await sched.at(region, 'write');
      if (!alive) return;
      inFlight = true;
      await device.write(translation);
      await sched.at(region, 'write');
      inFlight = false;
      idle.wakeAll();
    });
    race.task('truncater', async (t) => {
      await revokePins(t, [pins], 'truncate');
      await file.truncate(t);
    });
  },
);

const revokeForgets = planted(
  {
    name: 'revoke-keeps-a-pin',
    title: 'a revocation that resolves has unpinned',
    defect: 'revoke() resolves without unpinning when the region was in use',
    finds: 'error',
    preemptions: 1,
    nrPages: 1,
  },
  async ({ race, world, app, file, device, addr, task }, broken) => {
    const { sched } = world;
    const region = race.object('state of the region');
    const idle = new WaitQueue(sched, 'transfer done');
    let busy = false;
    const pins = await device.pin(task, app, addr, 1, async (held, _why, revoker) => {
      await sched.at(region, 'write');
      if (busy && broken) return;
      await idle.waitEvent(revoker, () => !busy, { why: 'the fence' });
      held.unpin();
    });
    const translation = device.translate(pins.pfns);
    race.task('hardware', async () => {
      await sched.at(region, 'write');
      if (pins.state !== 'HELD') return;
      busy = true;
      await device.write(translation);
      await sched.at(region, 'write');
      busy = false;
      idle.wakeAll();
    });
    race.task('truncater', async (t) => {
      await sched.at(file.mapping.id, 'read');
      await revokePins(t, [pins], 'truncate');
      await file.truncate(t);
    });
  },
);

const reaperTooEarly = planted(
  {
    name: 'reaper-too-early',
    title: 'an orphan is freed after its last unpin',
    defect: 'the reaper of orphans frees at the first unpin, while another pin is left',
    finds: 'invariant',
    preemptions: 2,
    nrPages: 1,
  },
  ({ race, world, app, file, device, addr }, broken) => {
    const { pages } = world.env;
    const orphans = new Set<Pfn>();
    const wanted = new WaitQueue(world.sched, 'orphans to reap');
    let unpinned = false;
    const transfer = async (task: Task): Promise<void> => {
      try {
        const pins = await device.pin(task, app, addr, 1);
        await device.write(device.translate(pins.pfns));
        pins.unpin();
        unpinned ||= orphans.size > 0;
      } catch (e) {
        if (!isErrno(e, 'EFAULT')) throw e;
      } finally {
        wanted.wakeAll();
      }
    };
    race.task('pinner-1', transfer);
    race.task('pinner-2', transfer);
    race.task('truncater', async (task) => {
      await file.mapping.invalidateLock.downWrite(task);
      await file.unmap(task);
      const busy = file.firstBusy();
      if (busy !== undefined) {
        orphans.add(busy);
        file.orphan();
      } else file.free();
      file.mapping.invalidateLock.upWrite(task);
      if (busy === undefined) return;
      const idle = (): boolean => !pages.isBusy(busy) || (broken && unpinned);
      await wanted.waitEvent(task, idle, { why: 'an unpin' });
      file.freePage(busy);
      assert(pages.owner(busy) === undefined);
    });
  },
);

/** A device that mirrors a page table: what it holds is valid until it is told otherwise. */
interface Mirror {
  page: HmmPage | undefined;
}

const mirrorNotChecked = planted(
  {
    name: 'mirror-not-rechecked',
    title: 'a device that faults a page in asks whether it is still there',
    defect: 'the device enters the page it faulted in without asking readRetry()',
    finds: 'invariant',
    preemptions: 2,
    nrPages: 1,
  },
  ({ race, world, app, file, device, addr }, broken) => {
    const lock = new Mutex(world.sched, 'notifier lock of rdma0');
    const mirror: Mirror = { page: undefined };
    const range = { start: addr, end: addr + PAGE_SIZE };
    const interval = app.mm.notifiers.insert({
      ...range,
      label: 'rdma0',
      async invalidate(task) {
        await lock.lock(task);
        mirror.page = undefined;
        lock.unlock(task);
      },
    });
    race.task('device', async (task) => {
      for (;;) {
        const seq = await interval.readBegin(task);
        const [page] = await faultRange(task, app.mm, { ...range, write: true }).catch(() => []);
        if (page === undefined) return;
        await lock.lock(task);
        const stale = !broken && interval.readRetry(seq);
        if (!stale) mirror.page = page;
        lock.unlock(task);
        if (!stale) break;
      }
      const owner = { mount: 1, ino: 1, generation: 1, pgoff: 0 };
      await lock.lock(task);
      const { page } = mirror;
      if (page !== undefined) await device.writePage({ pfns: [page.pfn], owners: [owner] }, 0);
      lock.unlock(task);
    });
    race.task('truncater', (task) => file.truncate(task));
  },
);

const faultUnderNotifierLock = planted(
  {
    name: 'fault-under-notifier-lock',
    title: 'no driver faults under the lock that its notifier takes',
    defect: 'the driver holds its notifier lock while it faults a page in',
    finds: 'deadlock',
    preemptions: 2,
    nrPages: 1,
  },
  async ({ race, world, app, file, addr, task: stage }, broken) => {
    await file.unmap(stage);
    // A semaphore by hand: the lock order check would name this mistake in the first schedule.
    const free = new WaitQueue(world.sched, 'notifier lock of rdma0');
    let holder: Task | null = null;
    const take = async (task: Task): Promise<void> => {
      await world.sched.at(free.id, 'write');
      const holders = (): Task[] => (holder === null ? [] : [holder]);
      await free.waitEvent(task, () => holder === null, { why: free.label, holders });
      holder = task;
    };
    const drop = (): void => {
      holder = null;
      free.wakeAll();
    };
    const range = { start: addr, end: addr + PAGE_SIZE };
    app.mm.notifiers.insert({
      ...range,
      label: 'rdma0',
      async invalidate(task) {
        await take(task);
        drop();
      },
    });
    race.task('device', async (task) => {
      if (broken) await take(task);
      await faultRange(task, app.mm, { ...range, write: true }).catch(() => []);
      if (!broken) await take(task);
      drop();
    });
    race.task('truncater', (task) => file.truncate(task));
  },
);

export const revocationBugs: readonly Planted[] = [
  revokeReturnsEarly,
  revokeForgets,
  reaperTooEarly,
  mirrorNotChecked,
  faultUnderNotifierLock,
];
