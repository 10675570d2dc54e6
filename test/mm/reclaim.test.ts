// Goal: reclaim frees clean unused file pages and leaves pinned ones, as shrink_folio_list decides
// (facts 2.4), and asks a policy that holds off unmapping.

import test from 'ava';
import { gup } from '../../lib/mm/gup.js';
import { maybeDmaPinned, type ReclaimHooks, shrinkInactive } from '../../lib/mm/reclaim.js';
import { pageFlags } from '../../lib/mm/page-flags.js';
import { posOf } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import {
  bytes,
  mapFile,
  memoryMachine,
  newProcess,
  TestFile,
  vmaOf,
} from '../support/mm-fixture.js';

type Setup =
  'clean' | 'referenced' | 'pinned' | 'got' | 'dirty' | 'busy' | 'anonymous' | 'got 1024';

const rows: readonly {
  page: Setup;
  hooks?: 'refuse' | 'pageout';
  fate: 'reclaimed' | 'activated' | 'kept' | 'written';
  unmapped: boolean;
}[] = [
  { page: 'clean', fate: 'reclaimed', unmapped: true },
  { page: 'referenced', fate: 'activated', unmapped: false },
  { page: 'pinned', fate: 'activated', unmapped: true },
  { page: 'pinned', hooks: 'refuse', fate: 'kept', unmapped: false },
  { page: 'got', fate: 'kept', unmapped: true },
  { page: 'got 1024', fate: 'activated', unmapped: true },
  { page: 'dirty', fate: 'kept', unmapped: true },
  { page: 'dirty', hooks: 'pageout', fate: 'written', unmapped: true },
  { page: 'busy', fate: 'kept', unmapped: false },
  { page: 'anonymous', fate: 'kept', unmapped: false },
];

for (const row of rows) {
  test(`a page that is ${row.page}, hooks ${row.hooks}: ${row.fate}`, async (t) => {
    const m = memoryMachine({ sched: { mode: 'simulated' } });
    const { mm } = newProcess(m, 'app');
    const { pages } = m.env;
    const file = row.page === 'anonymous' ? null : new TestFile(m, 'pagecache', posOf(1));
    const written: number[] = [];
    const hooks: ReclaimHooks =
      row.hooks === 'refuse'
        ? { beforeUnmap: () => 'refuse' }
        : row.hooks === 'pageout'
          ? {
              pageout: async (_task, mapping, pgoff) => {
                mapping.clearDirty(pgoff);
                written.push(pgoff);
              },
            }
          : {};
    await m.run(async (task) => {
      const share = file === null ? 'private' : 'shared';
      const addr = await mapFile(task, mm, file, 1, { share });
      if (row.page === 'dirty' || file === null) await mm.store(task, addr, bytes(1, 1));
      else await mm.load(task, addr, new Uint8Array(1));
      const out = new Uint32Array(1);
      const taken: (() => void)[] = [];
      const take = async (kind: 'get' | 'pin'): Promise<void> => {
        await gup(task, mm, addr, 1, { write: false, kind }, out);
        taken.push(() =>
          kind === 'pin' ? pages.unpinPages(out, 0, 1) : pages.putPages(out, 0, 1),
        );
      };
      if (row.page === 'pinned') await take('pin');
      if (row.page === 'got') await take('get');
      if (row.page === 'got 1024') for (let i = 0; i < 1024; i++) await take('get');
      if (file !== null) pages.clearFlags(file.page(0), pageFlags.referenced);
      if (row.page === 'referenced') pages.setFlags(file!.page(0), pageFlags.referenced);
      const reader = m.sched.spawn('reader', async (worker) => {
        if (row.page !== 'busy') return;
        await file!.mapping.invalidateLock.downRead(worker);
        await m.sched.clock.sleep(worker, 10);
        file!.mapping.invalidateLock.upRead(worker);
      });
      await m.sched.clock.sleep(task, 1);
      const result = await shrinkInactive(task, m.env, 8, hooks);
      t.is(result.scanned, 1);
      t.is(result[row.fate], 1);
      t.is(vmaOf(mm, addr).pte(0) === 0, row.unmapped);
      t.is(written.length, row.fate === 'written' ? 1 : 0);
      t.is(pages.lru.nrActive, row.fate === 'activated' ? 1 : 0);
      if (row.fate === 'reclaimed') t.is(file!.mapping.nrEntries, 0);
      await reader.join(task);
      for (const drop of taken) drop();
      await mm.exitMmap(task);
      file?.drop(0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('a pinned page is always taken for pinned, 1024 references as well', (t) => {
  const { env } = memoryMachine();
  const pfn = env.pages.regions[1]!.basePfn;
  const list = Uint32Array.of(pfn);
  env.pages.pinPages(list, 0, 1);
  t.true(maybeDmaPinned(env, pfn));
  env.pages.unpinPages(list, 0, 1);
  t.false(maybeDmaPinned(env, pfn));
});

test('what was written comes back by faults, and reclaim counts what it did', async (t) => {
  const m = memoryMachine();
  const { mm } = newProcess(m, 'app');
  const file = new TestFile(m, 'pagecache', posOf(16));
  await m.run(async (task) => {
    const addr = await mapFile(task, mm, file, 16);
    await mm.load(task, addr, new Uint8Array(posOf(16)));
    for (let i = 0; i < 16; i++) m.env.pages.clearFlags(file.page(i), pageFlags.referenced);
    const result = await shrinkInactive(task, m.env, 10);
    t.is(result.reclaimed, 10);
    t.is(m.env.vmstat.counters.pgsteal, 10);
    t.is(m.env.vmstat.counters.pgscan, 10);
    t.is(file.mapping.nrEntries, 6);
    t.deepEqual([...file.mapping.entries()][0]![0], 10, 'the oldest went first');
    await mm.exitMmap(task);
    file.drop(0);
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
