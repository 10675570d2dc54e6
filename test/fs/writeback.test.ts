// Goal: writeback does with a pinned page what the policy for pinned pages says; Linux, and a
// policy that says nothing, write it in place.

import test from 'ava';
import type { LayoutPolicy, PageWriteback } from '../../lib/lease/layout.js';
import { pinUserPages } from '../../lib/mm/gup.js';
import { policies } from '../../lib/policy/index.js';
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
