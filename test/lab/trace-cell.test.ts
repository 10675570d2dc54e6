// Goal: the worst schedule of a cell can be looked at in Perfetto.

import { readFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import test from 'ava';
import { traceCell } from '../../lib/lab/trace-cell.js';
import { policyNamed } from '../../lib/policy/index.js';
import { cellOf, withDevice } from './play-fixture.js';

test('a trace names the cell and holds events of it', async (t) => {
  await withDevice(async (device) => {
    const file = join(dirname(device), 'cell.json');
    const cell = cellOf({ policy: 'none', driver: 'rdma-pinned' });
    await traceCell(cell, policyNamed('none'), { device, file, schedules: 2 });
    const text = readFileSync(file, 'utf8');
    const { traceEvents } = JSON.parse(text) as { traceEvents: readonly { name: string }[] };
    t.true(traceEvents.length > 10);
    t.true(text.includes('none against rdma-pinned'));
  });
});
