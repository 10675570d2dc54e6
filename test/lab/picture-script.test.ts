// Goal: a picture becomes well-formed SVG in which stray DMA stands out. Method: the script of the
// browser is run here, on the data that the report carries.

import { runInNewContext } from 'node:vm';
import test from 'ava';
import { pictureData, type PictureData } from '../../lib/lab/picture-data.js';
import { pictureScript } from '../../lib/lab/picture-script.js';

interface Drawing {
  timelineSvg(picture: PictureData, title: string): string;
  pageMapSvg(picture: PictureData): string;
}

const drawing = runInNewContext(`${pictureScript}; ({ timelineSvg, pageMapSvg })`) as Drawing;

const data = pictureData({
  bars: [
    { lane: 'operation', kind: 'operation', label: 'truncate', fromNs: 0, toNs: Infinity },
    { lane: 'DMA', kind: 'stray', label: 'into /a<b', fromNs: 5, toNs: 5 },
  ],
  pfns: [7],
  samples: [
    { atNs: 0, pages: [{ state: 'data', pinned: true }] },
    { atNs: 5, pages: [{ state: 'other', pinned: false }] },
  ],
  endNs: 1_000_000_000,
});

test('each bar is a rectangle of its kind, and text is escaped', (t) => {
  const svg = drawing.timelineSvg(data, 'a & b');
  t.is(svg.match(/<rect/g)?.length, 2);
  t.regex(svg, /class="stray"/);
  t.true(svg.includes('/a&lt;b') && svg.includes('a &amp; b'));
  t.regex(svg, /truncate: for ever/);
  t.regex(svg, /\+1 s/, 'the time is written below');
});

test('each block has a row, outlined while it is pinned', (t) => {
  const svg = drawing.pageMapSvg(data);
  t.regex(svg, /block 7.*class="page-data pinned".*class="page-other"/);
  t.is(drawing.pageMapSvg({ ...data, f: [] }), '');
});

test('what is opened is closed', (t) => {
  for (const svg of [drawing.timelineSvg(data, 'x'), drawing.pageMapSvg(data)]) {
    for (const tag of ['svg', 'g', 'title', 'text']) {
      const count = (form: string): number => svg.split(form).length - 1;
      t.is(count(`<${tag} `) + count(`<${tag}>`), count(`</${tag}>`), tag);
    }
  }
});
