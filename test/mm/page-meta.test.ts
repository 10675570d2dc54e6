// Goal: mapcount, flags and owner of a page lie in shared memory and say what was said last, to
// every thread; nothing is allocated for pages that nobody touched.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { kernelRules } from '../../lib/kernel-rules.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { newMMEnv } from '../../lib/mm/mm-env.js';
import { pageFlags } from '../../lib/mm/page-flags.js';
import { type PageOwner, PageOwners, type PageSpace } from '../../lib/mm/page.js';
import { Scheduler } from '../../lib/sched/index.js';
import { GiB, MiB } from '../../lib/units.js';
import { inWorker } from '../native/threads.js';
import { memoryMachine } from '../support/mm-fixture.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'leasehold-meta-'));
test.after.always(() => fs.rmSync(folder, { recursive: true }));

/** The pages of a device, as a machine sees them; page 0 of the device first. */
function pagesOf(device: DaxDevice): { pages: PageSpace; base: number } {
  const ram = DaxDevice.memory(MiB);
  const sched = new Scheduler({ mode: 'live' });
  const { pages } = newMMEnv(sched, kernelRules['7.2'], { ram, pmem: device });
  return { pages, base: pages.regions[1]!.basePfn };
}

const owners = fc.record({
  mount: fc.integer({ min: -1, max: 60_000 }),
  ino: fc.nat(0xffffffff),
  generation: fc.nat(0xffffffff),
  pgoff: fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 2 ** 41 })),
});

testProp('the owner read is the owner set, and no other', [owners, owners], (t, a, b) => {
  const { pages } = memoryMachine().env;
  const pfn = pages.regions[1]!.basePfn;
  t.is(pages.owner(pfn), undefined);
  t.is(pages.ownerPgoff(pfn), undefined);
  t.false(pages.isOwner(pfn, a));
  pages.setOwner(pfn, a);
  t.deepEqual(pages.owner(pfn), a);
  t.is(pages.ownerPgoff(pfn), a.pgoff);
  t.true(pages.isOwner(pfn, a));
  const same = (Object.keys(a) as (keyof PageOwner)[]).every((key) => a[key] === b[key]);
  t.is(pages.isOwner(pfn, b), same);
  t.is(pages.owner(pfn + 1), undefined, 'the next page is not touched');
  pages.setOwner(pfn, null);
  t.is(pages.owner(pfn), undefined);
});

test('adjacent pages of a file are owned in one call, over the 2^32 too', (t) => {
  const { pages } = memoryMachine().env;
  const pfn = pages.regions[1]!.basePfn;
  const first = { mount: 3, ino: 12, generation: 4, pgoff: 2 ** 32 - 2 };
  pages.setOwners(pfn, 4, first);
  for (let i = 0; i < 4; i++) {
    t.deepEqual(pages.owner(pfn + i), { ...first, pgoff: first.pgoff + i });
  }
});

test('the first stranger of a list is the first page that changed hands', (t) => {
  const { pages } = memoryMachine().env;
  const [ram, pmem] = pages.regions;
  const pfns = Uint32Array.of(
    pmem!.basePfn,
    ram!.basePfn + 9,
    pmem!.basePfn + 1,
    pmem!.basePfn + 2,
  );
  pages.setOwner(pfns[0]!, { mount: 1, ino: 5, generation: 1, pgoff: 0 });
  pages.setOwner(pfns[2]!, { mount: 1, ino: 5, generation: 1, pgoff: 2 });
  pages.setOwner(pfns[3]!, { mount: 1, ino: 5, generation: 1, pgoff: 3 });
  const then = pages.ownersOf(pfns);
  t.is(then.length, 4);
  t.deepEqual(then.of(2), { mount: 1, ino: 5, generation: 1, pgoff: 2 });
  t.is(then.of(1), undefined);
  const stranger = (from = 0, to = 4): number => pages.firstStranger(pfns, then, from, to);
  t.is(stranger(), -1);
  pages.setOwner(pfns[1]!, { mount: 1, ino: 6, generation: 1, pgoff: 0 });
  t.is(stranger(), -1, 'memory of no file may become anything');
  pages.setOwner(pfns[2]!, { mount: 1, ino: 5, generation: 2, pgoff: 2 });
  pages.setOwner(pfns[3]!, null);
  t.is(stranger(), 2);
  t.is(stranger(3), 3);
  t.is(stranger(0, 2), -1);
  t.is(pages.firstStranger(pfns, new PageOwners(4), 0, 4), -1);
});

test('threads that raise the mapcount and set flags lose none of each other', async (t) => {
  const device = DaxDevice.memory(MiB);
  const { pages, base } = pagesOf(device);
  const worker = inWorker(
    `for (let i = 0; i < 20000; i++) {
       Atomics.add(data.meta, 8 * 7, 1);
       Atomics.or(data.meta, 8 * 7 + 1, 1 << 20);
       Atomics.and(data.meta, 8 * 7 + 1, ~(1 << 20));
     }
     return 0;`,
    { meta: device.meta },
  );
  for (let i = 0; i < 20_000; i++) {
    pages.mapped(base + 7, false);
    pages.setFlags(base + 7, pageFlags.dirty);
    pages.clearFlags(base + 7, pageFlags.dirty);
  }
  pages.setFlags(base + 7, pageFlags.active);
  await worker;
  t.is(pages.mapcount(base + 7), 40_000);
  t.is(pages.flags(base + 7), pageFlags.active);
  device.meta.fill(0);
  device.close();
});

test('unmapping a page that nobody maps is a BUG and changes nothing', (t) => {
  const { pages } = memoryMachine().env;
  const pfn = pages.regions[1]!.basePfn;
  t.throws(() => pages.unmapped(pfn), { message: /unmap without map/ });
  t.is(pages.mapcount(pfn), 0);
});

test('a device of 1000 GiB costs what is touched of it', (t) => {
  const file = path.join(folder, 'large.img');
  const device = DaxDevice.open(file, { size: 1000 * GiB, create: true });
  const { pages, base } = pagesOf(device);
  const last = base + device.nrPages - 1;
  const owner = { mount: 1, ino: 9, generation: 1, pgoff: 2 };
  pages.setOwner(last, owner);
  pages.mapped(last, true);
  t.deepEqual(pages.owner(last), owner);
  t.is(pages.mapcount(last), 1);
  t.is(pages.mapcount(base), 0);
  t.true(fs.statSync(file).blocks * 512 < MiB, 'the rest of the file is a hole');
  device.close();
});
