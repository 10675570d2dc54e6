// A small machine of memory alone: regions over plain shared memory, processes with nothing but an
// mm, and two files as simple as a file can be. For tests of the memory room and of what stands on
// it.

import assert from 'node:assert/strict';
import { kernelRules, type KernelName, type KernelRules } from '../../lib/kernel-rules.js';
import { AddressSpace, type AddressSpaceKind } from '../../lib/mm/address-space.js';
import type { Capability, ProcessLike, UserAccount } from '../../lib/mm/caller.js';
import { type MMEnv, type MMEnvSpec, newMMEnv } from '../../lib/mm/mm-env.js';
import { MM, type MmapRequest, type ProtString } from '../../lib/mm/mm.js';
import type { PinOrigin } from '../../lib/mm/pinned-pages.js';
import type { RegionMemory, RegionPlace } from '../../lib/mm/region.js';
import { installPte, type VMA, type VmFile, VmFault, type VmOperations } from '../../lib/mm/vma.js';
import { Scheduler, type SchedulerOptions, type Task } from '../../lib/sched/index.js';
import { PAGE_SIZE, type Pfn, type Pgoff, pagesFor, posOf } from '../../lib/units.js';
import { watchBalance } from './end-of-file.js';

/** Pages with counters in one buffer, and no device behind them. */
export function memoryRegion(nrPages: number): RegionMemory {
  const nrGroups = Math.ceil(nrPages / 512);
  const countersPos = nrPages * PAGE_SIZE;
  const summaryPos = countersPos + nrPages * 8;
  const buffer = new SharedArrayBuffer(summaryPos + nrGroups * 8);
  return {
    nrPages,
    region: (basePfn): RegionPlace => ({
      buffer,
      basePfn,
      nrPages,
      countersPos,
      summaryPos,
      dataPos: 0,
    }),
  };
}

export interface FixtureOptions extends Partial<Omit<MMEnvSpec, 'ram' | 'pmem'>> {
  readonly kernel?: KernelName;
  readonly rules?: Partial<KernelRules>;
  readonly sched?: SchedulerOptions;
  readonly ramPages?: number;
  readonly pmemPages?: number;
}

export interface MemoryMachine {
  readonly sched: Scheduler;
  readonly env: MMEnv;
  readonly mms: MM[];
  /** Run fn on a task and wait for it, whatever the mode. */
  run<T>(fn: (task: Task) => Promise<T>): Promise<T>;
}

export function memoryMachine(opts: FixtureOptions = {}): MemoryMachine {
  const { kernel = '6.1', rules, ramPages = 128, pmemPages = 128, sched: mode } = opts;
  const sched = new Scheduler(mode ?? { mode: 'live' });
  const env = newMMEnv(
    sched,
    { ...kernelRules[kernel], ...rules },
    {
      ram: memoryRegion(ramPages),
      pmem: memoryRegion(pmemPages),
      nrMovable: opts.nrMovable,
      admitPin: opts.admitPin,
      longtermFsdax: opts.longtermFsdax,
    },
  );
  watchBalance(env);
  const run = <T>(fn: (task: Task) => Promise<T>): Promise<T> =>
    sched.on ? sched.run('test', fn) : sched.enter('test', fn);
  return { sched, env, mms: [], run };
}

export interface ProcessOptions {
  readonly memlock?: number;
  readonly caps?: readonly Capability[];
  readonly user?: UserAccount;
}

let nextPid = 100;

/** A process of which only the mm is real. */
export function newProcess(m: MemoryMachine, name: string, opts: ProcessOptions = {}): ProcessLike {
  const mm = new MM(m.env, name);
  m.mms.push(mm);
  const process: ProcessLike = {
    pid: nextPid++,
    name,
    cred: { uid: 1000, gid: 1000, caps: new Set(opts.caps) },
    mm,
    exiting: false,
    fatalSignalPending: false,
    user: opts.user ?? { uid: 1000, lockedVm: 0 },
    rlimit: (limit) => (limit === 'memlock' ? (opts.memlock ?? Infinity) : Infinity),
    sendSignal: () => {},
  };
  mm.process = process;
  return process;
}

export const originOf = (process: ProcessLike, device = 'dev0', dataFile = ''): PinOrigin => ({
  process,
  device,
  deviceFile: `/dev/${device}`,
  dataFile,
});

let nextIno = 1;

/**
 * A file: fsdax over pages of pmem from firstPage on, or a page cache in RAM. Faults take
 * invalidate_lock for reading. A hole reads as the zero page, and gets a page at the first store.
 */
export class TestFile implements VmFile {
  readonly mapping: AddressSpace;
  readonly label: string;
  readonly writable: boolean;
  readonly env: MMEnv;
  readonly holes = new Set<Pgoff>();
  readonly #firstPfn: Pfn;
  len: number;
  /** Open mappings. */
  refs = 0;
  nrFaults = 0;

