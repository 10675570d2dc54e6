// The report: one HTML file that needs nothing else. The matrix, what it showed of each objection,
// and every cell with a picture of its worst schedule.
//
// Pictures are data, said once for all cells that have the same, and drawn by the browser: the
// worst of each policy against each driver when the page is opened, any other cell's when it is
// asked for.

import { answered } from './objections.js';
import { behaviours } from './behaviour.js';
import { behaviourNames, cellName, driverNames, operationNames, type CellVerdict } from './cell.js';
import { operations } from './operation.js';
import { script, style } from './report-style.js';
import { virtualTimes } from './play.js';
import { compareEndings } from './severity.js';
import { isPath } from './user-policy.js';
import { duration, longestStuck, shortDrivers, strayText, wordOf, worstOf } from './table.js';
import { pictureScript } from './picture-script.js';

export interface ReportOptions {
  readonly verdicts: readonly CellVerdict[];
  /** PictureData as JSON, by cellName. */
  readonly pictures: ReadonlyMap<string, string>;
  readonly seconds: number;
  readonly device: string;
}

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

const id = (...parts: readonly string[]): string => parts.join('--').replace(/[^a-z0-9-]/gi, '_');

const classes: Readonly<Record<string, string>> = {
  'n/a': 'na',
  denied: 'denied',
  safe: 'safe',
  STRAY: 'stray',
  torn: 'stray',
  lost: 'stray',
  hung: 'hung',
  killed: 'hung',
  leaked: 'hung',
};

const classOf = (word: string): string => classes[word] ?? 'refused';

function isWorse(a: CellVerdict, b: CellVerdict): boolean {
  const byWord = wordOf(a).rank - wordOf(b).rank;
  return byWord > 0 || (byWord === 0 && compareEndings(a, b) > 0);
}

/** The worst cell of each policy against each driver: those that are drawn at once. */
export function worstCells(verdicts: readonly CellVerdict[]): CellVerdict[] {
  const worst = new Map<string, CellVerdict>();
  for (const v of verdicts) {
    if (v.na !== null || v.token === '') continue;
    const key = `${v.policy} ${v.driver}`;
    const before = worst.get(key);
    if (before === undefined || isWorse(v, before)) worst.set(key, v);
  }
  return [...worst.values()];
}

function matrix(verdicts: readonly CellVerdict[], policies: readonly string[]): string {
  const drivers = driverNames.filter((d) => verdicts.some((v) => v.driver === d));
  const head = drivers.map((d) => `<th title="${d}">${shortDrivers[d]}</th>`).join('');
  const rows = policies.map((policy) => {
    const tds = drivers.map((driver) => {
      const word = worstOf(verdicts.filter((v) => v.policy === policy && v.driver === driver));
      const link = `<a class="${classOf(word)}" href="#${id(policy, driver)}">${word}</a>`;
      return `<td data-policy="${escape(policy)}" data-driver="${driver}">${link}</td>`;
    });
    return `<tr><th data-policy="${escape(policy)}">${escape(policy)}</th>${tds.join('')}</tr>`;
  });
  return (
    `<div class="scroll"><table id="matrix"><thead><tr><th>policy</th>${head}</tr></thead>` +
    `<tbody>${rows.join('\n')}</tbody></table></div>`
  );
}

const ended = (ns: number): string => (ns === 0 ? 'at once' : `after ${duration(ns)}`);

/** Each different picture once, and where a cell's is among them. */
class Album {
  readonly #places = new Map<string, number>();
  readonly #pictures: ReadonlyMap<string, string>;

  constructor(pictures: ReadonlyMap<string, string>) {
    this.#pictures = pictures;
  }

  /** The attribute that names the cell's picture; empty if it has none. */
  of(v: CellVerdict): string {
    const picture = this.#pictures.get(cellName(v));
    if (picture === undefined) return '';
    let place = this.#places.get(picture);
    if (place === undefined) this.#places.set(picture, (place = this.#places.size));
    return ` data-picture="${place}"`;
  }

