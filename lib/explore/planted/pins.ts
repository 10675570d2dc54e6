// Planted bugs of whoever pins: the re-read left out, one unpin too many, pins forgotten at a kill,
// a waiter that is not woken, two that unpin.

import assert from 'node:assert/strict';
import { Errno, isErrno } from '../../errno.js';
import type { ProcessLike } from '../../mm/caller.js';
import { pfnOfPte } from '../../mm/pte.js';
import type { Task } from '../../sched/index.js';
import { PAGE_SIZE, type Pfn } from '../../units.js';
import { Device } from '../world/device.js';
import { judgeFile } from '../world/file-judge.js';
import { memoryWorld, type MemoryWorld } from '../world/memory-world.js';
import type { Race } from '../scenario.js';
import { type Planted, twinOf } from './planted.js';

type Body = (race: Race, world: MemoryWorld, broken: boolean) => Promise<void>;

function planted(spec: Omit<Planted, 'make' | 'ground'>, title: string, body: Body): Planted {
  return {
    ...spec,
    ground: 'rooms',
    make: (broken) => ({
      name: broken ? spec.name : twinOf(spec.name),
      title,
      world: memoryWorld(),
      body: (race, world) => body(race, world as MemoryWorld, broken),
    }),
  };
}

/** A file of so many pages, mapped by one process, with what must hold of it. */
async function mapped(race: Race, world: MemoryWorld, nrPages: number) {
  const app = world.process('app');
  const file = world.file(nrPages);
  const device = new Device(world.env, 'dev0');
  const task = race.sched.current!;
  const addr = await world.map(task, app, file);
  judgeFile(race, file, device);
  return { app, file, device, addr };
}

/** What a device does in one call: pin, transfer, unpin. EFAULT: the file was truncated. */
async function transfer(
  task: Task,
  device: Device,
  app: ProcessLike,
  addr: number,
  nrPages: number,
): Promise<void> {
  try {
    using pins = await device.pin(task, app, addr, nrPages);
    await device.write(device.translate(pins.pfns));
  } catch (e) {
    if (!isErrno(e, 'EFAULT')) throw e;
  }
}

/** gup_fast_pte_range: read, raise, and read again unless that is left out. */
async function fastPin(world: MemoryWorld, app: ProcessLike, addr: number, recheck: boolean) {
  const { sched, pages } = world.env;
  const vma = app.mm.vmaAt(addr)!;
  const index = vma.indexOf(addr);
  await sched.at(vma.id, 'read');
  const seen = vma.pte(index);
  if (seen === 0) throw new Errno('EFAULT', 'not mapped');
  const pfn = pfnOfPte(seen);
  const list = Uint32Array.of(pfn);
  await sched.at(pages.objectOf(pfn), 'write');
  pages.pinPages(list, 0, 1);
  if (!recheck) return pfn;
  await sched.at(vma.id, 'read');
  if (vma.pte(index) === seen) return pfn;
  pages.unpinPages(list, 0, 1);
  throw new Errno('EFAULT', 'the entry changed');
}

const missingRecheck = planted(
  {
    name: 'missing-recheck',
    defect: 'the lockless pin does not read the entry again after it raised the count',
    finds: 'invariant',
    preemptions: 1,
  },
  'a page pinned without a lock is still the page of the file',
  async (race, world, broken) => {
    const { app, file, device, addr } = await mapped(race, world, 1);
    const { pages } = world.env;
    race.task('pinner', async () => {
      let pfn: Pfn;
      try {
        pfn = await fastPin(world, app, addr, !broken);
      } catch (e) {
        if (isErrno(e, 'EFAULT')) return;
        throw e;
      }
      // Whose page it is was known when the entry was read.
      const owner = { mount: 1, ino: 1, generation: 1, pgoff: 0 };
      await device.write({ pfns: [pfn], owners: [owner] });
      pages.unpinPages(Uint32Array.of(pfn), 0, 1);
    });
    race.task('truncater', (task) => file.truncate(task));
  },
);

const unpinTooMany = planted(
  {
    name: 'unpin-too-many',
    defect: 'an error path gives back one pin more than it took, which is somebody else\u2019s',
    finds: 'invariant',
    preemptions: 2,
  },
  'a failed pin leaves the pins of others alone',
  async (race, world, broken) => {
    const { app, file, device, addr } = await mapped(race, world, 1);
    const { pages, sched } = world.env;
    race.task('holder', (task) => transfer(task, device, app, addr, 1));
    race.task('failing', async () => {
      const pfn = pages.regions[1]!.basePfn;
      const list = Uint32Array.of(pfn);
      await sched.at(pages.objectOf(pfn), 'write');
      if (pages.pins(pfn) === 0) return; // nobody to rob
      pages.pinPages(list, 0, 1);
      await sched.at(pages.objectOf(pfn), 'write');
      pages.unpinPages(list, 0, 1);
      if (broken && pages.pins(pfn) > 0) pages.unpinPages(list, 0, 1);
    });
    race.task('truncater', (task) => file.truncate(task));
  },
);

