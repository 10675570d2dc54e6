// Memory that failed: a page whose bytes are lost (mm/memory-failure.c). Of a file on DAX the page
// stays where it is in the file; nobody may look at it again until its block left the file.
//
//   sound --memoryFailure--> poisoned, out of all page tables --its block is freed--> sound
//
//   access to a poisoned page   answer
//   load, store, pin            SIGBUS, BUS_MCEERR_AR with the address
//   read, write                 EIO

import { Errno } from '../errno.js';
import type { Task } from '../sched/index.js';
import type { Pfn } from '../units.js';
import type { MMEnv } from './mm-env.js';
import { pageFlags } from './page-flags.js';

/**
 * The memory of a page failed (mm/memory-failure.c:mf_generic_kill_procs). EOPNOTSUPP: the page is
 * of no file on DAX.
 */
export async function memoryFailure(task: Task, { pages }: MMEnv, pfn: Pfn): Promise<void> {
  const mapping = pages.mappingOf(pfn);
  const pgoff = pages.ownerPgoff(pfn);
  if (mapping?.host.kind !== 'fsdax' || pgoff === undefined) {
    throw new Errno('EOPNOTSUPP', `memory failure: page ${pfn} is of no file on DAX`);
  }
  pages.setFlags(pfn, pageFlags.poisoned);
  await mapping.unmapMappingRange(task, pgoff, pgoff + 1);
}

/** Whether any page of a run failed. */
export function anyPoisoned({ pages }: MMEnv, pfn: Pfn, nrPages: number): boolean {
  return pages.anyFlags(pfn, nrPages, pageFlags.poisoned);
}