  /** All that were asked for. A label of a user's own cannot end the element. */
  get json(): string {
    return `[${[...this.#places.keys()].join(',\n')}]`.replaceAll('<', '\\u003c');
  }
}

const whatOf = (v: CellVerdict): string =>
  `${v.driver}, ${v.behaviour}, ${v.operation}: ${v.verdict}`;

/** How to see it again. */
const replayOf = ({ token, policy }: CellVerdict): string =>
  `leasehold replay ${token}${isPath(policy) ? ` --policy ${policy}` : ''}`;

function figure(v: CellVerdict, album: Album): string {
  const what = whatOf(v);
  const stray = v.stray[0] === undefined ? '' : ` First stray byte: ${strayText(v.stray[0])}.`;
  const caption =
    `<strong>${escape(what)}</strong>; it ended ` +
    `${v.outcome.end === 'hung' ? 'never' : ended(v.outcome.tookNs)}; holder ` +
    `${escape(v.holder)}; worst of ${v.schedules} schedules (${v.strategy}).${escape(stray)}` +
    `<br><code>${escape(replayOf(v))}</code>`;
  const data = `data-policy="${escape(v.policy)}" data-driver="${v.driver}"`;
  return (
    `<figure id="${id(v.policy, v.driver)}" ${data} data-behaviour="${v.behaviour}">` +
    `<div class="picture" data-title="${escape(what)}"${album.of(v)}></div>` +
    `<figcaption>${caption}</figcaption></figure>`
  );
}

function policySection(
  policy: string,
  options: ReportOptions,
  worst: CellVerdict[],
  album: Album,
): string {
  const cells = options.verdicts.filter((v) => v.policy === policy);
  const said = answered(policy, cells).map(
    (a) =>
      `<blockquote><span class="dim">${escape(a.who)}:</span> ${escape(a.said)}.<br>` +
      `${escape(a.shown)}</blockquote>`,
  );
  const figures = worst.filter((v) => v.policy === policy).map((v) => figure(v, album));
  return (
    `<section data-policy="${escape(policy)}"><h3>${escape(policy)}</h3>` +
    `${said.join('')}${figures.join('')}</section>`
  );
}

function cellRow(v: CellVerdict, album: Album): string {
  const data =
    `data-policy="${escape(v.policy)}" data-driver="${v.driver}" ` +
    `data-behaviour="${v.behaviour}"`;
  const texts = [
    ...[v.policy, v.driver, v.behaviour, v.operation],
    duration(v.outcome.tookNs),
    v.holder,
    duration(longestStuck(v)),
    `${v.transfers.done} + ${v.transfers.failed}`,
    v.orphanedPeak > 0 ? `${v.orphanedPeak}, ${v.leaked} left` : '',
    `${v.schedules}${v.complete ? '' : '+'}`,
    v.live === null ? '' : `${v.live.verdict}, ${Number(v.live.tookMs.toFixed(1))} ms`,
  ];
  const verdict = `<td class="${classOf(wordOf(v).word)}">${escape(v.verdict)}</td>`;
  const tds = texts.map((text) => `<td>${escape(text)}</td>`);
  const title = `data-title="${escape(whatOf(v))}" data-replay="${escape(replayOf(v))}"`;
  const draw = `<td><button type="button" ${title}${album.of(v)}>draw</button></td>`;
  return `<tr ${data}>${draw}${tds.slice(0, 4).join('')}${verdict}${tds.slice(4).join('')}</tr>`;
}

function allCells(verdicts: readonly CellVerdict[], album: Album): string {
  const head = [
    ...[
      'schedule',
      'policy',
      'driver',
      'application',
      'during',
      'verdict',
      'after',
      'holder',
      'stuck beside',
    ],
    ...['DMA done + failed', 'orphaned', 'schedules', 'live'],
  ];
  const rows = verdicts.filter((v) => v.na === null).map((v) => cellRow(v, album));
  return (
    `<details><summary>${rows.length} cells that were measured</summary><div class="scroll">` +
    `<table id="cells"><thead><tr>${head.map((h) => `<th>${h}</th>`).join('')}</tr></thead>` +
    `<tbody>${rows.join('\n')}</tbody></table></div></details>`
  );
}

