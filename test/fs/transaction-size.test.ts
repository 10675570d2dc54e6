// Goal: no change of a file is ever too long for the log: it becomes several transactions, or is
// refused with ENOSPC before anything changed. Method: the shortest log there is, a partition of
// many map blocks, files of thousands of extents; a power failure between any two transactions.

import test from 'ava';
import { DiskStore } from '../../lib/fs/disk-store.js';
import { recoverOrphans } from '../../lib/fs/orphans.js';
import { overlayPartition as overlay } from '../../lib/fs/overlay-partition.js';
import { FileSystem } from '../../lib/fs/file-system.js';
import { BITMAP_BITS } from '../../lib/fs/format.js';
import { fsckPartition } from '../../lib/fs/fsck.js';
import { devicePartition } from '../../lib/fs/partition.js';
import { AllocationRoom, changeableExtents, checkShift } from '../../lib/fs/transaction-size.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { GiB } from '../../lib/units.js';
import { bytesOf, FsMachine, MiB, outcome, PAGES } from './fs-fixture.js';

const SHORTEST = 8;

async function made(len: number, journalBlocks = SHORTEST) {
  const device = DaxDevice.memory(len);
  const m = new FsMachine({ device, kernel: '7.2' });
  await FileSystem.mkfs(device, { startPos: 0, len, flavor: 'xfs', journalBlocks, nrInodes: 64 });
  const fs = await m.mount('xfs', { dax: true, len });
  return { m, fs, app: m.process(), device };
}

/** A file with a block in every other page: `nr` extents. */
async function fragmented({ fs, app }: Awaited<ReturnType<typeof made>>, nr: number) {
  const [file, other] = [await app.open(fs, '/f'), await app.open(fs, '/other')];
  const inode = await app.call(async (c) => fs.inode(c, '/f'));
  for (let i = 0; i < nr; i++) {
    await app.call((c) => file.fallocate(c, 'keep_size', PAGES(2 * i), PAGES(1)));
  }
  await app.truncate(file, PAGES(2 * nr));
  return { file, other, inode };
}

const sound = async (device: DaxDevice): Promise<readonly unknown[]> =>
  (await fsckPartition(devicePartition(device, 0, device.len), false)).findings;

test('a transaction has room for one map block at least, and then for as many as fit', (t) => {
  const run = (block: number, nrBlocks: number) => ({ block, nrBlocks });
  const little = new AllocationRoom(0);
  t.is(little.take(run(BITMAP_BITS - 10, 100)), 10, 'to the end of its map block');
  t.is(little.take(run(5 * BITMAP_BITS, 1)), 0);
  t.is(new AllocationRoom(Infinity).take(run(0, 2 ** 28)), 2 ** 28);
});

test('so many extents change at once, and a shift of more is ENOSPC', (t) => {
  const nr = changeableExtents(64 * 1024);
  t.notThrows(() => checkShift(nr, 64 * 1024));
  t.throws(() => checkShift(nr + 1, 64 * 1024), { code: 'ENOSPC' });
  t.notThrows(() => checkShift(2 ** 30, Infinity));
});

test('900 MiB are allocated and given back through a log of 32 KiB', async (t) => {
  const { m, fs, app, device } = await made(GiB);
  const file = await app.open(fs, '/f');
  const { free } = fs.statfs();
  await app.call((c) => file.fallocate(c, 'alloc', 0, 900 * MiB));
  t.is(fs.statfs().free, free - (900 * MiB) / PAGES(1));
  t.is(await outcome(app.call((c) => file.fallocate(c, 'alloc', 0, 2 * GiB))), 'ENOSPC');
  t.is(fs.statfs().free, free - (900 * MiB) / PAGES(1));
  await app.truncate(file, 1);
  t.is(fs.statfs().free, free - 1);
  await app.exit();
  await m.sched.settle();
  await m.unmount(fs);
  t.deepEqual(await sound(device), []);
  device.close();
});

