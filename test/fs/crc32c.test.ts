// Goal: checksums are those of CRC-32C. Method: the vectors of RFC 3720, appendix B.4; that of a
// change against that of the whole.

import test from 'ava';
import fc from 'fast-check';
import { crc32c, crc32cChanged } from '../../lib/fs/crc32c.js';

const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);

const vectors: readonly (readonly [string, Uint8Array, number])[] = [
  ['32 bytes of zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 ascending bytes', ascending, 0x46dd794e],
  ['32 descending bytes', ascending.toReversed(), 0x113fdb5c],
  ['the check word', new TextEncoder().encode('123456789'), 0xe3069283],
];

for (const [name, bytes, expected] of vectors) {
  test(`CRC-32C of ${name} is the published one`, (t) => t.is(crc32c(bytes), expected));
}

test('a checksum may be computed in parts', (t) => {
  for (let cut = 0; cut <= ascending.length; cut++) {
    t.is(crc32c(ascending.subarray(cut), crc32c(ascending.subarray(0, cut))), 0x46dd794e);
  }
});

test('the checksum of changed bytes follows from the one before and the change', (t) => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 4096 });
  fc.assert(
    fc.property(bytes, fc.nat(), fc.nat(), (before, a, b) => {
      const [start = 0, end = 0] = [a % before.length, b % before.length].sort((x, y) => x - y);
      const after = before.map((byte, i) => (i >= start && i < end ? (byte * 7 + i) & 0xff : byte));
      const difference = after.map((byte, i) => byte ^ before[i]!);
      const nrBehind = before.length - end;
      const sum = crc32cChanged(crc32c(before), difference, start, end, nrBehind);
      t.is(sum, crc32c(after));
    }),
  );
});
