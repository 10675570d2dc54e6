// Goal: the layout is what it says: no field overlaps another, values come back as they were, and a
// sealed structure is no longer sealed when any bit of it changed.

import test from 'ava';
import * as format from '../../lib/fs/format.js';
import type { Fields } from '../../lib/fs/format.js';

const layouts: readonly (readonly [string, Fields, number])[] = [
  ['superblock', format.superblockLayout, format.SUPERBLOCK_LEN],
  ['inode', format.inodeLayout, format.INODE_LEN],
  ['extent', format.extentLayout, format.EXTENT_LEN],
  ['overflow header', format.overflowLayout, format.OVERFLOW_HEADER_LEN],
  ['dirent', format.direntLayout, format.DIRENT_HEADER_LEN],
  ['directory tail', format.directoryTailLayout, format.BLOCK_SIZE],
];

const widths = { u8: 1, u16: 2, u32: 4, u64: 8 };

for (const [name, layout, len] of layouts) {
  test(`fields of the ${name} are aligned, inside, and overlap nothing`, (t) => {
    const owner = new Array<string | undefined>(len);
    for (const [key, { at, type }] of Object.entries(layout)) {
      t.is(at % widths[type], 0, key);
      for (let i = at; i < at + widths[type]; i++) {
        t.is(owner[i], undefined, `${key} lies over ${owner[i]}`);
        t.true(i < len, `${key} lies past the end`);
        owner[i] = key;
      }
    }
  });

  test(`values of the ${name} come back as they were written`, (t) => {
    const values = Object.fromEntries(
      Object.entries(layout).map(([key, { type }], i) => [key, type === 'u8' ? i : 200 + i]),
    );
    const bytes = new Uint8Array(len + 8);
    format.encode(layout, values, bytes, 8);
    t.deepEqual(format.decode(layout, bytes, 8), values);
  });
}

test('the inline area of an inode collides with no field', (t) => {
  const end = format.INLINE_AT + format.INLINE_LEN;
  for (const [key, { at, type }] of Object.entries(format.inodeLayout)) {
    t.true(at + widths[type] <= format.INLINE_AT || at >= end, key);
  }
});

test('a sealed structure with any one bit changed is not sealed', (t) => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i * 7);
  format.seal(bytes, 60);
  t.true(format.sealed(bytes, 60));
  for (let bit = 0; bit < 64 * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    t.false(format.sealed(bytes, 60), `bit ${bit}`);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
});

test('a value that a field cannot hold is a mistake of ours', (t) => {
  const bytes = new Uint8Array(16);
  const values = { pgoffLow: -1, pgoffHigh: 0, flags: 0, block: 0, nrPages: 0 };
  t.throws(() => format.encode(format.extentLayout, values, bytes));
});

test('type bits name a kind, and other bits name none', (t) => {
  t.is(format.kindOf(format.kindModes.file | 0o644), 'file');
  t.is(format.kindOf(format.kindModes.dir | 0o7777), 'dir');
  t.is(format.kindOf(format.kindModes.link), 'link');
  t.is(format.kindOf(0o644), undefined);
});

test('a structure that was sealed, or all zeros, is sealed again by what changed in it', (t) => {
  const at = format.BITMAP_CHECKSUM_AT;
  const bytes = new Uint8Array(format.BLOCK_SIZE);
  const difference = new Uint8Array(format.BLOCK_SIZE);
  const change = (start: number, end: number): void => {
    for (let i = start; i < end; i++) {
      difference[i] = 0x81;
      bytes[i]! ^= 0x81;
    }
    format.reseal(bytes, at, difference, start, end);
    t.true(format.sealed(bytes, at));
  };
  change(5, 6);
  change(0, 100);
  change(at - 3, at);
  bytes[7]! ^= 1; // a change that nobody sealed stays one
  format.reseal(bytes, at, difference.fill(0), 20, 21);
  t.false(format.sealed(bytes, at));
});
