// The scenario that a token of the lab names: the cell, on a device file of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Errno } from '../errno.js';
import type { Scenario } from '../explore/index.js';
import { policyNamed } from '../policy/index.js';
import { cellScenario, scenarioName } from './cell-world.js';
import type { Cell } from './cell.js';
import { cellsOf } from './matrix.js';

const everything = { policies: [], drivers: [], behaviours: [], operations: [] };

/** Whether a scenario's name, as it stands in a token, is one of the lab's. */
export const isLabScenario = (name: string): boolean => name.startsWith('lab-');

/** The cell of that scenario. EINVAL: none; a user's own policy is not known by its name. */
export function cellNamed(name: string): Cell {
  const cell = cellsOf(everything).find((c) => scenarioName(c) === name);
  if (cell === undefined) throw new Errno('EINVAL', `replay: the lab has no cell ${name}`);
  return cell;
}

/** Run fn with the scenario of that name. */
export async function withLabScenario<T>(
  name: string,
  fn: (scenario: Scenario) => Promise<T>,
): Promise<T> {
  const cell = cellNamed(name);
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-replay-'));
  try {
    const device = join(folder, 'pmem.img');
    return await fn(cellScenario(cell, policyNamed(cell.policy), { device }) as Scenario);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
