// Goal: checksums are those of CRC-32C. Method: the vectors of RFC 3720, appendix B.4.

import test from 'ava';
import { crc32c } from '../../lib/fs/crc32c.js';

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
