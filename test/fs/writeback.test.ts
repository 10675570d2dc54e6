// Goal: writeback does with a pinned page what the policy for pinned pages says; Linux, and a
// policy that says nothing, write it in place.

import test from 'ava';
import { Errno } from '../../lib/errno.js';
import { type BlockEngine, cpuEngine } from '../../lib/fs/direct-io.js';
import type { LayoutPolicy, PageWriteback } from '../../lib/lease/layout.js';
import { pinUserPages } from '../../lib/mm/gup.js';
import { policies, policyNamed } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, PAGES, runs } from './fs-fixture.js';

const saying = (what: PageWriteback): LayoutPolicy => ({
  ...policies.linux,
  pages: { beforeWriteback: () => what, beforeUnmap: () => 'allow' },
});

async function pinnedDirty(policy: LayoutPolicy) {
  const m = new FsMachine({ kernel: '6.1' });
  const fs = await m.make('ext4', { policy });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('w', PAGES(1)));
  const addr = await app.mmap(file, PAGES(1));
  const pins = await app.call(({ task }) =>
    pinUserPages(task, m.mm, {
      ...{ mm: app.mm, addr, len: PAGES(1), access: 'read', longterm: true, irrevocable: true },
      origin: { process: app, device: 'dev0', deviceFile: '/dev/dev0', dataFile: '/f' },
    }),
  );
  const onDevice = () => {
    const block = file.inode.extents.blockOf(0)!;
    return runs(fs.mount.disk!.partition.read(block, 0, 4096));
  };
  return { m, app, file, pins, onDevice };
}

const rows: readonly (readonly [string, LayoutPolicy, string, boolean, boolean])[] = [
  ['a policy that says nothing', policies.linux, '77*4096', false, false],
  ['in-place', saying('in-place'), '77*4096', false, false],
  ['bounce', saying('bounce'), '77*4096', true, false],
  ['skip', saying('skip'), '00*4096', true, true],
];

for (const [name, policy, written, dirty, unwritten] of rows) {
  test(`${name}: the page is ${dirty ? 'dirty' : 'clean'} after fsync`, async (t) => {
    const { m, app, file, pins, onDevice } = await pinnedDirty(policy);
    await app.call((c) => file.fsync(c));
    t.is(onDevice(), written);
    t.is(file.inode.mapping.isDirty(0), dirty);
    t.is(file.inode.extents.all[0]!.unwritten, unwritten);
    pins.unpin();
    await app.call((c) => file.fsync(c));
    t.is(onDevice(), '77*4096', 'unpinned it is written as any other');
    t.false(file.inode.mapping.isDirty(0));
    await m.end(t);
  });
}

test('wait: fsync sleeps until the page is unpinned', async (t) => {
  const { m, app, file, pins, onDevice } = await pinnedDirty(saying('wait'));
  const call = app.call((c) => file.fsync(c));
  t.true(await m.blocks(call));
  await app.call(async () => pins.unpin());
  t.false(await m.blocks(call));
  t.is(onDevice(), '77*4096');
  await m.end(t);
});

test('an on-demand device loses its write right at fsync, before the page is clean', async (t) => {
  const m = new FsMachine({ kernel: '6.1' });
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('v', PAGES(2)));
  const addr = await app.mmap(file, PAGES(2));
  await app.store(addr, bytesOf('w', PAGES(2)));
  const told: string[] = [];
  const { notifiers } = app.mm;
  const watch = notifiers.insert({
    ...{ start: addr, end: addr + PAGES(2), label: 'odp' },
    invalidate: (_task, { start, event }) => {
      const pgoff = (start - addr) / 4096;
      told.push(`${event} of page ${pgoff}, dirty ${file.inode.mapping.isDirty(pgoff)}`);
    },
  });
  await app.call((c) => file.fsync(c));
  t.deepEqual(told, ['protect of page 0, dirty true', 'protect of page 1, dirty true']);
  t.false(file.inode.mapping.isDirty(0));
  await app.store(addr, bytesOf('x', 1));
  t.true(file.inode.mapping.isDirty(0), 'the next store is noticed');
  await app.call(({ task }) => notifiers.remove(task, watch));
  await m.end(t);
});

