// Goal: the report is one file that a browser shows without asking anybody for anything: matrix,
// a timeline for each worst cell, filters that filter. Method: a small part of the matrix, Chromium
// without a head, every request counted.
// Covers: report-style

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Browser, chromium } from 'playwright-core';
import { cellName, type CellVerdict } from '../../lib/lab/cell.js';
import { cellsOf } from '../../lib/lab/matrix.js';
import { measureCell } from '../../lib/lab/measure.js';
import { pictureOf, type Picture } from '../../lib/lab/picture.js';
import { reportHtml, worstCells } from '../../lib/lab/report.js';
import { policyNamed } from '../../lib/policy/index.js';
import { verdict } from './verdict-fixture.js';

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
  const policies = ['linux', 'wait', 'orphan', 'none'];
  const cells = cellsOf({
    policies,
    drivers: ['rdma-pinned', 'rdma-revocable'],
    behaviours: ['cooperates', 'never-leases'],
    operations: ['truncate'],
  });
  const options = { device, schedules: 2, exhaustive: false, live: false };
  const verdicts: CellVerdict[] = [];
  for (const cell of cells) {
    verdicts.push(await measureCell(cell, policyNamed(cell.policy), options));
  }
  const pictures = new Map<string, Picture>();
  for (const v of worstCells(verdicts)) {
    const policy = policyNamed(v.policy);
    pictures.set(cellName(v), await pictureOf(v, policy, { device, token: v.token }));
  }
  return reportHtml({ verdicts, pictures, seconds: 1, device });
}

test('text of a policy cannot become markup', (t) => {
  const html = reportHtml({
    verdicts: [verdict({ policy: '<script>alert(1)</script>' })],
    pictures: new Map(),
    seconds: 1,
    device: '/dev/shm/x',
  });
  t.false(html.includes('<script>alert'));
});

(existsSync(executablePath) ? test : test.skip)(
  'a browser shows the matrix and the timelines, and asks nobody',
  async (t) => {
    t.timeout(120_000);
    writeFileSync(page, await measured());
    const browser: Browser = await chromium.launch({ executablePath, args });
    t.teardown(() => browser.close());
    const tab = await browser.newPage({ viewport: { width: 1100, height: 1400 } });
    const requests: string[] = [];
    tab.on('request', (r) => requests.push(r.url()));
    const errors: string[] = [];
    tab.on('pageerror', (e) => errors.push(String(e)));
    await tab.goto(`file://${page}`);

    t.is(await tab.locator('#matrix tbody tr').count(), 4);
    t.is(await tab.locator('#matrix td .stray').first().textContent(), 'STRAY');
    t.is(await tab.locator('#none--rdma-pinned svg.timeline rect.stray').first().count(), 1);
    t.true((await tab.locator('svg.timeline').count()) >= 6);
    t.true((await tab.locator('#none--rdma-pinned svg.pages rect.page-other').count()) > 0);
    t.true((await tab.locator('#orphan--rdma-pinned svg.pages rect.page-orphan').count()) > 0);
    t.regex((await tab.locator('section').last().textContent()) ?? '', /had stray DMA/);

    await tab.selectOption('select[name=policy]', 'wait');
    t.is(await tab.locator('section:visible').count(), 1);
    await tab.selectOption('select[name=policy]', '');
    await tab.screenshot({ path: screenshot });
    t.log(`screenshot: ${screenshot}`);

    await tab.setViewportSize({ width: 390, height: 800 });
    const wide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
    t.false(await tab.evaluate(wide), 'a phone scrolls tables, not the page');
    t.deepEqual(errors, []);
    t.deepEqual(requests, [`file://${page}`]);
  },
);
