// Goal: cells are measured by processes of their own, and each verdict comes back once.

import { join } from 'node:path';
import test from 'ava';
import { measureAll } from '../../lib/lab/pool.js';
import { root } from '../support/source-tree.js';
import { cellOf, withDevice } from './play-fixture.js';

test('each cell has one verdict, whichever process measured it', async (t) => {
  const cells = ['none', 'wait', 'forbid'].map((policy) => cellOf({ policy }));
  await withDevice(async (device) => {
    const seen: [number, string][] = [];
    await measureAll(cells, {
      device,
      schedules: 2,
      exhaustive: false,
      live: false,
      seconds: Infinity,
      elapsed: () => 0,
      processes: 2,
      script: join(root, 'lib/cli/main.ts'),
      args: ['lab-process'],
      onVerdict: (verdict, index) => seen.push([index, verdict.policy]),
    });
    t.deepEqual(
      seen.sort(([a], [b]) => a - b),
      cells.map((c, i) => [i, c.policy]),
    );
  });
});
