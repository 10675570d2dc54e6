// Memory pressure: what happens when RAM runs short.
//
//   who                                        is asked by               may wait
//   makeRoom   direct reclaim                  faults, reads, writes     yes: writes dirty pages
//   dropNow    clean pages nobody looks at     an allocation that would  no
//                                              fail otherwise
//
// Below the low mark of free pages whoever is about to allocate calls makeRoom() first, with no
// lock of a file held but i_rwsem (mm/page_alloc.c:__alloc_pages_direct_reclaim). Pinned pages
// stay (reclaim.ts), so that enough pins end in ENOMEM.

import type { Task } from '../sched/index.js';
import type { Pfn } from '../units.js';
import type { MMEnv } from './mm-env.js';
import { dropNow, type ReclaimHooks, type ReclaimResult, shrinkInactive } from './reclaim.js';

/** SWAP_CLUSTER_MAX: pages looked at in the first round; each round looks at twice as many. */
const BATCH = 32;
/** Rounds before a direct reclaim gives up (DEF_PRIORITY has 12). */
const ROUNDS = 6;

export class Pressure {
  readonly #env: MMEnv;
  readonly #hooks: ReclaimHooks;

  /** From now on allocations that would fail reclaim; put it into env for those who can wait. */
  constructor(env: MMEnv, hooks: ReclaimHooks) {
    this.#env = env;
    this.#hooks = hooks;
    const { allocator } = env;
    allocator.onPressure = (zone) => {
      // GFP_HIGHUSER_MOVABLE may come from either zone, all else from ZONE_NORMAL alone.
      const wanted = (pfn: Pfn): boolean => zone === 'movable' || allocator.zoneOf(pfn) === zone;
      if (dropNow(env, BATCH, wanted) > 0) return true;
      env.pages.lru.shrinkActive(env.pages.lru.nrActive);
      // The first round may do no more than take the referenced bits away.
      return dropNow(env, BATCH, wanted) > 0 || dropNow(env, BATCH, wanted) > 0;
    };
  }

  /** Look at up to nr pages now, whatever is free. */
  reclaim(task: Task, nr: number): Promise<ReclaimResult> {
    return shrinkInactive(task, this.#env, nr, this.#hooks);
  }

  /** Reclaim until the low mark is reached, or nothing more comes. Never throws for that. */
  async makeRoom(task: Task): Promise<void> {
    const { allocator, pages } = this.#env;
    for (let round = 0; round < ROUNDS && allocator.isLow; round++) {
      const nr = BATCH * 2 ** round;
      const { scanned } = await this.reclaim(task, nr);
      if (scanned === 0 && pages.lru.nrActive === 0) return;
    }
  }
}
