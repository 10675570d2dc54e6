// Goal: the report is one file that a browser shows without asking anybody for anything: matrix, a
// timeline of each cell, filters that filter. Method: a small part of the matrix; what the page
// holds is read as text, and drawn by Chromium without a head, every request counted.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Browser, chromium, type Page } from 'playwright-core';
import { cellName, type CellVerdict } from '../../lib/lab/cell.js';
import { cellsOf } from '../../lib/lab/matrix.js';
import { measureSchedules } from '../../lib/lab/measure.js';
import type { PictureData } from '../../lib/lab/picture-data.js';
import { reportHtml } from '../../lib/lab/report.js';
import { policyNamed } from '../../lib/policy/index.js';
import { verdict } from './verdict-fixture.js';

/** Debian's package chromium, which CI installs: without it what is drawn fails, and says so. */
const executablePath = '/usr/bin/chromium';
const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const folder = mkdtempSync(join(tmpdir(), 'leasehold-report-'));
const page = join(folder, 'report.html');
const screenshot = join(tmpdir(), 'leasehold-report.png');
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

async function measured(): Promise<string> {
  const device = join(folder, 'pmem.img');
  const cells = cellsOf({
    policies: ['linux', 'wait', 'orphan', 'none'],
    drivers: ['rdma-pinned', 'rdma-revocable'],
    behaviours: ['cooperates', 'never-leases'],
    operations: ['truncate'],
  });
  const verdicts: CellVerdict[] = [];
  const pictures = new Map<string, string>();
  for (const cell of cells) {
    const options = { device, schedules: 2, exhaustive: false };
    const found = await measureSchedules(cell, policyNamed(cell.policy), options);
    verdicts.push(found.verdict);
    pictures.set(cellName(cell), JSON.stringify(found.picture));
  }
  return reportHtml({ verdicts, pictures, seconds: 1, device });
}

let html = '';
test.before(async () => {
  html = await measured();
  writeFileSync(page, html);
});

const dataOf = (text: string): PictureData[] => {
  const [, json] = /<script type="application\/json" id="pictures">(.*?)<\/script>/s.exec(text)!;
  return JSON.parse(json!) as PictureData[];
};

test('each cell that was measured has a row, a picture and a way to see it again', (t) => {
  const rows = html.match(/<tr [^>]*data-behaviour=[^>]*><td><button[^>]*>/g) ?? [];
  t.is(rows.length, 16);
  const pictures = dataOf(html);
  for (const row of rows) {
    const [, place] = /data-picture="(\d+)"/.exec(row)!;
    t.true(pictures[Number(place)]!.b.length > 0);
    t.regex(row, /leasehold replay lab-/);
  }
});

test('what two cells have alike is said once', (t) => {
  const v = verdict({});
  const other = verdict({ driver: 'vfio' });
  const picture = JSON.stringify({ t: [0], e: 0, b: [], f: [], s: [] });
  const pictures = new Map([v, other].map((cell) => [cellName(cell), picture]));
  const text = reportHtml({ verdicts: [v, other], pictures, seconds: 1, device: 'x' });
  t.is(dataOf(text).length, 1);
  t.is(text.match(/data-picture="0"/g)?.length, 4, 'two figures and two rows');
});

test('nothing in the page is fetched', (t) => {
  t.notRegex(html, /<(link|img|iframe|script)[^>]+(src|href)=/);
});

test('text of a policy cannot become markup', (t) => {
  const html = reportHtml({
    verdicts: [verdict({ policy: '<script>alert(1)</script>' })],
    pictures: new Map(),
    seconds: 1,
    device: '/dev/shm/x',
  });
  t.false(html.includes('<script>alert'));
});

async function look(t: { teardown(fn: () => unknown): void }): Promise<{
  readonly tab: Page;
  readonly requests: readonly string[];
  readonly errors: readonly string[];
}> {
  const browser: Browser = await chromium.launch({ executablePath, args });
  t.teardown(() => browser.close());
  const tab = await browser.newPage({ viewport: { width: 1100, height: 1400 } });
  const requests: string[] = [];
  const errors: string[] = [];
  tab.on('request', (r) => requests.push(r.url()));
  tab.on('pageerror', (e) => errors.push(String(e)));
  await tab.goto(`file://${page}`);
  return { tab, requests, errors };
}

test('a browser shows the matrix and the timelines, and asks nobody', async (t) => {
  t.timeout(120_000);
  const { tab, requests, errors } = await look(t);
  t.is(await tab.locator('#matrix tbody tr').count(), 4);
  t.is(await tab.locator('#matrix td .stray').first().textContent(), 'STRAY');
  t.is(await tab.locator('#none--rdma-pinned svg.timeline rect.stray').first().count(), 1);
  t.is(await tab.locator('figure svg.timeline').count(), 8);
  t.true((await tab.locator('#none--rdma-pinned svg.pages rect.page-other').count()) > 0);
  t.true((await tab.locator('#orphan--rdma-pinned svg.pages rect.page-orphan').count()) > 0);
  t.regex((await tab.locator('section').last().textContent()) ?? '', /had stray DMA/);

  await tab.locator('details:has(#cells) > summary').click();
  const buttons = tab.locator('#cells button');
  t.is(await buttons.count(), 16);
  await buttons.nth(9).click();
  t.is(await tab.locator('#cells tr.drawn svg.timeline').count(), 1);
  await buttons.nth(9).click();
  t.is(await tab.locator('#cells tr.drawn').count(), 0);

  await tab.selectOption('select[name=policy]', 'wait');
  t.is(await tab.locator('section:visible').count(), 1);
  await tab.selectOption('select[name=policy]', '');
  await tab.screenshot({ path: screenshot });
  t.log(`screenshot: ${screenshot}`);

  await tab.setViewportSize({ width: 390, height: 800 });
  const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
  t.false(await tab.evaluate(wide), 'a phone scrolls tables, not the page');
  await tab.emulateMedia({ media: 'print', colorScheme: 'dark' });
  t.is(await tab.locator('form:visible').count(), 0);
  t.true((await tab.locator('figure svg.timeline:visible').count()) >= 8, 'paper has the pictures');
  t.deepEqual(errors, []);
  t.deepEqual(requests, [`file://${page}`]);
});
