// A stress test without threads: files in a folder of their own, a truncater and a referee, and
// pinners that run when the test says so.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadScenarioNamed } from '../../lib/explore/index.js';
import { StressFiles } from '../../lib/explore/stress-memory.js';
import { StressReferee } from '../../lib/explore/stress-referee.js';
import { Truncater } from '../../lib/explore/stress-truncater.js';

/** Of the scenario named; protocol(thread) is another thread's end of it. */
export function stressRig(name = 'threads-gup-fast') {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-stress-test-'));
  const files = new StressFiles(folder, true);
  const { memory } = files;
  memory.nrThreads = 2;
  const scenario = threadScenarioNamed(name);
  const protocol = scenario.protocol(memory, 2);
  const referee = new StressReferee(memory, protocol);
  const strays: string[] = [];
  const truncater = new Truncater(memory, protocol, 1, (detail) => {
    strays.push(detail);
    referee.found('bytes', detail);
  });
  return {
    folder,
    memory,
    truncater,
    referee,
    strays,
    protocol: (thread: number) => scenario.protocol(memory, thread),
    /** The names of what the referee finds when it looks now. */
    judged(): string[] {
      referee.round++;
      referee.judge(truncater);
      return referee.failures.filter((f) => f.round === referee.round).map((f) => f.invariant);
    },
    [Symbol.dispose](): void {
      files[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    },
  };
}
