// Goal: torn, late and lost pages are found where they are, and nowhere else. Method: the device's
// own blocks are changed under the file, a part of a page or all of it.

import test from 'ava';
import { lostPages, PageCheck } from '../../lib/lab/page-check.js';
import { dataPath } from '../../lib/lab/scene.js';
import { PAGE_SIZE } from '../../lib/units.js';
import { endOf, onStage, type Stage } from './play-fixture.js';

const cached = { policy: 'linux', driver: 'rdma-pinned', operation: 'fsync' } as const;

/** What the device has of a page of the file from now on. */
function putOnDevice({ machine }: Stage, pgoff: number, from: number, len: number): void {
  const { inodes, disk } = machine.mounts.get('/')!.mount;
  const inode = [...inodes].find(({ path }) => path === dataPath)!;
  const pfn = disk!.partition.pfnOf(inode.extents.blockOf(pgoff)!);
  machine.mm.pages.native.fillPages(Uint32Array.of(pfn), from, len, 0x77);
}

const synced = async (stage: Stage): Promise<PageCheck> => {
  const check = new PageCheck(stage.play.scene);
  const { admin } = stage.play.scene;
  await stage.run(async () => {
    const fd = await admin.open(dataPath, ['rdwr']);
    await admin.fsync(fd);
    await admin.close(fd);
  });
  return check;
};

test('a page that was synced while nobody wrote is whole and not late', async (t) => {
  await onStage(cached, async (stage) => {
    const check = await synced(stage);
    t.deepEqual(check.look(), { torn: 0, late: 0 });
    check.stop();
  });
});

test('half a page of something else is torn; a page of one byte is a moment', async (t) => {
  await onStage(cached, async (stage) => {
    const check = await synced(stage);
    putOnDevice(stage, 1, 0, PAGE_SIZE / 2);
    t.is(check.look().torn, 1);
    putOnDevice(stage, 1, 0, PAGE_SIZE);
    t.deepEqual(check.look(), { torn: 0, late: 1 });
    check.stop();
  });
});

test('a page that a device writes to after fsync is late until it is dirty', async (t) => {
  await onStage(cached, async (stage) => {
    const check = await synced(stage);
    const { running } = stage.play.holders[0]!;
    await stage.run((task) => running!.pulse(task));
    t.deepEqual(check.look(), { torn: 0, late: 1 });
    await stage.run((task) => running!.release(task));
    t.deepEqual(check.look(), { torn: 0, late: 0 }, 'the unpin says so');
    check.stop();
  });
});

test('what the page cache takes for clean and the device does not have is lost', async (t) => {
  await onStage(cached, async (stage) => {
    const check = await synced(stage);
    t.is(await stage.run(() => lostPages(stage.play.scene)), 0);
    putOnDevice(stage, 0, 100, 8);
    t.is(await stage.run(() => lostPages(stage.play.scene)), 1);
    check.stop();
  });
});

test('reclaim leaves pinned pages mapped under hold-unmap, and only there', async (t) => {
  const cell = { driver: 'rdma-pinned', operation: 'reclaim' } as const;
  const linux = await endOf({ ...cell, policy: 'linux' });
  const held = await endOf({ ...cell, policy: 'hold-unmap' });
  t.true(linux.reclaim!.activated > 0, 'unmapped, found pinned, kept for later');
  t.is(held.reclaim!.activated, 0);
  t.true(held.reclaim!.kept > linux.reclaim!.kept);
  t.deepEqual([linux.lostPages, held.lostPages], [0, 0]);
});

test('what a CPU stored is a moment as well', async (t) => {
  for (const policy of ['linux', 'bounce', 'hold-unmap']) {
    const e = await endOf({ policy, driver: 'v4l2-dmabuf', operation: 'fsync' });
    t.is(e.tornPages, 0, policy);
  }
});
