// Goal: leases answer as three real kernels did, step by step.
// Method: play every recorded lease case on the lease room alone, with files that are only counts.

import { readFileSync } from 'node:fs';
import test from 'ava';
import type { KernelName } from '../../lib/kernel-rules.js';
import { LeaseWorld, type Answer, type Step } from './lease-world.js';

interface Recorded {
  readonly id: string;
  readonly steps: readonly Step[];
  readonly linux: Readonly<Record<string, readonly Answer[]>>;
}

const recorded = (file: string) =>
  JSON.parse(
    readFileSync(new URL(`../conformance/cases/${file}`, import.meta.url), 'utf8'),
  ) as readonly Recorded[];

for (const file of ['lease.json', 'fuzz-lease.json']) {
  for (const kernel of ['6.1', '6.12', '7.2'] as const satisfies KernelName[]) {
    test(`${file}: every step answers as Linux ${kernel} did`, async (t) => {
      const wrong: string[] = [];
      let steps = 0;
      for (const { id, steps: todo, linux } of recorded(file)) {
        const world = new LeaseWorld(kernel);
        for (const [i, step] of todo.entries()) {
          const answer = await world.play(step);
          steps++;
          const expected = linux[kernel]![i];
          if (answer === expected) continue;
          wrong.push(`${id} step ${i} ${JSON.stringify(step)}: ${answer}, not ${expected}`);
        }
      }
      t.deepEqual(wrong, []);
      t.log(`${steps} steps agree`);
      t.true(steps > 200);
    });
  }
}
