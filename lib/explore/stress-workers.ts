// Starts the threads of a stress test, in this process or in children that map the same files.
//
//   STARTED --> each thread parks, and races when told --> ended
//
// A thread that dies, or a child, is a failure of the test itself: `ended` rejects.

import { fork } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { SharedParts } from './stress-memory.js';

/** What every thread is told. */
export interface ThreadOrder {
  readonly name: string;
  /** Of the module that exports the scenario; null: shipped. */
  readonly url: string | null;
  readonly seed: number;
  /** In one process. */
  readonly threads: number;
}

/** What a child process is told. */
export interface ProcessOrder extends ThreadOrder {
  readonly folder: string;
  readonly firstThread: number;
}

export interface Started {
  /** Resolves when all have ended as they were told to. */
  readonly ended: Promise<void>;
  /** End them now, wherever they are. */
  kill(): void;
}

/** The program beside this file, or beside the bundle that this is part of. */
function program(): URL {
  const url: string | undefined = import.meta.url;
  if (url === undefined) return new URL('stress-thread.cjs', pathToFileURL(`${__dirname}/`));
  return new URL(url.endsWith('.ts') ? './stress-thread.ts' : './stress-thread.js', url);
}

function all(what: string, ends: readonly Promise<number | string | null>[]): Promise<void> {
  const fine = async (end: Promise<number | string | null>, i: number): Promise<void> => {
    const code = await end;
    if (code !== 0) throw new Error(`stress: ${what} ${i} ended with ${code}`);
  };
  const ended = Promise.all(ends.map(fine)).then(() => {});
  ended.catch(() => {}); // whoever waits for it gets it; it may come before
  return ended;
}

/** Threads of this process, numbered from firstThread on. */
export function startThreads(order: ThreadOrder, parts: SharedParts, firstThread: number): Started {
  const workers = Array.from({ length: order.threads }, (_, i) => {
    const leaseholdStress = { order, thread: firstThread + i, parts };
    return new Worker(program(), { workerData: { leaseholdStress } });
  });
  const ends = workers.map(
    (worker, i) =>
      new Promise<number>((resolve, reject) => {
        worker.on('error', (cause) => {
          reject(new Error(`stress: thread ${firstThread + i}: ${cause.message}`, { cause }));
        });
        worker.on('exit', resolve);
      }),
  );
  const kill = (): void => {
    for (const worker of workers) void worker.terminate();
  };
  return { ended: all('thread', ends), kill };
}

/** Child processes, each with as many threads, that open the files in folder. */
export function startProcesses(order: ThreadOrder, folder: string, processes: number): Started {
  const children = Array.from({ length: processes }, (_, i) => {
    const told: ProcessOrder = { ...order, folder, firstThread: i * order.threads };
    const args = ['leasehold-stress', JSON.stringify(told)];
    return fork(fileURLToPath(program()), args, { execArgv: process.execArgv });
  });
  const ends = children.map(
    (child) =>
      new Promise<number | string | null>((resolve, reject) => {
        child.on('error', reject);
        child.on('exit', (code, signal) => resolve(signal ?? code));
      }),
  );
  const kill = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  return { ended: all('process', ends), kill };
}
