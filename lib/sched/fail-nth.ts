// /proc/<pid>/fail-nth: the n-th allocation that a kernel makes for a process fails, once.
//
//   0: off --write n--> n --allocation--> n-1 ... --allocation--> 0, and this one has no memory
//
// The kernel's own objects lie outside the RAM that a machine counts, so that only an injected
// fault makes one fail, as in a Linux with CONFIG_FAILSLAB (lib/fault-inject.c:should_fail_ex;
// Documentation/fault-injection). Unlike there, threads share the count of their process,
// allocations that may wait fail too without failslab/ignore-gfp-wait being set to N, and neither
// pages nor user copies are counted.
//
// Which calls ask, with what Linux allocates in that order:
//
//   F_SETLEASE of a type   the lease, its fasync entry, f_owner (6.12+), the inode's lock context
//   open                   the path, the open file
//   mmap                   the VMA
//   reg_mr                 the uobject, the region, the umem, its page list, a table a chunk; on
//                          demand: the umem, its page and its DMA list
//   advise_mr              the list of ranges, without 'flush' the work

import { checkWhole } from '../arguments.js';
import { Errno } from '../errno.js';
import type { Task } from './task.js';

/** What is left to count of one process; its threads share it. */
export class FailNth {
  #nth = 0;

  /** How far off the failure is; 0: none is asked for, or it has happened. */
  get nth(): number {
    return this.#nth;
  }

  /** EINVAL: no unsigned int (fs/proc/base.c:proc_fail_nth_write). */
  set nth(n: number) {
    checkWhole('fail-nth', 'nth', n, 0, 0xffffffff);
    this.#nth = n;
  }

  /** One allocation more. Whether it is the one to fail. */
  count(): boolean {
    return this.#nth > 0 && --this.#nth === 0;
  }
}

/** The kernel allocates an object for a task: stands before anything is changed. ENOMEM. */
export function slabAlloc(task: Task, what: string): void {
  if (task.faults?.count() === true) throw new Errno('ENOMEM', `no memory for ${what}`);
}
