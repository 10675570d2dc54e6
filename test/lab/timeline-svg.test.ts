// Goal: a picture becomes well-formed SVG in which stray DMA stands out.

import test from 'ava';
import type { Picture } from '../../lib/lab/picture.js';
import { pageMapSvg, timelineSvg } from '../../lib/lab/timeline-svg.js';

const picture: Picture = {
  bars: [
    { lane: 'operation', kind: 'operation', label: 'truncate', fromNs: 0, toNs: Infinity },
    { lane: 'DMA', kind: 'stray', label: 'into /a<b', fromNs: 5, toNs: 5 },
  ],
  pfns: [7],
  samples: [{ atNs: 0, pages: [{ state: 'data', pinned: true }] }],
  endNs: 1_000_000_000,
};

test('each bar is a rectangle of its kind, and text is escaped', (t) => {
  const svg = timelineSvg(picture, 'a & b');
  t.is(svg.match(/<rect/g)?.length, 2);
  t.regex(svg, /class="stray"/);
  t.true(svg.includes('/a&lt;b') && svg.includes('a &amp; b'));
  t.regex(svg, /truncate: for ever/);
});

test('each block has a row, outlined while it is pinned', (t) => {
  t.regex(pageMapSvg(picture), /block 7.*class="page-data pinned"/);
  t.is(pageMapSvg({ ...picture, pfns: [] }), '');
});