  constructor(
    m: MemoryMachine,
    kind: AddressSpaceKind,
    len: number,
    opts: { writable?: boolean; firstPage?: number; dirtyTracked?: boolean } = {},
  ) {
    const ino = nextIno++;
    this.env = m.env;
    this.len = len;
    this.label = `/${kind}-${ino}`;
    this.writable = opts.writable ?? true;
    const pmem = m.env.pages.regions[1]!;
    this.#firstPfn = pmem.basePfn + (opts.firstPage ?? 0);
    this.mapping = new AddressSpace(m.env, {
      ino,
      generation: 1,
      mount: 1,
      kind,
      label: this.label,
      dirtyTracked: opts.dirtyTracked ?? kind === 'pagecache',
      size: () => this.len,
    });
  }

  getFile(): void {
    this.refs++;
  }

  putFile(): void {
    assert(this.refs-- > 0, `${this.label}: put without get`);
  }

  /** The page that holds pgoff, brought in. */
  page(pgoff: Pgoff): Pfn {
    const found = this.mapping.lookup(pgoff);
    if (found !== undefined) return found;
    const dax = this.mapping.host.kind === 'fsdax' || this.mapping.host.kind === 'devdax';
    const pfn = dax ? this.#firstPfn + pgoff : this.env.allocator.allocPage({ movable: true });
    this.mapping.insert(pgoff, pfn);
    return pfn;
  }

  readonly ops: VmOperations = {
    fault: async (task, vma, pgoff, access) => {
      const { invalidateLock } = this.mapping;
      await invalidateLock.downRead(task);
      try {
        this.nrFaults++;
        if (pgoff >= pagesFor(this.len)) throw new VmFault('BUS_ADRERR', 0);
        const index = pgoff - vma.pgoff;
        if (this.holes.has(pgoff)) {
          if (access === 'read') {
            return installPte(vma, index, this.env.pages.zeroPfn, { write: false });
          }
          this.holes.delete(pgoff);
          this.env.pages.fillPage(this.page(pgoff), 0);
        }
        const write = access === 'write';
        return installPte(vma, index, this.page(pgoff), { write, dirty: write });
      } finally {
        invalidateLock.upRead(task);
      }
    },
  };

  /** Cut at pgoff pages without asking anybody: unmap, drop entries, let go of RAM pages. */
  async cut(task: Task, nrPages: number): Promise<void> {
    this.len = posOf(nrPages);
    await this.mapping.invalidateLock.downWrite(task);
    try {
      await this.mapping.unmapMappingRange(task, nrPages, Infinity, { evenCows: true });
      this.drop(nrPages);
    } finally {
      this.mapping.invalidateLock.upWrite(task);
    }
  }

  /** Take pages from nrPages on out of the mapping. */
  drop(nrPages: number): void {
    for (const [pgoff] of [...this.mapping.entries(nrPages)]) {
      const pfn = this.mapping.delete(pgoff)!;
      if (this.env.pages.region(pfn).kind === 'ram') this.env.allocator.freePage(pfn);
    }
  }

  /**
   * ftruncate of a DAX file as ext4 does it (facts 3.1): unmap all, find a busy page, wait for it
   * with invalidate_lock dropped, again; then drop. Calls waiting() before each sleep.
   */
  async truncate(task: Task, nrPages: number, waiting: () => void = () => {}): Promise<void> {
    const { invalidateLock } = this.mapping;
    const { pages } = this.env;
    await invalidateLock.downWrite(task);
    try {
      for (;;) {
        await this.mapping.unmapMappingRange(task, 0, Infinity);
        const busy = this.mapping.firstBusy();
        if (busy === undefined) break;
        invalidateLock.upWrite(task);
        waiting();
        try {
          const idle = (): boolean => pages.isIdle(busy);
          await pages.idleQueue(busy).waitEvent(task, idle, { why: `pfn ${busy} idle` });
        } finally {
          await invalidateLock.downWrite(task);
        }
      }
      this.len = posOf(nrPages);
      this.drop(nrPages);
    } finally {
      invalidateLock.upWrite(task);
    }
  }
}

/** Map a file, or anonymous memory without one; its address. */
export function mapFile(
  task: Task,
  mm: MM,
  file: TestFile | null,
  nrPages: number,
  opts: { prot?: ProtString; share?: MmapRequest['share']; pgoff?: Pgoff } = {},
): Promise<number> {
  return mm.mmap(task, {
    len: posOf(nrPages),
    prot: opts.prot ?? 'rw',
    share: opts.share ?? 'shared',
    pgoff: opts.pgoff,
    ...(file !== null && { file, ops: file.ops }),
  });
}

/** Bytes of value at every place. */
export const bytes = (len: number, value: number): Uint8Array => new Uint8Array(len).fill(value);

/** What a program reads there. */
export async function loaded(task: Task, mm: MM, addr: number, len: number): Promise<Uint8Array> {
  const target = new Uint8Array(len);
  await mm.load(task, addr, target);
  return target;
}

/** The VMA at addr, which must be there. */
export function vmaOf(mm: MM, addr: number): VMA {
  const vma = mm.vmaAt(addr);
  assert(vma !== undefined, `nothing mapped at ${addr}`);
  return vma;
}
