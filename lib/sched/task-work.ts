// task_work: what a task still owes when it leaves the kernel, the last added first.
//
//   syscall entry: claimTaskWork -> addTaskWork ... -> syscall exit: runTaskWork -> closeTaskWork
//
// The last fput() of an open file queues its __fput() here, so that release operations run with
// no lock held and, at exit, from the highest descriptor down (linux kernel/task_work.c:
// task_work_run, fs/file_table.c:fput). A task that nobody claimed is a kernel thread, and one
// that has closed its list is past exit_task_work: their work goes to a task of its own, as
// delayed_fput does.

import assert from 'node:assert/strict';
import type { Task } from './task.js';

/** May wait on the task it is given, and must not fail for a reason of the caller. */
export type TaskWork = (task: Task) => Promise<void> | void;

/** Whoever runs task promises to call runTaskWork() before it ends. */
export function claimTaskWork(task: Task): void {
  if (task.work !== null) assert.fail(`task ${task.name} already has a work list`);
  task.work = [];
}

/** Run work when task leaves the kernel, or soon in a task named name if task never will. */
export function addTaskWork(task: Task, name: string, work: TaskWork): void {
  if (task.work !== null) task.work.push(work);
  else void task.sched.spawn(name, async (own) => work(own));
}

/** What task has queued and not run yet. */
export function pendingTaskWork(task: Task): number {
  return task.work?.length ?? 0;
}

/**
 * Run all of it, last added first; what is added meanwhile comes after. Work that fails does not
 * keep the rest from running: the first failure is thrown when all has run.
 */
export async function runTaskWork(task: Task): Promise<void> {
  const { work: list } = task;
  if (list === null) assert.fail(`task ${task.name} has no work list`);
  const failures: unknown[] = [];
  while (list.length > 0) {
    for (const work of list.splice(0).reverse()) {
      try {
        await work(task);
      } catch (e) {
        failures.push(e);
      }
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** From here on work is for others to run; there must be a list, and nothing on it. */
export function closeTaskWork(task: Task): void {
  if (task.work === null) assert.fail(`task ${task.name} has no work list`);
  if (task.work.length > 0) assert.fail(`task ${task.name} leaves with work undone`);
  task.work = null;
}
