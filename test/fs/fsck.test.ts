// Goal: fsck names what is wrong, changes nothing unless told to, and leaves nothing wrong when it
// is. Method: one kind of damage at a time, made with a sound checksum where there is one.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { Directory } from '../../lib/fs/directory.js';
import { DiskStore } from '../../lib/fs/disk-store.js';
import {
  BITMAP_CHECKSUM_AT,
  decode,
  encode,
  inodeLayout,
  INODE_LEN,
  seal,
  STATE_LEN,
  stateLayout,
} from '../../lib/fs/format.js';
import { fsckPartition } from '../../lib/fs/fsck.js';
import { slotOf } from '../../lib/fs/inode-map.js';
import { mkfs } from '../../lib/fs/mkfs.js';
import { memoryPartition, type MemoryPartition } from './memory-partition.js';

const NR_BLOCKS = 128;
const spec = { perm: 0o644, uid: 0, gid: 0, nowNs: 1 } as const;

/** /f with four blocks, /d, /d/g. */
async function made() {
  const partition = memoryPartition(NR_BLOCKS);
  const sb = await mkfs(partition, { flavor: 'ext4' });
  const store = DiskStore.open(partition);
  const root = store.read(1);
  const names = new Directory(root, store);
  await store.journal.transaction(null, (h) => {
    const f = store.create(h, { ...spec, kind: 'file', parent: 0 });
    const [run] = store.allocator.alloc(h, 4, 'data');
    f.extents.insert({ pgoff: 0, nrPages: 4, block: run!.block, unwritten: false });
    store.write(h, f);
    const d = store.create(h, { ...spec, kind: 'dir', parent: 1 });
    const g = store.create(h, { ...spec, kind: 'file', parent: 0 });
    names.add(h, { name: 'f', ino: f.ino, kind: 'file' });
    names.add(h, { name: 'd', ino: d.ino, kind: 'dir' });
    new Directory(d, store).add(h, { name: 'g', ino: g.ino, kind: 'file' });
    root.nlink += 1;
    store.write(h, root);
  });
  store.setMounted(false);
  return { partition, sb };
}

type Sb = Awaited<ReturnType<typeof made>>['sb'];

/** Change fields of an inode, and seal it. */
function patch(p: MemoryPartition, sb: Sb, ino: number, change: object): void {
  const { block, offset } = slotOf(sb, ino);
  const bytes = p.read(block, offset, INODE_LEN);
  encode(inodeLayout, { ...decode(inodeLayout, bytes), ...change }, bytes);
  seal(bytes, inodeLayout.checksum.at);
  p.write(block, offset, bytes);
}

const damages: Record<string, { check: string; make(p: MemoryPartition, sb: Sb): void }> = {
  'a superblock copy': { check: 'superblock', make: (p) => p.write(0, 9, Uint8Array.of(1)) },
  'the header of the log': {
    check: 'journal',
    make: (p, sb) => p.zero(sb.journalStart, 1),
  },
  'the checksum of an inode': {
    check: 'inode',
    make: (p, sb) => p.write(sb.inodeTableStart, INODE_LEN + 20, Uint8Array.of(1)),
  },
  'nlink of an inode': { check: 'name', make: (p, sb) => patch(p, sb, 2, { nlink: 7 }) },
  'the parent of a directory': { check: 'name', make: (p, sb) => patch(p, sb, 3, { parent: 9 }) },
  'a block of the root directory': {
    check: 'name',
    make: (p, sb) => p.write(sb.dataStart, 100, Uint8Array.of(1, 2, 3)),
  },
  'a block bitmap': {
    check: 'map',
    make(p, sb) {
      const bytes = p.read(sb.bitmapStart, 0, 4096);
      bytes[15]! ^= 0x3c;
      seal(bytes, BITMAP_CHECKSUM_AT);
      p.write(sb.bitmapStart, 0, bytes);
    },
  },
  'the checksum of the inode bitmap': {
    check: 'map',
    make: (p, sb) => p.write(sb.inodeBitmapStart, 40, Uint8Array.of(1)),
  },
  'the counts': {
    check: 'map',
    make(p, sb) {
      const bytes = p.read(sb.stateBlock, 0, STATE_LEN);
      encode(stateLayout, { ...decode(stateLayout, bytes), freeBlocks: 1 }, bytes);
      seal(bytes, stateLayout.checksum.at);
      p.write(sb.stateBlock, 0, bytes);
    },
  },
  'the orphan list': {
    check: 'orphan',
    make(p, sb) {
      const bytes = p.read(sb.stateBlock, 0, STATE_LEN);
      encode(stateLayout, { ...decode(stateLayout, bytes), orphanHead: 3 }, bytes);
      seal(bytes, stateLayout.checksum.at);
      p.write(sb.stateBlock, 0, bytes);
    },
  },
};

