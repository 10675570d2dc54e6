// Pictures as SVG: the timeline of a schedule, and its pages over time.
//
// Time is not to scale: most of a run happens at a few instants, and then a minute passes. Each
// instant at which something began or ended has its own place, and the time is written below it.

import type { Bar, PageSample, Picture } from './picture.js';
import { duration } from './table.js';

const left = 76;
const width = 720;
const rowHeight = 20;

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

/** Places of instants along the picture. */
class Scale {
  readonly instants: readonly number[];

  constructor({ bars, samples, endNs }: Picture) {
    const times = [...bars.flatMap((b) => [b.fromNs, b.toNs]), ...samples.map((s) => s.atNs)];
    const finite = times.filter((ns) => ns <= endNs);
    this.instants = [...new Set([...finite, endNs])].sort((a, b) => a - b);
  }

  get step(): number {
    return (width - left - 8) / Math.max(1, this.instants.length);
  }

  x(ns: number): number {
    const at = this.instants.findIndex((instant) => instant >= ns);
    return left + (at < 0 ? this.instants.length : at) * this.step;
  }
}

const lanes = ['operation', 'lease', 'pins', 'DMA', 'reader', 'writer', 'stat'];

function barSvg(bar: Bar, y: number, scale: Scale): string {
  const x = scale.x(bar.fromNs);
  const end = bar.toNs === Infinity ? width - 8 : scale.x(bar.toNs) + scale.step * 0.8;
  const w = Math.max(3, end - x);
  const took = bar.toNs === Infinity ? 'for ever' : duration(bar.toNs - bar.fromNs);
  const title = escape(`${bar.label}: ${took}`);
  const place = `x="${x.toFixed(1)}" y="${y + 3}"`;
  const shape = `${place} width="${w.toFixed(1)}" height="${rowHeight - 6}"`;
  const room = w > 7 * bar.label.length;
  const text = room
    ? `<text class="in" x="${(x + 4).toFixed(1)}" y="${y + 14}">${escape(bar.label)}</text>`
    : '';
  return `<g><title>${title}</title><rect class="${bar.kind}" rx="2" ${shape}/>${text}</g>`;
}

/** Below the lanes: the time of each instant that has room for it. */
function axis(scale: Scale, y: number, sinceNs: number): string {
  const labels: string[] = [];
  let freeFrom = 0;
  for (const ns of scale.instants) {
    const x = scale.x(ns);
    if (x < freeFrom) continue;
    const text = ns === sinceNs ? '0' : `+${duration(ns - sinceNs)}`;
    labels.push(`<text class="tick" x="${x.toFixed(1)}" y="${y + 12}">${text}</text>`);
    freeFrom = x + 12 + text.length * 6.5;
  }
  return labels.join('');
}

/** The lanes of a schedule: bars for the operation, leases, pins, DMA and who was stuck. */
export function timelineSvg(picture: Picture, title: string): string {
  const scale = new Scale(picture);
  const used = lanes.filter((lane) => picture.bars.some((b) => b.lane === lane));
  const rows = used.map((lane, i) => {
    const y = i * rowHeight;
    const bars = picture.bars.filter((b) => b.lane === lane);
    bars.sort((a, b) => Number(a.kind === 'stray') - Number(b.kind === 'stray'));
    const head = `<text class="lane" x="0" y="${y + 14}">${lane}</text>`;
    const rule = `<line x1="${left}" x2="${width}" y1="${y + rowHeight}" y2="${y + rowHeight}"/>`;
    return head + rule + bars.map((bar) => barSvg(bar, y, scale)).join('');
  });
  const height = used.length * rowHeight;
  const sinceNs = scale.instants[0] ?? 0;
  return (
    `<svg class="timeline" viewBox="0 0 ${width} ${height + 18}" role="img">` +
    `<title>${escape(title)}</title>${rows.join('')}${axis(scale, height, sinceNs)}</svg>`
  );
}

function cells(sample: PageSample, index: number, fromX: number, toX: number): string {
  const { state, pinned } = sample.pages[index]!;
  const w = Math.max(2, toX - fromX).toFixed(1);
  const y = index * 14;
  const shape = `x="${fromX.toFixed(1)}" y="${y}" width="${w}" height="12"`;
  const name = `page-${state}${pinned ? ' pinned' : ''}`;
  return `<rect class="${name}" ${shape}><title>${state}${pinned ? ', pinned' : ''}</title></rect>`;
}

/** Rows are page frames of the device, left to right is time: whose each was, and if pinned. */
export function pageMapSvg(picture: Picture): string {
  const { pfns, samples } = picture;
  if (pfns.length === 0) return '';
  const scale = new Scale(picture);
  const xs = samples.map((sample) => {
    const sameTime = samples.filter((s) => s.atNs === sample.atNs);
    const place = sameTime.indexOf(sample) / sameTime.length;
    return scale.x(sample.atNs) + place * scale.step;
  });
  const rows = pfns.map((pfn, i) => {
    const head = `<text class="lane" x="0" y="${i * 14 + 10}">block ${pfn}</text>`;
    const spans = samples.map((sample, s) => {
      return cells(sample, i, xs[s]!, xs[s + 1] ?? width - 8);
    });
    return head + spans.join('');
  });
  return (
    `<svg class="pages" viewBox="0 0 ${width} ${pfns.length * 14}" role="img">` +
    `<title>pages over time</title>${rows.join('')}</svg>`
  );
}