const waiterNotWoken = planted(
  {
    name: 'waiter-not-woken',
    defect: 'the last unpin lowers the counter and tells nobody',
    finds: 'deadlock',
    preemptions: 1,
  },
  'a truncate that waits for a pin ends after the unpin',
  async (race, world, broken) => {
    const { app, file, device, addr } = await mapped(race, world, 1);
    const { pages } = world.env;
    race.task('pinner', async (task) => {
      const pfn = await fastPin(world, app, addr, true).catch(() => undefined);
      if (pfn === undefined) return;
      const list = Uint32Array.of(pfn);
      await device.write(device.translate(list));
      race.sched.assertTurn(task, 'unpin');
      if (!broken) pages.unpinPages(list, 0, 1);
      else pages.native.unpinList(list, 0, 1);
    });
    race.task('truncater', (task) => file.truncate(task));
  },
);

const killedPinner = planted(
  {
    name: 'killed-pinner',
    defect: 'a task killed while its hardware works leaves without unpinning',
    finds: 'deadlock',
    preemptions: 1,
  },
  'whoever is killed while it waits gives back its pins',
  async (race, world, broken) => {
    const { app, file, device, addr } = await mapped(race, world, 1);
    const { env } = world;
    const work = async (task: Task): Promise<void> => {
      const pins = await device.pin(task, app, addr, 1).catch(() => undefined);
      if (pins === undefined) return;
      try {
        for (let i = 0; i < 2; i++) {
          await device.write(device.translate(pins.pfns));
          if (task.interruptedIn('killable')) throw new Errno('EINTR', 'killed');
        }
        pins.unpin();
      } finally {
        if (!broken && pins.state !== 'GONE') pins.unpin();
      }
    };
    let victim: Task | null = null;
    race.task('pinner', async (task) => {
      victim = task;
      await work(task).catch((e: unknown) => assert(isErrno(e, 'EINTR')));
    });
    race.task('killer', async () => {
      await env.sched.at(env.pages.objectOf(file.env.pages.regions[1]!.basePfn), 'write');
      victim?.interrupt('kill');
    });
    race.task('truncater', (task) => file.truncate(task));
  },
);

const twoUnpin = planted(
  {
    name: 'dereg-and-revoke',
    defect: 'deregistration during a revocation does not join it: both unpin',
    finds: 'error',
    preemptions: 2,
  },
  'a region revoked and deregistered at once is unpinned once',
  async (race, world, broken) => {
    const { app, file, device, addr } = await mapped(race, world, 1);
    const { sched } = world.env;
    const fence = race.object('fence of the region');
    const key = race.object('key of the region');
    const release = async (pins: { state: string; unpin(): void }): Promise<void> => {
      await sched.at(key, 'write');
      const mine = pins.state !== 'GONE';
      await sched.at(fence, 'write');
      if (broken ? mine : pins.state !== 'GONE') pins.unpin();
    };
    const task = race.sched.current!;
    const pins = await device.pin(task, app, addr, 1, (held) => release(held));
    race.task('dereg', () => release(pins));
    race.task('revoker', async () => release(pins));
    race.task('truncater', (t) => file.truncate(t));
  },
);

const shortCount = planted(
  {
    name: 'short-count-leak',
    defect: 'a pin of two pages that gets only the first one fails without giving it back',
    finds: 'leak',
    preemptions: 1,
  },
  'a pin takes all of its pages or none',
  async (race, world, broken) => {
    const { app, file, addr } = await mapped(race, world, 2);
    const { pages } = world.env;
    race.task('pinner', async () => {
      const got: Pfn[] = [];
      try {
        for (let i = 0; i < 2; i++) got.push(await fastPin(world, app, addr + i * PAGE_SIZE, true));
      } catch (e) {
        if (!isErrno(e, 'EFAULT')) throw e;
        if (broken) return;
      }
      pages.unpinPages(Uint32Array.from(got), 0, got.length);
    });
    race.task('unmapper', (task) => file.unmap(task));
    race.finish('nobody holds a page', () => {
      const { basePfn, nrPages } = pages.regions[1]!;
      assert.equal(pages.native.firstBusy(basePfn, nrPages), -1);
    });
  },
);

export const pinBugs: readonly Planted[] = [
  missingRecheck,
  unpinTooMany,
  waiterNotWoken,
  killedPinner,
  twoUnpin,
  shortCount,
];
