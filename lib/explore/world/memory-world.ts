// The memory room as a world for scenarios: RAM and pmem of a few pages, processes that are an mm
// and nothing else, and DAX files as simple as a file can be.
//
// The pages and their counters are the same shared memory in every run; only the counters are put
// back. Everything else is made anew, which is what makes a run cheap.

import { kernelRules, type KernelName } from '../../kernel-rules.js';
import type { ProcessLike } from '../../mm/caller.js';
import { type MMEnv, newMMEnv } from '../../mm/mm-env.js';
import { MM } from '../../mm/mm.js';
import type { RegionMemory, RegionPlace } from '../../mm/region.js';
import { Scheduler, type SimulatedOptions, type Task } from '../../sched/index.js';
import { PAGE_SIZE } from '../../units.js';
import type { Ground, WorldMaker } from '../scenario.js';
import { DaxFile } from './dax-file.js';

const RAM_PAGES = 16;
const PMEM_PAGES = 16;
/** Bytes of a page's counter word, and of a summary word. */
const WORD = 8;

/** Pages with their counters in one buffer, to be used again and again. */
class Memory implements RegionMemory {
  readonly nrPages: number;
  readonly #buffer: SharedArrayBuffer;
  readonly #countersPos: number;

  constructor(nrPages: number) {
    this.nrPages = nrPages;
    this.#countersPos = nrPages * PAGE_SIZE;
    this.#buffer = new SharedArrayBuffer(this.#countersPos + (nrPages + 1) * WORD);
  }

  region(basePfn: number): RegionPlace {
    const { nrPages } = this;
    const countersPos = this.#countersPos;
    const summaryPos = countersPos + nrPages * WORD;
    return { buffer: this.#buffer, basePfn, nrPages, countersPos, summaryPos, dataPos: 0 };
  }

  reset(): void {
    new Uint8Array(this.#buffer, this.#countersPos).fill(0);
  }
}

export class MemoryWorld {
  readonly sched: Scheduler;
  readonly env: MMEnv;
  readonly kernel: KernelName;
  #nextPid = 100;
  #nextIno = 1;
  #nextPage = 0;

  constructor(sched: Scheduler, env: MMEnv, kernel: KernelName) {
    this.sched = sched;
    this.env = env;
    this.kernel = kernel;
  }

  process(name: string): ProcessLike {
    const mm = new MM(this.env, name);
    const user = { uid: 1000, lockedVm: 0 };
    const process: ProcessLike = {
      pid: this.#nextPid++,
      name,
      cred: { uid: 1000, gid: 1000, caps: new Set(['CAP_LEASE']) },
      mm,
      exiting: false,
      fatalSignalPending: false,
      user,
      rlimit: () => Infinity,
      sendSignal: () => {},
    };
    mm.process = process;
    return process;
  }

  /** A DAX file of so many pages, all allocated. */
  file(nrPages: number): DaxFile {
    const pmem = this.env.pages.regions[1]!;
    const firstPfn = pmem.basePfn + this.#nextPage;
    this.#nextPage += nrPages;
    return new DaxFile(this.env, this.#nextIno++, firstPfn, nrPages);
  }

  /** Map the whole file, shared, and touch it so that its pages are there. */
  async map(task: Task, process: ProcessLike, file: DaxFile): Promise<number> {
    const request = {
      len: file.nrPages * PAGE_SIZE,
      prot: 'rw',
      share: 'shared',
      file,
      ops: file.ops,
    } as const;
    const addr = await process.mm.mmap(task, request);
    for (let i = 0; i < file.nrPages; i++) {
      await process.mm.store(task, addr + i * PAGE_SIZE, new Uint8Array(1));
    }
    return addr;
  }
}

/** Memory worlds of one kernel. */
export function memoryWorld(kernel: KernelName = 'proposed'): WorldMaker<MemoryWorld> {
  const ram = new Memory(RAM_PAGES);
  const pmem = new Memory(PMEM_PAGES);
  return {
    make(options: SimulatedOptions): Ground<MemoryWorld> {
      ram.reset();
      pmem.reset();
      const sched = new Scheduler(options);
      const env = newMMEnv(sched, kernelRules[kernel], { ram, pmem });
      return { sched, world: new MemoryWorld(sched, env, kernel), end: () => {} };
    },
  };
}
