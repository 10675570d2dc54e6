// Goal: counts, owners and wake-ups of pages are those of the kernel that is modelled.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { kernelNames } from '../../lib/kernel-rules.js';
import { gup } from '../../lib/mm/gup.js';
import { pageFlags } from '../../lib/mm/page-flags.js';
import { PAGE_SIZE, posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { bytes, mapFile, memoryMachine, newProcess, TestFile } from '../support/mm-fixture.js';

test('the refcount of a DAX page has the parts that its kernel gives it', async (t) => {
  const idle = { '6.1': 1, '6.12': 1, '7.2': 0, proposed: 0 };
  for (const kernel of kernelNames) {
    const m = memoryMachine({ kernel });
    const { mm } = newProcess(m, 'app');
    const file = new TestFile(m, 'fsdax', posOf(1));
    const { pages } = m.env;
    await m.run(async (task) => {
      const pfn = file.page(0);
      t.is(pages.refcount(pfn), idle[kernel]);
      const addr = await mapFile(task, mm, file, 1);
      await mm.load(task, addr, new Uint8Array(1));
      const mapped = kernel === '7.2' || kernel === 'proposed' ? 1 : 0;
      t.is(pages.refcount(pfn), idle[kernel] + mapped);
      t.false(pages.isBusy(pfn), 'a mapping does not make it busy');
      const out = new Uint32Array(1);
      await gup(task, mm, addr, 1, { write: false, kind: 'pin' }, out);
      t.is(pages.refcount(pfn), idle[kernel] + mapped + 1024);
      t.true(pages.isBusy(pfn));
      await gup(task, mm, addr, 1, { write: false, kind: 'get' }, out);
      t.is(pages.refcount(pfn), idle[kernel] + mapped + 1025);
      t.is(pages.firstBusy(Uint32Array.of(pfn)), pfn);
      pages.putPages(out, 0, 1);
      pages.unpinPages(out, 0, 1);
      t.throws(() => pages.unpinPages(out, 0, 1), { message: /no such reference/ });
      m.env.vmstat.counters.nrFollPinReleased = m.env.vmstat.counters.nrFollPinAcquired;
      await mm.exitMmap(task);
      file.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
});

// daxpin/*-load-while-blocked, *-store-while-blocked, *-truncate-0; facts trap 14.
const wakeRows = [
  { meanwhile: 'nothing', lost: [] },
  { meanwhile: 'load', lost: ['7.2'] },
  { meanwhile: 'store', lost: [] },
] as const;

for (const { meanwhile, lost } of wakeRows) {
  for (const kernel of kernelNames) {
    const ends = (lost as readonly string[]).includes(kernel) ? 'sleeps on' : 'goes on';
    test(`${kernel}: ${meanwhile} while truncate waits: after the unpin it ${ends}`, async (t) => {
      const m = memoryMachine({ kernel, sched: { mode: 'simulated' } });
      const { mm } = newProcess(m, 'app');
      const file = new TestFile(m, 'fsdax', posOf(4));
      let done = false;
      await m.run(async (task) => {
        const addr = await mapFile(task, mm, file, 4);
        const out = new Uint32Array(1);
        await gup(task, mm, addr + posOf(2), 1, { write: false, kind: 'get' }, out);
        const truncate = m.sched.spawn('truncate', async (worker) => {
          await file.truncate(worker, 0);
          done = true;
        });
        await m.sched.clock.sleep(task, 600);
        t.false(done);
        if (meanwhile === 'load') await mm.load(task, addr + posOf(2), new Uint8Array(16));
        if (meanwhile === 'store') await mm.store(task, addr + posOf(2), bytes(16, 1));
        m.env.pages.putPages(out, 0, 1);
        await m.sched.clock.sleep(task, 3_000);
        t.is(done, ends === 'goes on');
        await mm.munmap(task, addr, posOf(4)); // the last unmapping wakes it in any case
        await truncate.join(task);
        await mm.exitMmap(task);
      });
      assertBalanced(t, m.env, { mms: m.mms });
    });
  }
}

test('what the fast path has raised and not read again is speculative, each page for itself', (t) => {
  const m = memoryMachine();
  const { pages } = m.env;
  pages.speculate(3, 1);
  pages.speculate(3, 1);
  t.deepEqual([pages.speculative(3), pages.speculative(4)], [2, 0]);
  pages.speculate(3, -1);
  pages.speculate(3, -1);
  t.is(pages.speculative(3), 0);
  assertBalanced(t, m.env);
});

test('a RAM page is free when owner, mapping and reference are gone', (t) => {
  const drops = ['owner', 'mapping', 'reference'] as const;
  for (const first of drops) {
    for (const second of drops.filter((d) => d !== first)) {
      const last = drops.find((d) => d !== first && d !== second)!;
      const { env } = memoryMachine({ ramPages: 8 });
      const { pages, allocator } = env;
      const pfn = allocator.allocPage();
      const list = Uint32Array.of(pfn);
      pages.mapped(pfn, true);
      pages.getPages(list, 0, 1);
      const drop = {
        owner: () => allocator.freePage(pfn),
        mapping: () => pages.unmapped(pfn),
        reference: () => pages.putPages(list, 0, 1),
      };
      const before = allocator.nrFree;
      drop[first]();
      drop[second]();
      t.is(allocator.nrFree, before, `${first}, ${second}`);
      t.is(pages.nrOrphans, last === 'reference' ? 1 : 0);
      drop[last]();
      t.is(allocator.nrFree, before + 1, `${first}, ${second}, ${last}`);
      t.is(pages.flags(pfn), 0);
      assertBalanced(t, env);
    }
  }
});

test('listeners hear of the last reference, in every kernel, mapped or not', (t) => {
  for (const kernel of kernelNames) {
    const { env } = memoryMachine({ kernel });
    const { pages } = env;
    const pfn = pages.regions[1]!.basePfn + 3;
    const list = Uint32Array.of(pfn);
    const heard: number[] = [];
    const stop = pages.onIdle((idle) => heard.push(idle));
    pages.mapped(pfn, false);
    pages.pinPages(list, 0, 1);
    pages.getPages(list, 0, 1);
    pages.unpinPages(list, 0, 1);
    t.deepEqual(heard, []);
    pages.putPages(list, 0, 1);
    t.deepEqual(heard, [pfn]);
    stop();
    pages.getPages(list, 0, 1);
    pages.putPages(list, 0, 1);
    t.is(heard.length, 1);
    pages.unmapped(pfn);
    t.throws(() => pages.unmapped(pfn), { message: /unmap without map/ });
  }
});

test('a list with one page that cannot be counted changes nothing', (t) => {
  const { env } = memoryMachine();
  const { pages } = env;
  const base = pages.regions[1]!.basePfn;
  const outside = pages.regions[1]!.endPfn;
  const list = Uint32Array.of(base, base + 1, outside);
  t.throws(() => pages.getPages(list, 0, 3), { message: /in no region/ });
  t.is(pages.refs(base), 0);
  t.throws(() => pages.region(outside), { message: /in no region/ });
  t.false(pages.has(outside));
  assertBalanced(t, env);
});

test('a count at its limit is ENOMEM', (t) => {
  const { env } = memoryMachine();
  const { pages } = env;
  const region = pages.regions[1]!;
  const list = Uint32Array.of(region.basePfn, region.basePfn + 1);
  region.words[2] = 0x7fffffff;
  const failed = t.throws(() => pages.getPages(list, 0, 2));
  t.true(isErrno(failed, 'ENOMEM'), String(failed));
  t.is(pages.refs(region.basePfn), 0);
});

test('bytes go through lists of pages as if they were joined', (t) => {
  const { env } = memoryMachine();
  const { pages } = env;
  const base = pages.regions[1]!.basePfn;
  const list = Uint32Array.of(base + 5, base, base + 1);
  pages.fill(list, 0, 3 * PAGE_SIZE, 0x11);
  pages.write(list, PAGE_SIZE - 2, bytes(4, 0x22));
  const seen = new Uint8Array(4);
  pages.read(base + 5, PAGE_SIZE - 4, seen);
  t.deepEqual([...seen], [0x11, 0x11, 0x22, 0x22]);
  pages.read(base, 0, seen);
  t.deepEqual([...seen], [0x22, 0x22, 0x11, 0x11]);
  pages.copyPage(base + 9, base);
  pages.read(base + 9, 0, seen);
  t.deepEqual([...seen], [0x22, 0x22, 0x11, 0x11]);
  pages.fillPage(base + 9, 0x33, 1, 2);
  pages.read(base + 9, 0, seen);
  t.deepEqual([...seen], [0x22, 0x33, 0x33, 0x11]);
});

test('a page knows whose it is', (t) => {
  const { env } = memoryMachine();
  const { pages } = env;
  const pfn = pages.regions[1]!.basePfn;
  t.is(pages.owner(pfn), undefined);
  const owner = { mount: 1, ino: 2, generation: 3, pgoff: 4 };
  pages.setOwner(pfn, owner);
  t.deepEqual(pages.owner(pfn), owner);
  pages.setOwner(pfn, null);
  t.is(pages.owner(pfn), undefined);
  pages.setFlags(pfn, pageFlags.dirty | pageFlags.orphan);
  t.is(pages.nrOrphans, 1);
  t.true(pages.hasFlags(pfn, pageFlags.dirty));
  pages.clearFlags(pfn, pageFlags.dirty | pageFlags.orphan);
  t.is(pages.nrOrphans, 0);
});
