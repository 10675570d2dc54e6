// Goal: a picture of a schedule shows what its verdict says.

import test from 'ava';
import { pictureOf, type Picture } from '../../lib/lab/picture.js';
import { searchCell } from '../../lib/lab/search-cell.js';
import { policyNamed } from '../../lib/policy/index.js';
import { cellOf, withDevice } from './play-fixture.js';

const draw = (policy: string): Promise<Picture> =>
  withDevice(async (device) => {
    const cell = cellOf({ policy });
    const options = { device, schedules: 1, exhaustive: false };
    const { token } = await searchCell(cell, policyNamed(policy), options);
    return pictureOf(cell, policyNamed(policy), { device, token });
  });

test('none: pages go from the file to another one while they are pinned', async (t) => {
  const { bars, samples, pfns } = await draw('none');
  t.true(bars.some((b) => b.kind === 'stray'));
  t.is(pfns.length, 2);
  t.true(samples[0]!.pages.every((p) => p.state === 'data' && p.pinned));
  t.true(samples.some((s) => s.pages.some((p) => p.state === 'other' && p.pinned)));
});

test('orphan: pages belong to an orphan until they are unpinned', async (t) => {
  const { bars, samples } = await draw('orphan');
  t.false(bars.some((b) => b.kind === 'stray'));
  t.true(samples.some((s) => s.pages.some((p) => p.state === 'orphan' && p.pinned)));
  t.false(samples.at(-1)!.pages.some((p) => p.pinned));
});

test('wait: the operation lasts as long as the pins', async (t) => {
  const { bars } = await draw('wait');
  const [operation] = bars.filter((b) => b.kind === 'operation');
  const [pins] = bars.filter((b) => b.kind === 'pins');
  t.true(operation!.toNs >= pins!.toNs);
});