test('a file of 3000 extents is punched, truncated and unlinked through a log of 32 KiB', async (t) => {
  const made1 = await made(64 * MiB);
  const { m, fs, app, device } = made1;
  const { free } = fs.statfs();
  const { file, inode } = await fragmented(made1, 3000);
  t.is(inode.extents.length, 3000);
  await app.call((c) => file.fallocate(c, 'zero', 0, PAGES(2000)));
  await app.call((c) => file.fallocate(c, 'punch', PAGES(100), PAGES(3000)));
  t.is(inode.extents.segments(100, 3100).length, 1, 'one hole');
  await app.truncate(file, PAGES(4000));
  t.is(inode.extents.end, 3999);
  await app.call((c) => fs.unlink(c, '/f'));
  await app.close(file);
  t.is(fs.statfs().free, free);
  await app.exit();
  await m.sched.settle();
  await m.unmount(fs);
  t.deepEqual(await sound(device), []);
  device.close();
});

test('a collapse or an insert that moves too many extents is ENOSPC, and changes nothing', async (t) => {
  const made1 = await made(16 * MiB);
  const { m, fs, app } = made1;
  const { file, inode } = await fragmented(made1, 1000);
  await app.write(file, PAGES(1000), bytesOf('k', 10));
  const before = [inode.extents.all, file.stat(), fs.statfs()];
  for (const mode of ['collapse', 'insert'] as const) {
    t.is(await outcome(app.call((c) => file.fallocate(c, mode, PAGES(1), PAGES(1)))), 'ENOSPC');
    t.deepEqual([inode.extents.all, file.stat(), fs.statfs()], before, mode);
  }
  t.is(await outcome(app.call((c) => file.fallocate(c, 'collapse', PAGES(1990), PAGES(1)))), 'ok');
  await m.end(t);
});

test('a truncate that the power cut in half is finished by a mount, and by fsck', async (t) => {
  const len = GiB;
  const { m, fs, app, device } = await made(len);
  const file = await app.open(fs, '/f');
  await app.call((c) => file.fallocate(c, 'alloc', 0, 900 * MiB));
  await app.write(file, PAGES(10), bytesOf('s', PAGES(1)));
  const { journal } = fs.mount.disk!;
  const partition = devicePartition(device, 0, len);
  // Make every transaction durable, and keep what a mount would find after it.
  const found: { size: number; pages: number; truncating: boolean; cut: string }[] = [];
  const raw = journal.transaction.bind(journal);
  journal.transaction = async (task, change) => {
    const result = await raw(task, change);
    journal.commit();
    const store = DiskStore.open(overlay(partition));
    const record = store.read(file.stat().ino);
    const { notes, findings } = await fsckPartition(partition, false);
    found.push({
      ...{ size: record.size, pages: record.extents.nrBlocks, truncating: record.truncating },
      cut: [...findings.map((f) => f.what), ...notes.slice(2)].join('; '),
    });
    return result;
  };
  await app.truncate(file, PAGES(4));
  t.true(found.length > 5, `${found.length} transactions`);
  const halfway = found.filter((state) => state.truncating);
  t.true(halfway.length >= 3);
  for (const { size, pages, cut } of halfway) {
    t.is(size, PAGES(4), 'the size is the new one from the first on');
    t.true(pages > 4);
    t.is(cut, '1 truncates finished');
  }
  t.like(found.at(-1), { size: PAGES(4), pages: 4, truncating: false });
  journal.transaction = raw;
  await m.end(t);
});

test('after a crash in the middle of a truncate a larger size shows no old byte', async (t) => {
  const len = GiB;
  const { m, fs, app, device } = await made(len);
  const file = await app.open(fs, '/f');
  await app.call((c) => file.fallocate(c, 'alloc', 0, 900 * MiB));
  await app.write(file, PAGES(10), bytesOf('s', PAGES(1)));
  const { journal } = fs.mount.disk!;
  const raw = journal.transaction.bind(journal);
  let left = 2;
  journal.transaction = async (task, change) => {
    if (left-- === 0) throw new Error('the power is gone');
    return raw(task, change);
  };
  await t.throwsAsync(app.truncate(file, PAGES(4)));
  journal.commit();
  const bytes = overlay(devicePartition(device, 0, len));
  m.sched.abandon();
  const store = DiskStore.open(bytes);
  t.true(store.read(2).extents.nrBlocks > 100_000, 'most blocks are still there');
  t.is(await recoverOrphans(store), 1);
  t.is(store.read(2).extents.nrBlocks, 4);
  t.deepEqual(store.inodeMap.orphans(), []);
  device.close();
});
