// The program of the threads and processes of a stress test.
//
//   thread    workerData.leaseholdStress   pin until told to end
//   process   argv: leasehold-stress JSON  open the files, start its threads, end with them
//
// Loaded any other way it does nothing.

import { isMainThread, workerData } from 'node:worker_threads';
import { Errno } from '../errno.js';
import { threadScenarioNamed } from './planted/threads.js';
import { type SharedParts, StressFiles, StressMemory } from './stress-memory.js';
import { Pinner } from './stress-pinner.js';
import type { StressScenario } from './stress-protocol.js';
import { type ProcessOrder, startThreads, type ThreadOrder } from './stress-workers.js';

/** What a worker is given. */
export interface ThreadData {
  readonly order: ThreadOrder;
  readonly thread: number;
  readonly parts: SharedParts;
}

/** The scenario, as this thread has to find it. ENOENT: its module does not export it. */
export async function scenarioOf({ name, url }: ThreadOrder): Promise<StressScenario> {
  if (url === null) return threadScenarioNamed(name);
  const module = (await import(url)) as Record<string, unknown>;
  for (const value of Object.values(module)) {
    if (typeof value !== 'object' || value === null) continue;
    const scenario = value as Partial<StressScenario>;
    if (scenario.name === name && typeof scenario.protocol === 'function') {
      return value as StressScenario;
    }
  }
  throw new Errno('ENOENT', `stress: ${url} exports no scenario called ${name}`);
}

async function runThread({ order, thread, parts }: ThreadData): Promise<void> {
  const scenario = await scenarioOf(order);
  const memory = new StressMemory(parts);
  new Pinner(memory, scenario.protocol(memory, thread), thread, order.seed).run();
}

async function runProcess({ folder, firstThread, ...order }: ProcessOrder): Promise<void> {
  using files = new StressFiles(folder, false);
  await startThreads(order, files.memory.parts, firstThread).ended;
}

const given = (workerData as { leaseholdStress?: ThreadData } | null)?.leaseholdStress;
const [, , marker, json] = process.argv;
if (!isMainThread && given !== undefined) void runThread(given);
else if (isMainThread && marker === 'leasehold-stress') {
  process.on('disconnect', () => process.exit(1)); // whoever started this is gone
  void runProcess(JSON.parse(json!) as ProcessOrder).then(() => process.exit(0));
}
