// Goal: every token that the lab prints can be replayed by its name alone.

import { resolve } from 'node:path';
import test from 'ava';
import { replayToken } from '../../lib/explore/index.js';
import { scenarioName } from '../../lib/lab/cell-world.js';
import { cellsOf } from '../../lib/lab/matrix.js';
import { cellNamed, isLabScenario, withLabScenario } from '../../lib/lab/replay-cell.js';
import { searchCell } from '../../lib/lab/search-cell.js';
import { policyOf } from '../../lib/lab/user-policy.js';
import { policyNamed } from '../../lib/policy/index.js';
import { cellOf, withDevice } from './play-fixture.js';

test('no two cells have one name', (t) => {
  const cells = cellsOf({ policies: [], drivers: [], behaviours: [], operations: [] });
  t.is(new Set(cells.map(scenarioName)).size, cells.length);
  t.true(cells.every((c) => isLabScenario(scenarioName(c))));
  t.deepEqual(cellNamed(scenarioName(cells[77]!)), cells[77]);
});

test('a token is replayed from its name', async (t) => {
  const cell = cellOf({ policy: 'none' });
  const { token } = await withDevice((device) =>
    searchCell(cell, policyNamed('none'), { device, schedules: 1, exhaustive: false }),
  );
  const replayed = await withLabScenario(scenarioName(cell), (s) => replayToken(s, token));
  t.true(replayed.steps.length > 10);
  t.is(replayed.failure, null);
});

test('a name of nobody is EINVAL', (t) => {
  t.throws(() => cellNamed('lab-nobody'), { code: 'EINVAL' });
});

test('a token of a policy of one’s own is replayed with its file, wherever that lies', async (t) => {
  const mine = './test/lab/fixtures/mine.ts';
  const cell = cellOf({ policy: mine });
  const { token, worst } = await withDevice(async (device) =>
    searchCell(cell, await policyOf(mine), { device, schedules: 1, exhaustive: false }),
  );
  t.is(worst.outcome.end, 'EBUSY');
  const name = scenarioName(cell);
  t.throws(() => cellNamed(name), { code: 'EINVAL', message: /--policy/ });
  t.deepEqual(cellNamed(name, [mine]), cell);
  t.is(scenarioName({ ...cell, policy: resolve(mine) }), name);
  const replayed = await withLabScenario(name, (s) => replayToken(s, token), [mine]);
  t.is(replayed.failure, null);
});
