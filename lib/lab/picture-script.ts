// Draws pictures in the reader's browser: plain JavaScript, which turns the data of a picture into
// the text of two SVGs and needs nothing else, so that it runs in Node.js too.
//
//   timelineSvg(picture, title)   tasks as lanes; operation, leases, pins, DMA, who was stuck
//   pageMapSvg(picture)           rows are page frames: whose each was, and whether it was pinned
//
// Time is not to scale: most of a run happens at a few instants, and then a minute passes. Each
// instant at which something began or ended has its own place, and the time is written below it.

import { kinds, lanes } from './picture-data.js';

export const pictureScript = `
const LANES = ${JSON.stringify(lanes)}, KINDS = ${JSON.stringify(kinds)};
const STATES = { d: 'data', o: 'other', r: 'orphan', f: 'free' };
const LEFT = 76, WIDTH = 720, ROW = 20, PAGE_ROW = 14;
const escapeText = (text) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const durationText = (ns) => {
  const short = (n, digits) => String(Number(n.toFixed(digits)));
  if (ns === 0) return 'at once';
  if (ns >= 1e9) return short(ns / 1e9, 3) + ' s';
  if (ns >= 1e6) return short(ns / 1e6, 3) + ' ms';
  return short(ns / 1e3, 1) + ' µs';
};
const stepOf = ({ t }) => (WIDTH - LEFT - 8) / Math.max(1, t.length);
const xOf = (p, i) => LEFT + i * stepOf(p);

function barSvg(p, [, kind, label, from, to], y) {
  const x = xOf(p, from);
  const end = to < 0 ? WIDTH - 8 : xOf(p, to) + stepOf(p) * 0.8;
  const w = Math.max(3, end - x);
  const took = to < 0 ? 'for ever' : durationText(p.t[to] - p.t[from]);
  const shape = 'x="' + x.toFixed(1) + '" y="' + (y + 3) + '" width="' + w.toFixed(1) +
    '" height="' + (ROW - 6) + '"';
  const text = w > 7 * label.length
    ? '<text class="in" x="' + (x + 4).toFixed(1) + '" y="' + (y + 14) + '">' +
      escapeText(label) + '</text>'
    : '';
  return '<g><title>' + escapeText(label + ': ' + took) + '</title><rect class="' + KINDS[kind] +
    '" rx="2" ' + shape + '/>' + text + '</g>';
}

function axisSvg(p, y) {
  let freeFrom = 0;
  return p.t.map((ns, i) => {
    const x = xOf(p, i);
    if (x < freeFrom) return '';
    const text = i === 0 ? '0' : '+' + durationText(ns);
    freeFrom = x + 12 + text.length * 6.5;
    return '<text class="tick" x="' + x.toFixed(1) + '" y="' + (y + 12) + '">' + text + '</text>';
  }).join('');
}

function timelineSvg(p, title) {
  const stray = KINDS.indexOf('stray');
  const used = LANES.map((lane, i) => i).filter((i) => p.b.some((bar) => bar[0] === i));
  const rows = used.map((lane, row) => {
    const y = row * ROW;
    const bars = p.b.filter((bar) => bar[0] === lane);
    bars.sort((a, b) => (a[1] === stray) - (b[1] === stray));
    return '<text class="lane" x="0" y="' + (y + 14) + '">' + LANES[lane] + '</text>' +
      '<line x1="' + LEFT + '" x2="' + WIDTH + '" y1="' + (y + ROW) + '" y2="' + (y + ROW) +
      '"/>' + bars.map((bar) => barSvg(p, bar, y)).join('');
  });
  const height = used.length * ROW;
  return '<svg class="timeline" viewBox="0 0 ' + WIDTH + ' ' + (height + 18) +
    '" role="img"><title>' + escapeText(title) + '</title>' + rows.join('') +
    axisSvg(p, height) + '</svg>';
}

function pageMapSvg(p) {
  if (p.f.length === 0) return '';
  const xs = p.s.map(([at], i) => {
    const same = p.s.map((s, j) => j).filter((j) => p.s[j][0] === at);
    return xOf(p, at) + (same.indexOf(i) / same.length) * stepOf(p);
  });
  const rows = p.f.map((pfn, row) => {
    const head = '<text class="lane" x="0" y="' + (row * PAGE_ROW + 10) + '">block ' + pfn +
      '</text>';
    return head + p.s.map(([, letters], i) => {
      const pinned = letters[row] !== letters[row].toLowerCase();
      const state = STATES[letters[row].toLowerCase()];
      const w = Math.max(2, (xs[i + 1] ?? WIDTH - 8) - xs[i]);
      return '<rect class="page-' + state + (pinned ? ' pinned' : '') + '" x="' +
        xs[i].toFixed(1) + '" y="' + row * PAGE_ROW + '" width="' + w.toFixed(1) +
        '" height="12"><title>' + state + (pinned ? ', pinned' : '') + '</title></rect>';
    }).join('');
  });
  return '<svg class="pages" viewBox="0 0 ' + WIDTH + ' ' + p.f.length * PAGE_ROW +
    '" role="img"><title>pages over time</title>' + rows.join('') + '</svg>';
}
`;
