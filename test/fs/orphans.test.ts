// Goal: a block that is referenced when its file lets go of it belongs to nobody else until the
// last reference is gone, and then it is free; after a crash too.

import { rmSync } from 'node:fs';
import test from 'ava';
import type { FsEvents } from '../../lib/fs/fs-env.js';
import { kernelNames } from '../../lib/kernel-rules.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { policies } from '../../lib/policy/index.js';
import { bytesOf, FsMachine, MiB, outcome, PAGES, runs } from './fs-fixture.js';

async function pinned(policy: 'orphan' | 'busy-extent' | 'none', events: FsEvents = {}) {
  const m = new FsMachine({ kernel: '7.2', events });
  const fs = await m.make('ext4', { dax: true, policy: policies[policy] });
  const app = m.process();
  const file = await app.open(fs, '/f');
  const empty = fs.statfs().free;
  await app.write(file, 0, bytesOf('Z', PAGES(8)));
  const addr = await app.mmap(file, PAGES(8));
  const { pipe } = await app.pin(addr + PAGES(2), PAGES(3));
  return { m, fs, app, file, addr, pipe, empty };
}

for (const policy of ['orphan', 'busy-extent'] as const) {
  test(`${policy}: truncate returns at once; held blocks come back with the unpin`, async (t) => {
    const seen: string[] = [];
    const s = await pinned(policy, {
      orphanAdd: (e) => seen.push(`+${e.owner.pgoff}`),
      orphanFree: (e) => seen.push(`-${e.owner.pgoff}`),
    });
    const { m, fs, app, file, pipe, empty } = s;
    await app.truncate(file, 0);
    t.is(file.stat().size, 0);
    t.is(file.stat().blocks, 0);
    t.is(fs.statfs().free, empty - 3);
    t.is(policy === 'orphan' ? fs.statfs().orphaned : fs.statfs().busy, 3);
    await app.write(file, 0, bytesOf('n', PAGES(8)));
    const other = await app.open(fs, '/g');
    await app.write(other, 0, bytesOf('g', PAGES(8)));
    t.is(runs(await app.unpin(pipe)), '5a*12288', 'the holder still sees its own bytes');
    await m.sched.settle();
    t.is(fs.statfs().orphaned + fs.statfs().busy, 0);
    t.is(fs.statfs().free, empty - 16);
    t.deepEqual(seen, ['+2', '+3', '+4', '-2', '-3', '-4']);
    await m.end(t);
  });

  test(`${policy}: a page covered in part is copied: late DMA never shows`, async (t) => {
    const { m, fs, app, file, addr, pipe, empty } = await pinned(policy);
    const before = m.mm.pages.mappingOf(pipe.pfns[1]!);
    t.is(before, file.inode.mapping);
    await app.truncate(file, PAGES(3) + 100);
    m.mm.pages.fillPage(pipe.pfns[1]!, 0x99); // a device that still holds page 3
    await app.truncate(file, PAGES(8));
    t.is(runs(await app.read(file, 0, PAGES(8))), `5a*${PAGES(3) + 100},00*${PAGES(5) - 100}`);
    t.is(runs(await app.load(addr + PAGES(3), PAGES(1))), '5a*100,00*3996');
    await app.unpin(pipe);
    await m.sched.settle();
    t.is(fs.statfs().free, empty - 4);
    await m.end(t);
  });

  test(`${policy}: punch, zero, collapse and insert leave the holder its pages`, async (t) => {
    for (const mode of ['punch', 'zero', 'collapse', 'insert'] as const) {
      const { m, fs, app, file, pipe } = await pinned(policy);
      await app.call((c) => file.fallocate(c, mode, PAGES(1), PAGES(4)));
      const content = runs(await app.read(file, 0, PAGES(16)));
      for (const pfn of pipe.pfns) m.mm.pages.fillPage(pfn, 0x99);
      t.is(runs(await app.read(file, 0, PAGES(16))), content, `${mode}: late DMA is not seen`);
      t.is(runs(await app.unpin(pipe)), '99*12288');
      await m.sched.settle();
      t.is(fs.statfs().orphaned + fs.statfs().busy, 0);
      await m.end(t);
    }
  });

  test(`${policy}: unlink and last close do not wait, and nothing leaks`, async (t) => {
    const { m, fs, app, file, addr, pipe, empty } = await pinned(policy);
    await app.munmap(addr, PAGES(8));
    await app.call((c) => fs.unlink(c, '/f'));
    t.is(fs.statfs().unlinkedOpen, 8);
    t.false(await m.blocks(app.close(file)));
    t.is(fs.statfs().free, empty - 3);
    t.is(fs.statfs().unlinkedOpen, 0);
    await app.unpin(pipe);
    await m.sched.settle();
    t.is(fs.statfs().free, empty);
    await m.end(t);
  });

  test(`${policy}: what a crash left is free at the next mount`, async (t) => {
    const path = `/tmp/leasehold-${policy}-${process.pid}.img`;
    const device = DaxDevice.open(path, { size: 4 * MiB, create: true });
    const m = new FsMachine({ kernel: '7.2', device });
    const fs = await m.make('ext4', { dax: true, policy: policies[policy] });
    const app = m.process();
    const empty = fs.statfs().free;
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('a', PAGES(4)));
    const addr = await app.mmap(file, PAGES(4));
    await app.pin(addr, PAGES(2));
    await app.truncate(file, 0);
    const unlinked = await app.open(fs, '/g');
    await app.write(unlinked, 0, bytesOf('g', PAGES(3)));
    await app.call((c) => fs.unlink(c, '/g'));
    t.is(fs.statfs().free, empty - 2 - 3);
    await m.sched.enter('sync', (task) => fs.sync(task));
    device.close(); // as if the machine had been killed
    const again = new FsMachine({ kernel: '7.2', device: DaxDevice.open(path) });
    const mounted = await again.mount('ext4', { dax: true, policy: policies[policy] });
    t.is(mounted.statfs().free, empty);
    t.is(mounted.statfs().orphaned + mounted.statfs().busy, 0);
    t.is(mounted.statfs().inodes - mounted.statfs().freeInodes, 2, 'the root and /f');
    await again.end(t);
    rmSync(path);
  });
}

