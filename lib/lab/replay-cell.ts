// The scenario that a token of the lab names: the cell, on a device file of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Errno } from '../errno.js';
import type { Scenario } from '../explore/index.js';
import { cellScenario, scenarioName } from './cell-world.js';
import type { Cell } from './cell.js';
import { cellsOf } from './matrix.js';
import { policyOf } from './user-policy.js';

const everything = { drivers: [], behaviours: [], operations: [] };

/** Whether a scenario's name, as it stands in a token, is one of the lab's. */
export const isLabScenario = (name: string): boolean => name.startsWith('lab-');

/**
 * The cell of that scenario, under one of the policies there are, or of the files given: those are
 * told by the name of the file. EINVAL: none.
 */
export function cellNamed(name: string, policies: readonly string[] = []): Cell {
  const known = [...(policies.length > 0 ? cellsOf({ ...everything, policies }) : []), ...cells()];
  const cell = known.find((c) => scenarioName(c) === name);
  if (cell !== undefined) return cell;
  const hint = 'a policy of your own is named by --policy ./mine.ts';
  throw new Errno('EINVAL', `replay: the lab has no cell ${name}; ${hint}`);
}

const cells = (): readonly Cell[] => cellsOf({ ...everything, policies: [] });

/** Run fn with the scenario of that name. policies: files with policies of the user's own. */
export async function withLabScenario<T>(
  name: string,
  fn: (scenario: Scenario) => Promise<T>,
  policies: readonly string[] = [],
): Promise<T> {
  const cell = cellNamed(name, policies);
  const policy = await policyOf(cell.policy);
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-replay-'));
  try {
    const device = join(folder, 'pmem.img');
    return await fn(cellScenario(cell, policy, { device }) as Scenario);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
