// Planted bugs of whoever truncates: locks and scans in the wrong order, a lock kept too long, two
// truncates at once, and the two holes that Linux had.

import { isErrno } from '../../errno.js';
import type { KernelName } from '../../kernel-rules.js';
import type { Task } from '../../sched/index.js';
import { PAGE_SIZE } from '../../units.js';
import type { Race } from '../scenario.js';
import type { DaxFile } from '../world/dax-file.js';
import { Device } from '../world/device.js';
import { judgeFile } from '../world/file-judge.js';
import { memoryWorld, type MemoryWorld } from '../world/memory-world.js';
import { type Planted, twinOf } from './planted.js';

interface Stage {
  readonly race: Race;
  readonly world: MemoryWorld;
  readonly file: DaxFile;
  readonly broken: boolean;
  /** Pin, transfer and unpin so many pages, from a page on. */
  transfer(task: Task, pgoff: number, nrPages: number): Promise<void>;
  /** Give up the mapping. */
  munmap(task: Task): Promise<void>;
  /** Touch a page: it is faulted in. */
  touchPage(task: Task, pgoff: number): Promise<void>;
}

interface Spec extends Omit<Planted, 'make' | 'ground'> {
  readonly title: string;
  readonly nrPages: number;
  /** The kernel, for the defect and without it. */
  readonly kernels?: readonly [KernelName, KernelName];
}

function planted(spec: Spec, tasks: (stage: Stage) => void): Planted {
  const { title, nrPages, kernels, ...about } = spec;
  return {
    ...about,
    ground: 'rooms',
    make: (broken) => ({
      name: broken ? spec.name : twinOf(spec.name),
      title,
      world: memoryWorld(kernels?.[broken ? 0 : 1]),
      body: async (race, given) =>
        tasks(await setStage(race, given as MemoryWorld, nrPages, broken)),
    }),
  };
}

async function setStage(
  race: Race,
  world: MemoryWorld,
  nrPages: number,
  broken: boolean,
): Promise<Stage> {
  const app = world.process('app');
  const file = world.file(nrPages);
  const device = new Device(world.env, 'dev0');
  const addr = await world.map(race.sched.current!, app, file);
  judgeFile(race, file, device, { freedOnce: true });
  return {
    race,
    world,
    file,
    broken,
    async transfer(task, pgoff, nr) {
      file.users.add(task);
      try {
        using pins = await device.pin(task, app, addr + pgoff * PAGE_SIZE, nr);
        await device.write(device.translate(pins.pfns));
      } catch (e) {
        if (!isErrno(e, 'EFAULT')) throw e; // the file was truncated
      } finally {
        file.users.delete(task);
      }
    },
    munmap: (task) => app.mm.munmap(task, addr, nrPages * PAGE_SIZE),
    async touchPage(task, pgoff) {
      const target = new Uint8Array(1);
      await app.mm.load(task, addr + pgoff * PAGE_SIZE, target).catch(() => {});
    },
  };
}

const scanBeforeUnmap = planted(
  {
    name: 'check-before-lock',
    title: 'truncate looks for busy pages when no new pin can come',
    defect: 'truncate looks for busy pages before it holds the lock and has unmapped them',
    finds: 'invariant',
    preemptions: 1,
    nrPages: 1,
  },
  ({ race, file, broken, transfer }) => {
    race.task('pinner', (task) => transfer(task, 0, 1));
    race.task('truncater', async (task) => {
      if (!broken) return file.truncate(task);
      const { invalidateLock } = file.mapping;
      for (let busy = file.firstBusy(); busy !== undefined; busy = file.firstBusy()) {
        await file.waitIdle(task, busy);
      }
      await invalidateLock.downWrite(task);
      await file.unmap(task);
      file.free();
      invalidateLock.upWrite(task);
    });
  },
);

const notScannedAgain = planted(
  {
    name: 'not-scanned-again',
    title: 'a woken truncate unmaps and scans again before it frees',
    defect: 'a truncate that was woken frees without unmapping and scanning again',
    finds: 'invariant',
    preemptions: 2,
    nrPages: 1,
  },
  ({ race, file, broken, transfer }) => {
    race.task('pinner', async (task) => {
      await transfer(task, 0, 1);
      await transfer(task, 0, 1);
    });
    race.task('truncater', async (task) => {
      if (!broken) return file.truncate(task);
      const { invalidateLock } = file.mapping;
      await invalidateLock.downWrite(task);
      await file.unmap(task);
      const busy = file.firstBusy();
      if (busy !== undefined) {
        invalidateLock.upWrite(task);
        await file.waitIdle(task, busy);
        await invalidateLock.downWrite(task);
      }
      file.free();
      invalidateLock.upWrite(task);
    });
  },
);

