// Goal: threads and processes of a stress test start, park, end when they are told to, and say so
// when they end otherwise.

import test from 'ava';
import type { StressMemory } from '../../lib/explore/index.js';
import { startProcesses, startThreads } from '../../lib/explore/stress-workers.js';
import { stressRig } from './stress-rig.js';

const order = { name: 'threads-gup-fast', url: null, seed: 1, threads: 2 };

/** So many have parked; rejects when one of them ended instead. */
async function parked(
  { parked: word }: StressMemory,
  nr: number,
  { ended }: { readonly ended: Promise<void> },
): Promise<void> {
  const tooFew = ended.then(() => {
    throw new Error(`${word.load()} of ${nr} parked, and all have ended`);
  });
  tooFew.catch(() => {}); // it comes later too, when nobody waits any more
  for (let now = word.load(); now < nr; now = word.load()) {
    await Promise.race([word.waitAsync(now), tooFew]);
  }
}

/** Told to end: each gives its pins back and parks once more. */
function end(memory: StressMemory): void {
  memory.end();
  memory.phase.add(1);
}

test('threads have numbers from the first one on, and end when they are told to', async (t) => {
  using rig = stressRig();
  const threads = startThreads(order, rig.memory.parts, 3);
  await parked(rig.memory, 2, threads);
  end(rig.memory);
  await threads.ended;
  t.is(rig.memory.parked.load(), 4);
  t.deepEqual(rig.judged(), []);
});

test('processes open the same files, and end when their threads have', async (t) => {
  using rig = stressRig();
  const processes = startProcesses({ ...order, threads: 1 }, rig.folder, 2);
  await parked(rig.memory, 2, processes);
  end(rig.memory);
  await processes.ended;
  t.is(rig.memory.parked.load(), 4);
});

test('threads and processes that are ended otherwise are told of', async (t) => {
  using rig = stressRig();
  const threads = startThreads(order, rig.memory.parts, 0);
  await parked(rig.memory, 2, threads);
  threads.kill();
  await t.throwsAsync(threads.ended, { message: /thread \d ended with 1/ });
  const processes = startProcesses({ ...order, threads: 1 }, rig.folder, 1);
  await parked(rig.memory, 3, processes);
  processes.kill();
  await t.throwsAsync(processes.ended, { message: /process 0 ended with SIGKILL/ });
});
