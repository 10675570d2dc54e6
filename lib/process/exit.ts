// do_exit: what becomes of the memory and the files of a process, in the order of Linux.
//
//   exit_mm         notifiers of the whole mm released first, then everything unmapped; the
//                   files of mappings are put, which only queues their release
//   exit_files      descriptors in ascending order: flush now, put (the release is queued)
//   exit_task_work  the queue, last added first: the highest descriptor's file is released
//                   first, files that were only mapped come last
//
// (linux kernel/exit.c:do_exit, fs/file.c:close_files, kernel/task_work.c.) So with the data file
// under a lower descriptor than the device, the device lets go of its pins before the lease
// ends; the other way round the lease ends while the device still does DMA.
//
// It runs in a task of its own that no signal reaches, once no call of the process is under way.
// No step keeps a later one from running: the first failure is thrown at the end.

import { isErrno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import type { Task } from '../sched/index.js';
import { claimTaskWork, closeTaskWork, runTaskWork } from '../sched/task-work.js';
import type { FdTable } from './fd-table.js';
import type { File } from './file.js';

/** What exit gives up. */
export interface ExitingProcess {
  readonly mm: { exitMmap(task: Task): Promise<void> };
  readonly fds: FdTable;
}

/** close(2) and exit: ->flush() runs at each close, and its refusal changes nothing. */
export async function flushFile(caller: Caller, file: File): Promise<unknown> {
  try {
    await file.flush?.(caller);
    return null;
  } catch (e) {
    if (!isErrno(e)) throw e;
    return e;
  }
}

async function closeFile(caller: Caller, file: File): Promise<void> {
  try {
    await flushFile(caller, file);
  } finally {
    await file.putFile(caller.task);
  }
}

/** Give up everything that process holds. caller.task must hold no lock. */
export async function doExit(caller: Caller, process: ExitingProcess): Promise<void> {
  const { task } = caller;
  const { mm, fds } = process;
  const failures: unknown[] = [];
  const step = async (fn: () => Promise<void>): Promise<void> => {
    try {
      await fn();
    } catch (e) {
      failures.push(e);
    }
  };
  claimTaskWork(task);
  await step(() => mm.exitMmap(task));
  for (const [fd] of fds.entries()) await step(() => closeFile(caller, fds.take(fd)));
  await step(() => runTaskWork(task));
  closeTaskWork(task);
  if (failures.length > 0) throw failures[0];
}
