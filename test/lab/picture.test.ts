// Goal: a picture of a schedule shows what its verdict says.

import test from 'ava';
import { decodeToken, ReplaySearch } from '../../lib/explore/index.js';
import { runOnce } from '../../lib/explore/stage.js';
import type { Cell } from '../../lib/lab/cell.js';
import { cellScenario } from '../../lib/lab/cell-world.js';
import { type Picture, PictureMaker } from '../../lib/lab/picture.js';
import { searchCell } from '../../lib/lab/search-cell.js';
import type { LayoutPolicy } from '../../lib/lease/layout.js';
import { policyNamed } from '../../lib/policy/index.js';
import { cellOf, withDevice } from './play-fixture.js';

/** Replay the schedule of a token and draw from it. */
async function pictureOf(
  cell: Cell,
  policy: LayoutPolicy,
  { device, token }: { readonly device: string; readonly token: string },
): Promise<Picture> {
  const maker = new PictureMaker();
  const scenario = cellScenario(cell, policy, { device, onSet: (play) => maker.set(play) });
  const search = new ReplaySearch(decodeToken(token).choices);
  search.begin();
  let picture: Picture | null = null;
  const drawn = {
    ...scenario,
    world: {
      ...scenario.world!,
      async make(options: Parameters<NonNullable<typeof scenario.world>['make']>[0]) {
        const ground = await scenario.world!.make(options);
        const end = (): void | Promise<void> => {
          picture = maker.picture();
          return ground.end();
        };
        return { ...ground, end };
      },
    },
  };
  await runOnce(drawn, search, { onStep: () => maker.look() });
  return picture!;
}

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
