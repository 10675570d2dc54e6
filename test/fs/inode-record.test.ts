// Goal: an inode comes back from its bytes as it was, and damage is EUCLEAN, never a crash.

import test from 'ava';
import fc from 'fast-check';
import { Errno, isErrno } from '../../lib/errno.js';
import { ExtentList } from '../../lib/fs/extent.js';
import { denseLeaves } from '../../lib/fs/extent-leaves.js';
import { BLOCK_SIZE, INLINE_EXTENTS, kindModes, OVERFLOW_EXTENTS } from '../../lib/fs/format.js';
import {
  inodeBytes,
  overflowBytes,
  readInodeRecord,
  type InodeRecord,
} from '../../lib/fs/inode-record.js';

const FIRST_DATA = 100;

function recordWith(nrExtents: number): InodeRecord {
  const extents = new ExtentList();
  for (let i = 0; i < nrExtents; i++) {
    extents.insert({
      pgoff: i * 3 + (i > 5 ? 2 ** 33 : 0),
      nrPages: 2,
      block: FIRST_DATA + i * 4,
      unwritten: i % 2 === 0,
    });
  }
  const leaves = denseLeaves(nrExtents);
  return {
    ...{ ino: 7, generation: 3, kind: 'file', perm: 0o640, nlink: 1, uid: 5, gid: 6 },
    ...{ size: 2 ** 40 + 1, atimeNs: 1, mtimeNs: 2, ctimeNs: 3 },
    ...{ immutable: true, append: false, daxFlag: true, orphan: false, parent: 0, target: null },
    extents,
    overflow: leaves.map((_nr, i) => 9000 + i),
    ...{ leaves, stored: extents.all, truncating: false },
  };
}

function stored(record: InodeRecord) {
  const blocks = new Map<number, Uint8Array>();
  for (const { block, bytes } of overflowBytes(record)) blocks.set(block, bytes);
  const source = {
    readBlock: (block: number) => blocks.get(block) ?? new Uint8Array(BLOCK_SIZE),
    isData: (block: number) => block >= FIRST_DATA && block < 10_000,
  };
  const bytes = inodeBytes(record, kindModes[record.kind] | record.perm);
  return { bytes, blocks, source };
}

for (const nr of [
  0,
  1,
  INLINE_EXTENTS,
  INLINE_EXTENTS + 1,
  INLINE_EXTENTS + OVERFLOW_EXTENTS,
  700,
]) {
  test(`an inode of ${nr} extents comes back as it was`, (t) => {
    const record = recordWith(nr);
    const { bytes, source } = stored(record);
    const back = readInodeRecord(bytes, 7, source);
    t.deepEqual(
      { ...back, extents: back?.extents.all },
      { ...record, extents: record.extents.all },
    );
  });
}

test('a short link keeps its target in the inode', (t) => {
  const record: InodeRecord = { ...recordWith(0), kind: 'link', target: '../größe', size: 10 };
  const { bytes, source } = stored(record);
  t.is(readInodeRecord(bytes, 7, source)?.target, '../größe');
});

test('a slot of zeros is free', (t) => {
  t.is(readInodeRecord(new Uint8Array(256), 1, stored(recordWith(0)).source), null);
});

test('any damaged byte of the slot or of its chain is EUCLEAN', (t) => {
  const record = recordWith(30);
  for (let at = 0; at < 256; at++) {
    const { bytes, source } = stored(record);
    bytes[at]! ^= 0x11;
    t.true(
      isErrno(
        t.throws(() => readInodeRecord(bytes, 7, source)),
        'EUCLEAN',
      ),
      `byte ${at}`,
    );
  }
  for (let at = 0; at < BLOCK_SIZE; at += 7) {
    const { bytes, blocks, source } = stored(record);
    blocks.get(9000)![at]! ^= 0x11;
    t.true(
      isErrno(
        t.throws(() => readInodeRecord(bytes, 7, source)),
        'EUCLEAN',
      ),
      `chain ${at}`,
    );
  }
});

test('extents that overlap, are empty or lie outside the data area are EUCLEAN', (t) => {
  const bad = [
    [{ pgoff: 0, nrPages: 0, block: 200, unwritten: false }],
    [{ pgoff: 0, nrPages: 1, block: 3, unwritten: false }],
    [{ pgoff: 0, nrPages: 9000, block: 5000, unwritten: false }],
    [
      { pgoff: 0, nrPages: 4, block: 200, unwritten: false },
      { pgoff: 2, nrPages: 4, block: 300, unwritten: false },
    ],
  ];
  for (const extents of bad) {
    const { bytes, source } = stored({ ...recordWith(0), extents: new ExtentList(extents) });
    t.true(
      isErrno(
        t.throws(() => readInodeRecord(bytes, 7, source)),
        'EUCLEAN',
      ),
    );
  }
});

test('a chain that loops ends in EUCLEAN', (t) => {
  const record = recordWith(INLINE_EXTENTS + 2 * OVERFLOW_EXTENTS);
  const { bytes, blocks, source } = stored(record);
  blocks.set(9001, blocks.get(9000)!);
  t.true(
    isErrno(
      t.throws(() => readInodeRecord(bytes, 7, source)),
      'EUCLEAN',
    ),
  );
});

test('garbage is refused, whatever it is', (t) => {
  const { source } = stored(recordWith(0));
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), (junk) => {
      const e = t.throws(() => readInodeRecord(junk, 1, source), { instanceOf: Errno });
      t.is(e.code, 'EUCLEAN');
    }),
  );
});
