// Goal: a layout translates positions of the file to blocks, and goes back to the file system once.

import test from 'ava';
import { LayoutState } from '../../../drivers/pnfs/layout-state.js';
import { isErrno } from '../../../lib/errno.js';
import { PAGE_SIZE } from '../../../lib/units.js';
import { assertBalanced } from '../../support/balance.js';
import { App } from '../../support/driver-machine.js';
import { pnfsBench } from './bench.js';

test('positions become pieces of extents; holes and what lies beyond are EINVAL', async (t) => {
  const { m, dev, bound, granted } = pnfsBench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const request = { fd: 3, pos: 0, len: 1, access: 'write' as const };
    const onRecall = () => Promise.resolve();
    const layout = await dev.blockLayout(app.caller, { ...request, onRecall });
    const state = new LayoutState(dev, layout, 1, 'rw');
    t.deepEqual(
      state.piecesOf(2 * PAGE_SIZE + 5, 7).map(({ pos, start, end }) => [pos, start, end]),
      [[5, 0, 7]],
    );
    const bad = [
      [0, PAGE_SIZE + 1],
      [PAGE_SIZE, 1],
      [3 * PAGE_SIZE, 1],
      [0, 0],
    ];
    for (const [pos, len] of bad) {
      t.true(
        isErrno(
          t.throws(() => state.piecesOf(pos!, len!)),
          'EINVAL',
        ),
        `${pos} ${len}`,
      );
    }
    t.is(bound.iommu.nrMappings, 2);
    state.recall();
    t.is(state.state, 'RECALLED');
    state.drop();
    state.drop();
    state.recall();
    t.is(state.state, 'GONE');
    t.is(bound.iommu.nrMappings, 0);
    t.is(granted[0]!.released, 1);
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