const lockKept = planted(
  {
    name: 'lock-kept-while-waiting',
    title: 'a pinner that holds some pages can fault the next while truncate waits',
    defect: 'truncate keeps invalidate_lock while it waits for a pin',
    finds: 'deadlock',
    preemptions: 1,
    nrPages: 2,
  },
  ({ race, file, broken, transfer }) => {
    race.task('pinner', (task) => transfer(task, 0, 2));
    race.task('truncater', async (task) => {
      if (!broken) return file.truncate(task);
      const { invalidateLock } = file.mapping;
      await invalidateLock.downWrite(task);
      for (;;) {
        await file.unmap(task);
        const busy = file.firstBusy();
        if (busy === undefined) break;
        await file.waitIdle(task, busy);
      }
      file.free();
      invalidateLock.upWrite(task);
    });
  },
);

const twoTruncates = planted(
  {
    name: 'two-truncates',
    title: 'two truncates of one page free it once',
    defect: 'a truncate frees the page it waited for without asking whether it is still there',
    finds: 'invariant',
    preemptions: 2,
    nrPages: 1,
  },
  ({ race, file, broken, transfer }) => {
    const truncate = async (task: Task): Promise<void> => {
      if (!broken) return file.truncate(task);
      const { invalidateLock } = file.mapping;
      await invalidateLock.downWrite(task);
      await file.unmap(task);
      const busy = file.firstBusy();
      if (busy === undefined) file.free();
      invalidateLock.upWrite(task);
      if (busy === undefined) return;
      await file.waitIdle(task, busy);
      await invalidateLock.downWrite(task);
      file.mapping.delete(0);
      file.freePage(busy);
      invalidateLock.upWrite(task);
    };
    race.task('pinner', (task) => transfer(task, 0, 1));
    race.task('truncate-1', truncate);
    race.task('truncate-2', truncate);
  },
);

const wakeOne = planted(
  {
    name: 'wake-one-of-two',
    title: 'every truncate that waits for a page is woken when it is idle',
    defect: 'the last unpin wakes one of two truncates, which frees the page and wakes nobody',
    finds: 'deadlock',
    preemptions: 3,
    nrPages: 1,
  },
  ({ race, world, file, broken, transfer }) => {
    if (broken) {
      const { pages } = world.env;
      const queue = pages.idleQueue(pages.regions[1]!.basePfn);
      queue.wakeAll = () => (queue.wakeOne() ? 1 : 0);
    }
    race.task('pinner', (task) => transfer(task, 0, 1));
    race.task('truncate-1', (task) => file.truncate(task));
    race.task('truncate-2', (task) => file.truncate(task));
  },
);

const mappingHole = planted(
  {
    name: 'mapping-hole',
    title: 'truncate waits for a pin whether or not the file is still mapped',
    defect: 'Linux 6.1 skips the scan for busy pages when nobody maps the file',
    finds: 'invariant',
    preemptions: 2,
    nrPages: 1,
    kernels: ['6.1', '7.2'],
  },
  ({ race, world, file, transfer, munmap }) => {
    race.task('pinner', (task) => transfer(task, 0, 1));
    race.task('unmapper', munmap);
    race.task('truncater', async (task) => {
      // fs/dax.c: dax_layout_busy_page_range returns at once unless mapping_mapped().
      const { busyScanNeedsMapping } = world.env.rules;
      await world.sched.at(file.mapping.id, 'read');
      if (!busyScanNeedsMapping || file.mapping.mapped) return file.truncate(task);
      const { invalidateLock } = file.mapping;
      await invalidateLock.downWrite(task);
      file.free();
      invalidateLock.upWrite(task);
    });
  },
);

const lostWakeup = planted(
  {
    name: 'lost-wakeup',
    title: 'a truncate is woken by the last unpin, whoever has faulted the page back in',
    defect:
      'Linux 7.2 wakes the breaker when a page is neither pinned nor mapped, not at the unpin',
    finds: 'deadlock',
    preemptions: 2,
    nrPages: 1,
    kernels: ['7.2', 'proposed'],
  },
  ({ race, file, transfer, touchPage }) => {
    race.task('pinner', (task) => transfer(task, 0, 1));
    race.task('reader', (task) => touchPage(task, 0));
    race.task('truncater', (task) => file.truncate(task));
  },
);

const spinning = planted(
  {
    name: 'busy-wait',
    title: 'a truncate sleeps while a page is busy',
    defect: 'a truncate asks again and again whether the page is idle, and never sleeps',
    finds: 'livelock',
    preemptions: 1,
    nrPages: 1,
  },
  ({ race, world, file, broken, transfer }) => {
    race.task('pinner', (task) => transfer(task, 0, 1));
    race.task('truncater', async (task) => {
      if (!broken) return file.truncate(task);
      const { invalidateLock } = file.mapping;
      await invalidateLock.downWrite(task);
      await file.unmap(task);
      while (file.firstBusy() !== undefined) {
        await world.sched.at(file.mapping.id, 'read');
      }
      file.free();
      invalidateLock.upWrite(task);
    });
  },
);

export const truncateBugs: readonly Planted[] = [
  scanBeforeUnmap,
  notScannedAgain,
  lockKept,
  twoTruncates,
  wakeOne,
  mappingHole,
  lostWakeup,
  spinning,
];
