// Planted bugs of lease holders: a signal that is lost, a lease given up before the hardware is
// fenced, a time limit that hits the wrong lease.
//
// Leases are real, as are pins and pages; the holder is a task that waits for its SIGIO.

import { Errno, isErrno } from '../../errno.js';
import { LeaseContext } from '../../lease/lease-context.js';
import { defaultLeaseSettings } from '../../lease/leased-inode.js';
import type { LeaseHolder } from '../../lease/lease.js';
import { type Task, WaitQueue } from '../../sched/index.js';
import { seconds } from '../../units.js';
import type { Race, RaceTimers } from '../scenario.js';
import { Device } from '../world/device.js';
import { memoryWorld, type MemoryWorld } from '../world/memory-world.js';
import { type Planted, twinOf } from './planted.js';

/** An open file whose owner gets SIGIO, once it has one. */
class Holder implements LeaseHolder {
  readonly label = '/file1';
  readonly pid = 100;
  readonly readable = true;
  readonly writable = true;
  owned = false;
  pending = false;
  readonly arrived: WaitQueue;

  constructor(world: MemoryWorld) {
    this.arrived = new WaitQueue(world.sched, 'SIGIO');
  }

  notify(): void {
    if (!this.owned) return; // kill_fasync finds nobody
    this.pending = true;
    this.arrived.wakeAll();
  }
}

async function setStage(race: Race, world: MemoryWorld) {
  const app = world.process('app');
  const file = world.file(1);
  const device = new Device(world.env, 'rdma0');
  const task = race.sched.current!;
  const addr = await world.map(task, app, file);
  const settings = defaultLeaseSettings();
  const { sched } = world;
  const inode = {
    label: file.label,
    isRegular: true,
    uid: 1000,
    supportsLeases: true,
    openForWrite: () => 1,
    openCount: () => 1,
  };
  const leases = new LeaseContext({ sched, rules: world.env.rules, settings }, inode);
  const holder = new Holder(world);
  const over = { over: file.objects };
  race.invariant('no page is freed under a pin', () => file.assertNoPinOnFreePage(), over);
  race.invariant('DMA stays in its file', () => device.assertNoStray(), over);
  /** As the file system does under lease-break: first the leases, then the pages. */
  const truncate = async (t: Task, whatIsPinned: 'wait' | 'ignore' = 'wait'): Promise<void> => {
    await leases.breakLease({ task: t, process: app }, { access: 'write', kind: 'LEASE' });
    if (whatIsPinned === 'wait') return file.truncate(t);
    await file.mapping.invalidateLock.downWrite(t);
    await file.unmap(t);
    file.free();
    file.mapping.invalidateLock.upWrite(t);
  };
  return { race, world, sched, app, file, device, addr, task, leases, settings, holder, truncate };
}

type Stage = Awaited<ReturnType<typeof setStage>>;

interface Spec extends Omit<Planted, 'make' | 'ground'> {
  readonly title: string;
  readonly timers?: RaceTimers;
}

function planted(
  { title, timers, ...about }: Spec,
  tasks: (stage: Stage, broken: boolean) => Promise<void> | void,
): Planted {
  return {
    ...about,
    ground: 'rooms',
    make: (broken) => ({
      name: broken ? about.name : twinOf(about.name),
      title,
      world: memoryWorld(),
      ...(timers !== undefined && { timers }),
      body: async (race, world) => tasks(await setStage(race, world as MemoryWorld), broken),
    }),
  };
}

const leaseBeforeFence = planted(
  {
    name: 'lease-before-fence',
    title: 'a holder that is asked to give up its lease fences its hardware first',
    defect: 'the holder releases its lease and only then unpins what the hardware writes to',
    finds: 'invariant',
    preemptions: 2,
  },
  async ({ race, sched, app, device, addr, task, leases, holder, truncate }, broken) => {
    holder.owned = true;
    leases.setLease({ task, process: app }, holder, 'F_WRLCK');
    const pins = await device.pin(task, app, addr, 1);
    race.task('holder', async (t) => {
      await holder.arrived.waitEvent(t, () => holder.pending, { why: 'SIGIO' });
      const fence = async (): Promise<void> => {
        await device.write(device.translate(pins.pfns));
        pins.unpin();
      };
      if (!broken) await fence();
      await leases.unlock({ task: t, process: app }, holder);
      if (broken) await fence();
    });
    // The breaker trusts the lease, as lease-required does: no page is scanned.
    race.task('truncater', async (t) => {
      await sched.at(leases.id, 'write');
      await truncate(t, 'ignore');
    });
  },
);