test('none: the negative control hands the held block to the next file', async (t) => {
  for (const kernel of kernelNames) {
    const m = new FsMachine({ kernel });
    const fs = await m.make('xfs', { dax: true, policy: policies.none });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('Z', PAGES(2)));
    const addr = await app.mmap(file, PAGES(2));
    const { pipe } = await app.pin(addr, PAGES(2));
    t.is(await outcome(app.truncate(file, 0)), 'ok');
    const other = await app.open(fs, '/other');
    await app.write(other, 0, bytesOf('o', PAGES(2)));
    const owner = m.mm.pages.owner(pipe.pfns[0]!);
    t.is(owner?.ino, other.inode.ino);
    t.is(runs(await app.unpin(pipe)), '6f*8192', 'the holder reads the other file');
    await m.end(t);
  }
});

test('linux before 7.2 leaks across files once the file is unmapped (trap 2)', async (t) => {
  for (const kernel of ['6.1', '6.12', '7.2'] as const) {
    const m = new FsMachine({ kernel });
    const fs = await m.make('xfs', { dax: true });
    const app = m.process();
    const file = await app.open(fs, '/f');
    await app.write(file, 0, bytesOf('Z', PAGES(1)));
    const addr = await app.mmap(file, PAGES(1));
    const { pipe } = await app.pin(addr, PAGES(1));
    await app.munmap(addr, PAGES(1));
    const call = app.truncate(file, 0);
    if (await m.blocks(call)) {
      t.is(kernel, '7.2');
      t.is(runs(await app.unpin(pipe)), '5a*4096');
      await call;
    } else {
      await app.write(await app.open(fs, '/other'), 0, bytesOf('o', PAGES(1)));
      t.is(runs(await app.unpin(pipe)), '6f*4096', kernel);
    }
    await m.end(t);
  }
});
