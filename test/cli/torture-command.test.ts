// Goal: a machine that is killed at a random instant has lost nothing that it had promised.

import test from 'ava';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tortureOnce } from '../../lib/cli/torture-command.js';

test('six kills lose nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-kills-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (let seed = 1; seed <= 6; seed++) {
    const { lost, begun, ended } = await tortureOnce(folder, seed);
    t.is(lost, null, `seed ${seed}`);
    t.true(begun - ended <= 1);
  }
});
