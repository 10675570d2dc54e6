// The machine of the compliance suite: memory and one application, nothing else.

import { newMMEnv, type MMEnv } from '../mm/mm-env.js';
import type { KernelRules } from '../kernel-rules.js';
import type { Caller, ProcessLike } from '../mm/caller.js';
import { MM } from '../mm/mm.js';
import type { RegionMemory } from '../mm/region.js';
import type { Scheduler, Task } from '../sched/index.js';
import { PAGE_SIZE, posOf } from '../units.js';

const NR_PAGES = 4096;

/** RAM without a file behind it, with a counter word per page and one per 512. */
function plainMemory(): RegionMemory {
  const countersPos = NR_PAGES * PAGE_SIZE;
  const summaryPos = countersPos + NR_PAGES * 8;
  const buffer = new SharedArrayBuffer(summaryPos + Math.ceil(NR_PAGES / 512) * 8);
  const where = { buffer, nrPages: NR_PAGES, countersPos, summaryPos, dataPos: 0 };
  return { nrPages: NR_PAGES, region: (basePfn) => ({ ...where, basePfn }) };
}

export interface ComplianceMemory {
  readonly env: MMEnv;
  /** Whatever is still held, each in words; empty when all came back. */
  leftovers(): string[];
}

export function complianceMemory(sched: Scheduler, rules: KernelRules): ComplianceMemory {
  const env = newMMEnv(sched, rules, { ram: plainMemory() });
  const nrFreeAtBoot = env.allocator.nrFree;
  const leftovers = (): string[] => {
    const found: string[] = [];
    if (env.pinTable.size > 0) found.push(`${env.pinTable.size} pins`);
    if (env.vmstat.pinsOutstanding !== 0) found.push(`${env.vmstat.pinsOutstanding} pinned pages`);
    const inUse = nrFreeAtBoot - env.allocator.nrFree;
    if (inUse !== 0) found.push(`${inUse} pages`);
    return found;
  };
  return { env, leftovers };
}

export interface ComplianceApp {
  readonly caller: Caller;
  map(nrPages: number): Promise<number>;
  /** The mm ends; what it pinned through a device stays. */
  exit(): Promise<void>;
}

/** An application of the super-user, whose thread is task. */
export function complianceCaller(machine: { readonly env: MMEnv }, task: Task): ComplianceApp {
  const mm = new MM(machine.env, 'compliance');
  const process: ProcessLike = {
    pid: 1,
    name: 'compliance',
    cred: { uid: 0, gid: 0, caps: new Set(['CAP_IPC_LOCK']) },
    mm,
    exiting: false,
    fatalSignalPending: false,
    user: { uid: 0, lockedVm: 0 },
    rlimit: () => Infinity,
    sendSignal: () => {},
  };
  mm.process = process;
  return {
    caller: { task, process },
    map: (nrPages) => mm.mmap(task, { len: posOf(nrPages), prot: 'rw', share: 'private' }),
    exit: () => mm.exitMmap(task),
  };
}
