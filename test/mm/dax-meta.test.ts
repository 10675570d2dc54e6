// Goal: what a machine that is gone said of pages is forgotten, but not whose the pages are that
// somebody who lives still references.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import { kernelRules } from '../../lib/kernel-rules.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { newMMEnv } from '../../lib/mm/mm-env.js';
import type { PageSpace } from '../../lib/mm/page.js';
import { Scheduler } from '../../lib/sched/index.js';
import { MiB } from '../../lib/units.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'leasehold-dax-meta-'));
test.after.always(() => fs.rmSync(folder, { recursive: true }));

/** The pages of a device, as a machine sees them; page 0 of the device first. */
function pagesOf(device: DaxDevice): { pages: PageSpace; base: number } {
  const ram = DaxDevice.memory(MiB);
  const sched = new Scheduler({ mode: 'live' });
  const { pages } = newMMEnv(sched, kernelRules['7.2'], { ram, pmem: device });
  return { pages, base: pages.regions[1]!.basePfn };
}

test('whoever opens the device sees what was said; alone, it finds nothing', (t) => {
  const file = path.join(folder, 'seen.img');
  const first = DaxDevice.open(file, { size: MiB, create: true });
  const owner = { mount: 1, ino: 12, generation: 3, pgoff: 8 };
  const a = pagesOf(first);
  a.pages.setOwner(a.base + 5, owner);
  a.pages.mapped(a.base + 5, true);
  const second = DaxDevice.open(file);
  const b = pagesOf(second);
  t.deepEqual(b.pages.owner(b.base + 5), owner);
  t.is(b.pages.mapcount(b.base + 5), 1);
  first.close();
  second.close();
  const third = DaxDevice.open(file);
  const c = pagesOf(third);
  t.is(c.pages.owner(c.base + 5), undefined);
  t.is(c.pages.mapcount(c.base + 5), 0);
  t.is(c.pages.flags(c.base + 5), 0);
  third.close();
});

test('mounting after another machine keeps whose the referenced pages are, and no more', (t) => {
  const file = path.join(folder, 'mounted.img');
  const observer = DaxDevice.open(file, { size: 4 * MiB, create: true });
  const o = pagesOf(observer);
  const machine = DaxDevice.open(file);
  const m = pagesOf(machine);
  machine.lockMount();
  const owner = { mount: 1, ino: 12, generation: 3, pgoff: 8 };
  for (const page of [5, 6, 700]) {
    m.pages.setOwner(m.base + page, owner);
    m.pages.mapped(m.base + page, true);
  }
  o.pages.pinPages(Uint32Array.of(o.base + 5), 0, 1);
  machine.close();
  const next = DaxDevice.open(file);
  const n = pagesOf(next);
  t.is(n.pages.mapcount(n.base + 5), 1, 'opening with others changes nothing');
  next.lockMount();
  for (const page of [5, 6, 700]) {
    t.is(n.pages.mapcount(n.base + page), 0);
    t.is(n.pages.flags(n.base + page), 0);
    t.deepEqual(n.pages.owner(n.base + page), page === 5 ? owner : undefined);
  }
  t.is(n.pages.pins(n.base + 5), 1, 'the pin of the one who lives is not touched');
  o.pages.unpinPages(Uint32Array.of(o.base + 5), 0, 1);
  next.close();
  observer.close();
});

test('mounting again without another machine in between keeps what was said', (t) => {
  const device = DaxDevice.open(path.join(folder, 'again.img'), { size: MiB, create: true });
  const { pages, base } = pagesOf(device);
  pages.mapped(base + 3, false);
  device.lockMount()[Symbol.dispose]();
  device.lockMount()[Symbol.dispose]();
  t.is(pages.mapcount(base + 3), 1);
  device.close();
});
