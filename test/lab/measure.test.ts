// Goal: a cell has a verdict that was measured, or a reason; and what the story of the lab tells
// can be read from what it prints as JSON.

import test from 'ava';
import type { Cell, CellVerdict } from '../../lib/lab/cell.js';
import { cellsOf } from '../../lib/lab/matrix.js';
import { measureCell, withLive, withoutLive } from '../../lib/lab/measure.js';
import { policyNamed } from '../../lib/policy/index.js';
import { seconds } from '../../lib/units.js';
import { cellOf, withDevice } from './play-fixture.js';
import { verdict } from './verdict-fixture.js';

const measure = (cell: Cell, live: boolean, schedules = 3): Promise<CellVerdict> =>
  withDevice((device) =>
    measureCell(cell, policyNamed(cell.policy), { device, schedules, exhaustive: false, live }),
  );

/** As somebody reads it who has the JSON and nothing else. */
const told = async (over: Partial<Cell>): Promise<CellVerdict> =>
  JSON.parse(JSON.stringify(await measure(cellOf(over), false, 1))) as CellVerdict;

test('a cell without meaning says why and runs nothing', async (t) => {
  const v = await measure(cellOf({ driver: 'device-dax' }), false);
  t.is(v.verdict, 'n/a');
  t.regex(v.na ?? '', /nothing to truncate/);
  t.is(v.schedules, 0);
});

test('a cell that pins has its schedules, a token, and a live verdict', async (t) => {
  const v = await measure(cellOf({ policy: 'orphan' }), true);
  t.is(v.verdict, 'safe');
  t.is(v.operation, 'truncate');
  t.is(v.schedules, 3);
  t.regex(v.token, /^lab-orphan-rdma-revocable-never-leases-truncate\.1\./);
  t.is(v.live?.verdict, 'safe');
  t.true(v.live!.transfers > 0, 'its DMA was moved by a thread');
  t.is(v.notLive, null);
  t.deepEqual(v.broken, []);
});

test('what is broken live is broken, and says so', (t) => {
  const live = { verdict: 'hung', end: 'hung', tookMs: 1, transfers: 1, strangers: 0 };
  const v = withLive(verdict({ notLive: 'not yet' }), {
    ...live,
    broken: ['truncate never ended'],
  });
  t.deepEqual(v.broken, ['live: truncate never ended']);
  t.is(v.notLive, null);
  t.is(withoutLive(verdict({ notLive: 'not yet' })).notLive, 'not asked for');
  t.is(withoutLive(verdict({ notLive: 'it never ends' })).notLive, 'it never ends');
});

for (const driver of ['rdma-revocable', 'v4l2-userptr'] as const) {
  test(`JSON: none has stray DMA for ${driver}, told with file, block and byte`, async (t) => {
    const v = await told({ policy: 'none', driver });
    t.is(v.verdict, 'stray DMA');
    t.is(v.stray[0]!.file, '/other');
    t.true(v.stray[0]!.pfn > 0 && v.stray[0]!.firstByte >= 0);
    t.true(v.corruptedBytes > 0);
  });

  test(`JSON: no other policy has any for ${driver}`, async (t) => {
    const cells = cellsOf({
      policies: [],
      drivers: [driver],
      behaviours: ['never-leases'],
      operations: ['truncate'],
    }).filter((c) => c.policy !== 'none');
    t.true(cells.length > 20);
    for (const cell of cells) {
      const v = await told(cell);
      t.deepEqual(v.stray, [], cell.policy);
      t.is(v.corruptedBytes, 0, cell.policy);
    }
  });
}

test('JSON: wait shows a truncate that ends when the pin goes', async (t) => {
  const v = await told({ behaviour: 'answers-late' });
  t.is(v.outcome.end, 'ok');
  t.true(v.outcome.tookNs > 0);
  t.is(v.outcome.tookNs, v.unpinnedNs!);
});

test('JSON: lease-break shows 45 s of virtual time and a killed holder', async (t) => {
  const v = await told({ policy: 'lease-break', behaviour: 'ignores' });
  t.true(v.outcome.tookNs >= seconds(45));
  t.is(v.holder, 'SIGKILL');
});

test('JSON: orphan shows free blocks that come back at the last unpin', async (t) => {
  const { free } = await told({ policy: 'orphan' });
  t.is(free.after, free.before, 'truncate has returned, nothing is free yet');
  t.is(free.end! - free.held!, 2, 'both blocks of the file');
});
