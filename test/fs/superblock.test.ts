// Goal: a mount believes an intact superblock copy, names the damaged one, and refuses when both
// are.

import test from 'ava';
import fc from 'fast-check';
import { isErrno } from '../../lib/errno.js';
import { SUPERBLOCK_LEN } from '../../lib/fs/format.js';
import {
  flavorOf,
  MIN_BLOCKS,
  planSuperblock,
  findSuperblock,
  superblockBytes,
  writeSuperblock,
} from '../../lib/fs/superblock.js';
import { memoryPartition } from './memory-partition.js';

const NR_BLOCKS = 64;

function written(flavor: 'ext4' | 'xfs' = 'ext4') {
  const partition = memoryPartition(NR_BLOCKS);
  const sb = planSuperblock(flavor, { nrBlocks: NR_BLOCKS });
  writeSuperblock(partition, sb);
  return { partition, sb };
}

test('what was written is read back, with its flavor', (t) => {
  for (const flavor of ['ext4', 'xfs'] as const) {
    const { partition, sb } = written(flavor);
    const found = findSuperblock(partition).values;
    t.deepEqual({ ...found, checksum: 0 }, sb);
    t.is(flavorOf(found), flavor);
  }
});

test('the areas of a planned file system follow each other and leave room for data', (t) => {
  for (const nrBlocks of [MIN_BLOCKS, 64, 1000, 33_000, 100_000]) {
    const sb = planSuperblock('ext4', { nrBlocks });
    t.is(sb.journalStart, 1);
    t.is(sb.bitmapStart, sb.journalStart + sb.journalBlocks);
    t.is(sb.inodeBitmapStart, sb.bitmapStart + sb.bitmapBlocks);
    t.is(sb.stateBlock, sb.inodeBitmapStart + sb.inodeBitmapBlocks);
    t.is(sb.inodeTableStart, sb.stateBlock + 1);
    t.is(sb.dataStart, sb.inodeTableStart + sb.inodeTableBlocks);
    t.true(sb.dataStart + 8 <= nrBlocks);
    t.true(sb.bitmapBlocks * 4096 * 8 >= nrBlocks);
  }
});

test('a partition that is too small is refused', (t) => {
  const small = () => planSuperblock('ext4', { nrBlocks: MIN_BLOCKS - 1 });
  t.true(isErrno(t.throws(small), 'EINVAL'));
  const e = t.throws(() => findSuperblock(memoryPartition(MIN_BLOCKS - 1)));
  t.true(isErrno(e, 'EINVAL'));
});

test('a partition without a superblock is EINVAL, not a crash', (t) => {
  t.true(
    isErrno(
      t.throws(() => findSuperblock(memoryPartition(NR_BLOCKS))),
      'EINVAL',
    ),
  );
  const partition = memoryPartition(NR_BLOCKS);
  partition.bytes.fill(0xa5);
  t.true(
    isErrno(
      t.throws(() => findSuperblock(partition)),
      'EINVAL',
    ),
  );
});

for (const [index, block] of [
  [0, 0],
  [1, NR_BLOCKS - 1],
] as const) {
  test(`any damaged byte of copy ${index} is named, and the other copy is believed`, (t) => {
    for (let at = 0; at < SUPERBLOCK_LEN; at++) {
      const { partition, sb } = written();
      partition.bytes[block * 4096 + at]! ^= 0x40;
      const { values, damage } = findSuperblock(partition);
      t.deepEqual({ ...values, checksum: 0 }, sb);
      t.regex(damage ?? '', new RegExp(`superblock copy ${index}`), `byte ${at}`);
      partition.bytes[(index === 0 ? NR_BLOCKS - 1 : 0) * 4096 + 8]! ^= 1;
      const e = t.throws(() => findSuperblock(partition));
      t.true(isErrno(e, 'EUCLEAN') || isErrno(e, 'EINVAL'));
    }
  });
}

test('of two intact copies the one written later counts', (t) => {
  const { partition, sb } = written();
  partition.write(0, 0, superblockBytes({ ...sb, sequence: 9, state: 1 }));
  t.is(findSuperblock(partition).values.sequence, 9);
  partition.write(NR_BLOCKS - 1, 0, superblockBytes({ ...sb, sequence: 12 }));
  t.is(findSuperblock(partition).values.sequence, 12);
});

test('a superblock of another size, version or geometry is refused by name', (t) => {
  const wrong = [
    { nrBlocks: NR_BLOCKS * 2 },
    { version: 1 },
    { incompat: 3 },
    { stateBlock: 9 },
    { blockSize: 1024 },
    { flavor: 7 },
    { dataStart: 5 },
    { bitmapBlocks: 2 },
    { rootIno: 3 },
  ];
  for (const change of wrong) {
    const { partition, sb } = written();
    const bytes = superblockBytes({ ...sb, ...change });
    partition.write(0, 0, bytes);
    t.truthy(findSuperblock(partition).damage, JSON.stringify(change));
    partition.write(NR_BLOCKS - 1, 0, bytes);
    t.true(
      isErrno(
        t.throws(() => findSuperblock(partition)),
        'EUCLEAN',
      ),
      JSON.stringify(change),
    );
  }
});

test('garbage in place of a superblock never ends in anything but a refusal', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), fc.boolean(), (junk, magic) => {
      const { partition } = written();
      for (const block of [0, NR_BLOCKS - 1]) {
        partition.write(block, magic ? 4 : 0, magic ? junk.subarray(4) : junk);
      }
      const e = t.throws(() => findSuperblock(partition));
      t.true(isErrno(e, 'EUCLEAN') || isErrno(e, 'EINVAL'));
    }),
  );
});
