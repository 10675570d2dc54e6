// The registry of scenarios: every planted bug and its repaired twin, by name.

import type { Scenario } from '../scenario.js';
import { leaseBugs } from './leases.js';
import { pinBugs } from './pins.js';
import { type Planted, twinOf } from './planted.js';
import { queueBugs } from './queues.js';
import { revocationBugs } from './revocation.js';
import { truncateBugs } from './truncate.js';

export type { Planted } from './planted.js';

/** Every planted bug. Keep the families in the order of the design. */
export const plantedBugs: readonly Planted[] = [
  ...pinBugs,
  ...truncateBugs,
  ...revocationBugs,
  ...leaseBugs,
  ...queueBugs,
];

/** Every scenario that ships, by name: the broken ones and their twins. */
export const scenarios: ReadonlyMap<string, Scenario> = new Map(
  plantedBugs.flatMap((bug): [string, Scenario][] => [
    [bug.name, bug.make(true)],
    [twinOf(bug.name), bug.make(false)],
  ]),
);
