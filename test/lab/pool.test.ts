// Goal: cells are measured by processes of their own, each verdict comes back once with its
// picture, and cells that pin are played live afterwards.

import { join } from 'node:path';
import test from 'ava';
import type { PictureData } from '../../lib/lab/picture-data.js';
import { measureAll } from '../../lib/lab/pool.js';
import { root } from '../support/root.js';
import { cellOf, withDevice } from './play-fixture.js';

test('each cell has one verdict and a picture, whichever process measured it', async (t) => {
  const cells = ['none', 'orphan', 'forbid'].map((policy) => cellOf({ policy }));
  await withDevice(async (device) => {
    const seen = new Map<number, PictureData>();
    const lives: string[] = [];
    const verdicts = await measureAll(cells, {
      device,
      schedules: 2,
      exhaustive: false,
      live: true,
      seconds: Infinity,
      elapsed: () => 0,
      processes: 2,
      script: join(root, 'lib/cli/main.ts'),
      args: ['lab-process'],
      onVerdict(verdict, index, picture) {
        t.is(verdict.policy, cells[index]!.policy);
        t.false(seen.has(index));
        seen.set(index, JSON.parse(picture) as PictureData);
      },
      onLive: (done, of) => lives.push(`${done} of ${of}`),
    });
    t.deepEqual(
      verdicts.map((v) => v.verdict),
      ['stray DMA', 'safe', 'refused: EOPNOTSUPP'],
    );
    t.deepEqual(
      verdicts.map((v) => v.live?.verdict ?? v.notLive),
      ['stray DMA', 'safe', 'nothing was pinned'],
    );
    t.deepEqual(lives, ['1 of 2', '2 of 2']);
    t.true([...seen.values()].every(({ b, t: instants }) => b.length > 0 && instants[0] === 0));
  });
});