test('a sound partition has no findings, and its counts are right', async (t) => {
  const { partition } = await made();
  const report = await fsckPartition(partition, false);
  t.deepEqual(report.findings, []);
  t.like(report, { sound: true, repaired: false, files: 2, directories: 2, usedBlocks: 6 });
});

for (const [what, { check, make }] of Object.entries(damages)) {
  test(`${what}: found, left alone, and sound after a repair`, async (t) => {
    const { partition, sb } = await made();
    make(partition, sb);
    const before = Uint8Array.from(partition.bytes);
    const report = await fsckPartition(partition, false);
    t.false(report.sound);
    t.true(
      report.findings.some((f) => f.check === check),
      JSON.stringify(report.findings),
    );
    t.deepEqual(partition.bytes, before);
    t.true((await fsckPartition(partition, true)).repaired);
    t.deepEqual((await fsckPartition(partition, false)).findings, []);
    t.is(DiskStore.open(partition).read(1).kind, 'dir');
  });
}

test('files that lost their names are in /lost+found', async (t) => {
  const { partition, sb } = await made();
  partition.write(sb.dataStart, 100, Uint8Array.of(1, 2, 3));
  await fsckPartition(partition, true);
  const store = DiskStore.open(partition);
  const found = new Directory(store.read(1), store).lookup('lost+found')!;
  const names = new Directory(store.read(found.ino), store).list().map((e) => e.name);
  t.deepEqual(names.sort(), ['#2', '#3']);
});

test('of two files that claim a block the first keeps it', async (t) => {
  const { partition } = await made();
  const store = DiskStore.open(partition);
  const f = store.read(2);
  const g = store.read(4);
  g.extents.insert({ ...f.extents.all[0]!, nrPages: 1 });
  await store.journal.transaction(null, (h) => store.write(h, g));
  store.setMounted(false);
  const [first] = (await fsckPartition(partition, true)).findings;
  t.is(first?.check, 'block');
  const again = DiskStore.open(partition);
  t.is(again.read(2).extents.nrBlocks, 4);
  t.is(again.read(4).extents.nrBlocks, 0);
});

test('files without a name are freed, as a mount would, and are no damage', async (t) => {
  const { partition } = await made();
  const store = DiskStore.open(partition);
  const f = store.read(2);
  const names = new Directory(store.read(1), store);
  await store.journal.transaction(null, (h) => {
    names.remove(h, 'f');
    f.nlink = 0;
    store.write(h, f);
  });
  store.journal.commit();
  const report = await fsckPartition(partition, true);
  t.deepEqual(report.findings, []);
  t.regex(report.notes.join(), /1 files without a name freed/);
  t.is((await fsckPartition(partition, false)).usedBlocks, 2);
});

test('without a superblock, or a root, there is nothing to repair', async (t) => {
  t.true(isErrno(await t.throwsAsync(fsckPartition(memoryPartition(64), true)), 'EINVAL'));
  const { partition, sb } = await made();
  partition.write(sb.inodeTableStart, 0, new Uint8Array(INODE_LEN));
  t.true(isErrno(await t.throwsAsync(fsckPartition(partition, true)), 'EUCLEAN'));
});