const lostSIGIO = planted(
  {
    name: 'lost-sigio',
    title: 'a lease has somebody to signal from the moment it can be broken',
    defect: 'the owner of the file is set after the lease: a break in between signals nobody',
    finds: 'deadlock',
    preemptions: 1,
  },
  ({ race, sched, app, leases, settings, holder, truncate }, broken) => {
    settings.breakTimeNs = 0; // no time limit: the breaker waits for the holder
    race.task('holder', async (t) => {
      await sched.at(leases.id, 'write');
      holder.owned = !broken;
      leases.setLease({ task: t, process: app }, holder, 'F_WRLCK');
      await sched.at(leases.id, 'write');
      holder.owned = true;
      await holder.arrived.waitEvent(t, () => holder.pending, { why: 'SIGIO' });
      await leases.unlock({ task: t, process: app }, holder);
    });
    race.task('truncater', async (t) => {
      await sched.at(leases.id, 'write');
      if (leases.leases.length === 0) holder.pending = true; // nothing to break: the holder may go
      holder.arrived.wakeAll();
      await truncate(t);
    });
  },
);

const checkThenSleep = planted(
  {
    name: 'signal-before-sleep',
    title: 'a signal that comes before the holder sleeps is not lost',
    defect: 'the holder looks for its signal, and goes to sleep a step later without looking again',
    finds: 'deadlock',
    preemptions: 1,
  },
  ({ race, sched, app, task, leases, settings, holder, truncate }, broken) => {
    settings.breakTimeNs = 0;
    holder.owned = true;
    leases.setLease({ task, process: app }, holder, 'F_WRLCK');
    race.task('holder', async (t) => {
      await sched.at(holder.arrived.id, 'read');
      if (broken && !holder.pending) {
        await sched.at(holder.arrived.id, 'read');
        await holder.arrived.wait(t, { why: 'SIGIO' });
      } else {
        await holder.arrived.waitEvent(t, () => holder.pending, { why: 'SIGIO' });
      }
      await leases.unlock({ task: t, process: app }, holder);
    });
    race.task('truncater', async (t) => {
      await sched.at(leases.id, 'write');
      await truncate(t);
    });
  },
);

const timeLimitHitsNewLease = planted(
  {
    name: 'stale-time-limit',
    title: 'a time limit ends the lease that it was set for and no other',
    defect: 'the timer of a broken lease is not taken down when the holder gives it up in time',
    finds: 'invariant',
    preemptions: 2,
    timers: 'any',
  },
  ({ race, sched }, broken) => {
    const lease = race.object('the lease');
    let current = 1;
    let wronged = false;
    let takeDown = (): void => {};
    race.invariant('no lease ends before its time', () => {
      if (wronged) throw new Error('a lease that nobody had broken was ended by a timer');
    });
    race.task('holder', async () => {
      await sched.at(lease, 'write');
      current = 0; // given up, in time
      if (!broken) takeDown();
      await sched.at(lease, 'write');
      current = 2;
      await sched.at(lease, 'write');
    });
    race.task('breaker', async () => {
      await sched.at(lease, 'write');
      const broke = current;
      if (broke === 0) return;
      takeDown = sched.clock.timer(sched.clock.nowNs + seconds(45), () => {
        if (current !== 0 && current !== broke) wronged = true;
        sched.touch(lease, 'write');
      });
    });
  },
);

const killedHolder = planted(
  {
    name: 'killed-holder',
    title: 'a holder that is killed while it unpins leaves no pin behind',
    defect: 'the exit path gives up the lease of a killed holder and forgets its pin',
    finds: 'deadlock',
    preemptions: 2,
  },
  async ({ race, sched, app, device, addr, task, leases, holder, truncate }, broken) => {
    holder.owned = true;
    leases.setLease({ task, process: app }, holder, 'F_WRLCK');
    const pins = await device.pin(task, app, addr, 1);
    let victim: Task | null = null;
    race.task('holder', async (t) => {
      victim = t;
      try {
        await holder.arrived.waitEvent(t, () => holder.pending, {
          mode: 'uninterruptible',
          why: 'SIGIO',
        });
        await device.write(device.translate(pins.pfns));
        if (t.interruptedIn('killable')) throw new Errno('EINTR', 'killed');
        pins.unpin();
      } catch (e) {
        if (!isErrno(e, 'EINTR')) throw e;
        if (!broken) pins.unpin();
      }
      await leases.release(t, holder, 'exit');
    });
    race.task('killer', async () => {
      await sched.at(holder.arrived.id, 'write');
      victim?.interrupt('kill');
    });
    race.task('truncater', (t) => truncate(t));
  },
);

export const leaseBugs: readonly Planted[] = [
  leaseBeforeFence,
  lostSIGIO,
  checkThenSleep,
  timeLimitHitsNewLease,
  killedHolder,
];
