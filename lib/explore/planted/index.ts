// The registry of scenarios: every planted bug and its repaired twin, by name.

import { Errno } from '../../errno.js';
import type { Scenario } from '../scenario.js';
import { leaseBugs } from './leases.js';
import { machineBugs } from './machines.js';
import { pinBugs } from './pins.js';
import { type Planted, twinOf } from './planted.js';
import { queueBugs } from './queues.js';
import { revocationBugs } from './revocation.js';
import { threadBugs, threadOnly } from './thread-steps.js';
import { truncateBugs } from './truncate.js';

export { type Planted, twinOf } from './planted.js';
export { threadOnly } from './thread-steps.js';
export { threadScenarioNamed, threadScenarios } from './threads.js';

/** Every planted bug. Keep the families in the order of the design. */
export const plantedBugs: readonly Planted[] = [
  ...pinBugs,
  ...truncateBugs,
  ...revocationBugs,
  ...leaseBugs,
  ...queueBugs,
  ...machineBugs,
  ...threadBugs,
];

/** Every scenario that ships, by name: the broken ones, their twins, and those of threads alone. */
export const scenarios: ReadonlyMap<string, Scenario> = new Map([
  ...plantedBugs.flatMap((bug): [string, Scenario][] => [
    [bug.name, bug.make(true)],
    [twinOf(bug.name), bug.make(false)],
  ]),
  ...threadOnly.map((scenario): [string, Scenario] => [scenario.name, scenario]),
]);

/** ENOENT names what there is. */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.get(name);
  if (found !== undefined) return found;
  throw new Errno('ENOENT', `race: no scenario is called ${name}; see leasehold race --list`);
}
