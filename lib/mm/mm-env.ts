// MMEnv: what the memory of one machine is made of, handed to everything in this room.

import type { KernelRules } from '../kernel-rules.js';
import type { Scheduler, Task } from '../sched/index.js';
import type { Pgoff } from '../units.js';
import type { AddressSpace } from './address-space.js';
import type { ProcessLike } from './caller.js';
import { PageAllocator } from './page-allocator.js';
import { PageSpace } from './page.js';
import { PinTable } from './pin-table.js';
import type { Pressure } from './pressure.js';
import type { RegionMemory } from './region.js';
import type { VMA } from './vma.js';
import type { Vmstat } from './vmstat.js';

/** Somebody is about to pin pages of a file. */
export interface PinIntent {
  readonly mapping: AddressSpace;
  readonly vma: VMA;
  readonly pgoff: Pgoff;
  readonly nrPages: number;
  readonly write: boolean;
  readonly longterm: boolean;
  /** Long-term, and nobody can take it back. */
  readonly irrevocable: boolean;
  readonly process: ProcessLike | null;
}

export interface MMEnv {
  readonly sched: Scheduler;
  readonly pages: PageSpace;
  readonly allocator: PageAllocator;
  readonly rules: KernelRules;
  readonly pinTable: PinTable;
  readonly vmstat: Vmstat;
  /** Who makes room when memory runs short; none while nothing can be reclaimed. */
  pressure?: Pressure | undefined;
  /** Asked once per file VMA of a pin or get, after check 1 of facts 2.2. Throws: refused. */
  admitPin?: ((intent: PinIntent) => void) | undefined;
  /** What a policy says instead of kernelRules.longtermFsdax; undefined: it says nothing. */
  longtermFsdax?: ((mapping: AddressSpace) => KernelRules['longtermFsdax'] | undefined) | undefined;
}

export interface MMEnvSpec {
  readonly ram: RegionMemory;
  readonly pmem?: RegionMemory | undefined;
  /** Pages of RAM in ZONE_MOVABLE; none if not given. */
  readonly nrMovable?: number | undefined;
  readonly admitPin?: MMEnv['admitPin'];
  readonly longtermFsdax?: MMEnv['longtermFsdax'];
}

/** For whoever is about to allocate and may wait: reclaim first if memory is low. */
export async function haveRoom(task: Task, env: MMEnv): Promise<void> {
  if (env.allocator.isLow) await env.pressure?.makeRoom(task);
}

/** The memory of a machine: RAM is numbered first, then pmem. */
export function newMMEnv(sched: Scheduler, rules: KernelRules, spec: MMEnvSpec): MMEnv {
  const pages = new PageSpace(sched, rules);
  const ram = pages.addRegion(spec.ram, 'ram');
  if (spec.pmem !== undefined) pages.addRegion(spec.pmem, 'pmem');
  const allocator = new PageAllocator(pages, ram, spec.nrMovable ?? 0);
  return {
    sched,
    rules,
    pages,
    allocator,
    pinTable: new PinTable(),
    vmstat: pages.vmstat,
    admitPin: spec.admitPin,
    longtermFsdax: spec.longtermFsdax,
  };
}