/** What is on the device after each of four syncs of a page that a device overwrites meanwhile. */
async function snapshots(policy: LayoutPolicy, seed: number) {
  const m = new FsMachine({ kernel: '6.1', sched: { mode: 'simulated', seed } });
  const fs = await m.make('ext4', { policy });
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf(0, PAGES(1)));
  const addr = await app.mmap(file, PAGES(1));
  const pins = await app.call(({ task }) =>
    pinUserPages(task, m.mm, {
      ...{ mm: app.mm, addr, len: PAGES(1), access: 'write', longterm: true, irrevocable: true },
      origin: { process: app, device: 'dev0', deviceFile: '/dev/dev0', dataFile: '/f' },
    }),
  );
  const { pages } = m.mm;
  const pfn = pins.pfns[0]!;
  let alive = true;
  const device = m.sched.enter('device', async () => {
    for (let value = 1; alive; value++) {
      await m.sched.at(pages.objectOf(pfn), 'write');
      pages.fillPage(pfn, value % 256); // each write is one moment of the page
    }
  });
  const block = file.inode.extents.blockOf(0)!;
  const found: string[] = [];
  await app.call(async (c) => {
    for (let i = 0; i < 4; i++) {
      file.inode.mapping.setDirty(0);
      await file.fsync(c);
      found.push(runs(fs.mount.disk!.partition.read(block, 0, 4096)));
    }
    alive = false;
  });
  await device;
  const dirty = file.inode.mapping.isDirty(0);
  pins.unpin();
  return { m, found, dirty };
}

for (const seed of [1, 2, 3]) {
  test(`linux: what goes out while the device writes is a mixture, seed ${seed}`, async (t) => {
    const { m, found, dirty } = await snapshots(policies.linux, seed);
    t.true(
      found.some((bytes) => bytes.includes(',')),
      found.join(' '),
    );
    t.false(dirty, 'and the page counts as clean: later writes are lost unless it is unpinned');
    await m.end(t);
  });

  test(`bounce: what goes out is one moment of the page, seed ${seed}`, async (t) => {
    const { m, found, dirty } = await snapshots(policyNamed('bounce'), seed);
    for (const bytes of found) t.regex(bytes, /^[0-9a-f]{2}\*4096$/);
    t.true(new Set(found).size > 1, 'another one at each sync');
    t.true(dirty);
    t.is(m.mm.vmstat.counters.nrBounced, 4);
    await m.end(t);
  });
}

test('truncate waits until the bytes are out; the block is not given away below them', async (t) => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const m = new FsMachine({ kernel: '6.1', sched: { mode: 'live' } });
  let moving = 0;
  const engine: BlockEngine = {
    async transfer(task, io) {
      moving += io.len;
      await held;
      await cpuEngine(m.env).transfer(task, io);
    },
  };
  Object.assign(m.env, { blockEngine: engine });
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('w', PAGES(1)));
  const { blocks, free } = fs.statfs();
  const sync = app.call((c) => file.fsync(c));
  const again = app.call((c) => file.fsync(c)).then(() => 'synced');
  const cut = app.truncate(file, 0).then(() => 'cut');
  for (let i = 0; i < 20; i++) await Promise.resolve();
  t.is(moving, 4096, 'the second fsync does not write the page a second time');
  t.is(await Promise.race([cut, again, Promise.resolve('waits')]), 'waits');
  t.is(fs.statfs().free, free);
  release();
  await Promise.all([sync, again, cut]);
  t.true(fs.statfs().free > free && blocks === fs.statfs().blocks);
  await m.end(t);
});

test('a page that could not be written stays dirty: EIO', async (t) => {
  const m = new FsMachine({ kernel: '6.1' });
  const failing: BlockEngine = {
    transfer: () => Promise.reject(new Errno('EIO', 'disk0: write of 4096 bytes failed')),
  };
  Object.assign(m.env, { blockEngine: failing });
  const fs = await m.make('ext4');
  const app = m.process();
  const file = await app.open(fs, '/f');
  await app.write(file, 0, bytesOf('w', PAGES(1)));
  await t.throwsAsync(
    app.call((c) => file.fsync(c)),
    { code: 'EIO' },
  );
  t.true(file.inode.mapping.isDirty(0));
  t.true(file.inode.extents.all[0]!.unwritten);
  Object.assign(m.env, { blockEngine: undefined });
  await app.call((c) => file.fsync(c));
  t.false(file.inode.mapping.isDirty(0));
  await m.end(t);
});