function reasonsList(verdicts: readonly CellVerdict[]): string {
  const byReason = new Map<string, number>();
  for (const { na } of verdicts) if (na !== null) byReason.set(na, (byReason.get(na) ?? 0) + 1);
  const items = [...byReason].map(([reason, n]) => `<li>${n}: ${escape(reason)}</li>`);
  const summary = '<summary>combinations that make no sense</summary>';
  return `<details>${summary}<ul>${items.join('')}</ul></details>`;
}

function filters(policies: readonly string[]): string {
  const select = (name: string, all: readonly string[]): string =>
    `<label>${name} <select name="${name}"><option value="">all</option>` +
    `${all.map((a) => `<option>${escape(a)}</option>`).join('')}</select></label>`;
  return (
    `<form>${select('policy', policies)}${select('driver', driverNames)}` +
    `${select('behaviour', behaviourNames)}</form>`
  );
}

const colours: readonly (readonly [string, string])[] = [
  ['op', 'the operation'],
  ['pin', 'pages pinned'],
  ['lease', 'lease; or a transfer that failed'],
  ['dma', 'a transfer that arrived'],
  ['bad', 'stray DMA; a block of another file'],
  ['call', 'somebody else’s call'],
];

function words(): string {
  const kinds = behaviourNames.map((b) => `<li><b>${b}</b>: ${behaviours[b].says}</li>`);
  const ops = operationNames.map((o) => `<li><b>${o}</b>: ${operations[o].says}</li>`);
  const lists = `<ul>${kinds.join('')}</ul><ul>${ops.join('')}</ul>`;
  return `<details><summary>applications and operations</summary>${lists}</details>`;
}

/** The page, whole. */
export function reportHtml(options: ReportOptions): string {
  const { verdicts, seconds, device } = options;
  const policies = [...new Set(verdicts.map((v) => v.policy))];
  const worst = worstCells(verdicts);
  const album = new Album(options.pictures);
  const schedules = verdicts.reduce((n, v) => n + v.schedules, 0);
  const broken = verdicts.flatMap((v) => v.broken.map((b) => `${cellName(v)}: ${b}`));
  const key = colours.map(
    ([name, says]) => `<span><i style="background:var(--${name})"></i>${says}</span>`,
  );
  const listed = broken.map((b) => `<li>${escape(b)}</li>`).join('');
  const verdict =
    broken.length === 0
      ? '<p>Every verdict is as its policy promises.</p>'
      : `<p class="hung">Not as promised:</p><ul>${listed}</ul>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leasehold: DMA meets truncate</title><style>${style}</style></head><body>
<h1>When DMA meets truncate: who is hurt?</h1>
<p>Each proposed answer, on real memory, against each driver, under applications that behave and
that do not. A cell shows the worst of all its schedules; nothing here was written by hand.</p>
<p class="dim">${schedules} schedules of ${verdicts.filter((v) => v.na === null).length} cells in
${Math.round(seconds)} s on ${escape(device)}. Times are virtual: 45 s is lease-break-time.</p>
${verdict}${filters(policies)}${matrix(verdicts, policies)}
<p class="dim">denied: the pin was refused. An errno: the operation failed. taken: the holder lost
its pins, and lives. killed: it does not. hung: not over after ${duration(virtualTimes.horizonNs)}.
STRAY: DMA landed in blocks that belong to somebody else.</p>
${words()}${reasonsList(verdicts)}
<h2>Policy by policy</h2><p class="key dim">${key.join('')}</p>
<p class="dim">Time is not to scale. Below each timeline: the blocks of the file, pinned where
outlined.</p>
${policies.map((policy) => policySection(policy, options, worst, album)).join('\n')}
<h2>Every cell</h2>${allCells(verdicts, album)}
<script type="application/json" id="pictures">${album.json}</script>
<script>${pictureScript}${script}</script></body></html>
`;
}
