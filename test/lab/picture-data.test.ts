// Goal: a picture as data says all that the picture says, in few characters.

import test from 'ava';
import type { Picture } from '../../lib/lab/picture.js';
import { kinds, lanes, pictureData } from '../../lib/lab/picture-data.js';

const picture: Picture = {
  bars: [
    { lane: 'operation', kind: 'operation', label: 'truncate', fromNs: 100, toNs: Infinity },
    { lane: 'DMA', kind: 'stray', label: 'into /a<b', fromNs: 105, toNs: 105 },
  ],
  pfns: [7, 8],
  samples: [
    {
      atNs: 100,
      pages: [
        { state: 'data', pinned: true },
        { state: 'orphan', pinned: false },
      ],
    },
  ],
  endNs: 1_000_000_100,
};

test('instants are counted from the first, each said once', (t) => {
  const { t: instants, e } = pictureData(picture);
  t.deepEqual(instants, [0, 5, 1_000_000_000]);
  t.is(e, 2);
});

test('a bar is its lane, its kind, its label, and from when to when', (t) => {
  const [operation, stray] = pictureData(picture).b;
  t.deepEqual(operation, [
    lanes.indexOf('operation'),
    kinds.indexOf('operation'),
    'truncate',
    0,
    -1,
  ]);
  t.deepEqual(stray, [lanes.indexOf('DMA'), kinds.indexOf('stray'), 'into /a<b', 1, 1]);
});

test('a page is a letter, a capital while it is pinned', (t) => {
  const { f, s } = pictureData(picture);
  t.deepEqual(f, [7, 8]);
  t.deepEqual(s, [[0, 'Dr']]);
});

test('a picture of nothing has an end', (t) => {
  const data = pictureData({ bars: [], pfns: [], samples: [], endNs: 3 });
  t.deepEqual(data, { t: [0], e: 0, b: [], f: [], s: [] });
});
