// Goal: a cell is a scenario that runs the same again, whether its stage is put back or rebuilt.

import test from 'ava';
import { RandomSearch, type Scenario } from '../../lib/explore/index.js';
import { Stages } from '../../lib/explore/stage.js';
import { cellScenario, scenarioName } from '../../lib/lab/cell-world.js';
import { policyNamed } from '../../lib/policy/index.js';
import { cellOf, withDevice } from './play-fixture.js';

const cell = cellOf({ policy: 'orphan' });

test('its name is that of all four parts, and fits a token', (t) => {
  t.is(scenarioName(cell), 'lab-orphan-rdma-revocable-never-leases-truncate');
  const variant = cellOf({ policy: 'lease-break:fail' });
  t.regex(scenarioName(variant), /^[a-z0-9-]+$/);
  t.is(
    scenarioName({ ...cell, policy: '/some/where/mine.ts' }),
    scenarioName({ ...cell, policy: './mine.ts' }),
  );
});

test('before its first run there is no play', async (t) => {
  await withDevice(async (device) => {
    const scenario = cellScenario(cell, policyNamed('orphan'), { device });
    t.is(scenario.set, null);
    t.throws(() => scenario.play(), { message: /never set/ });
  });
});

for (const reset of ['restore', 'rebuild'] as const) {
  test(`two runs of one schedule end alike: ${reset}`, async (t) => {
    const endings = await withDevice(async (device) => {
      const scenario = cellScenario(cell, policyNamed('orphan'), { device });
      const stages = new Stages({ ...scenario, reset } as Scenario);
      const run = async (): Promise<string> => {
        const search = new RandomSearch(3, 1);
        search.begin();
        const { end, choices } = await stages.run(search);
        return JSON.stringify([end, choices, scenario.ending()]);
      };
      try {
        return [await run(), await run(), await run()];
      } finally {
        await stages.end();
      }
    });
    t.is(new Set(endings).size, 1);
    t.regex(endings[0]!, /"complete"/);
    t.regex(endings[0]!, /"orphanedPeak":2/);
  });
}
