// Goal: whatever pieces a stream comes in, the same frames come out; a damaged one is dropped, and
// what is no stream of frames is EPROTO.

import test from 'ava';
import { FrameReader, frameParts, frameTypes } from '../../../drivers/rdma/link-frame.js';
import { isErrno } from '../../../lib/errno.js';

const bodies = [[], [Uint8Array.of(1, 2, 3)], [Uint8Array.of(4), new Uint8Array(1000).fill(5)]];
const stream = Buffer.concat(bodies.flatMap((body, i) => frameParts(frameTypes[i]!, body)));

for (const size of [1, 7, 16, 17, 400, stream.length]) {
  test(`a stream in pieces of ${size} bytes gives its frames`, (t) => {
    const reader = new FrameReader();
    const seen: [string, number[]][] = [];
    for (let at = 0; at < stream.length; at += size) {
      for (const { type, body } of reader.push(stream.subarray(at, at + size))) {
        seen.push([type, [...body]]);
      }
    }
    t.deepEqual(
      seen,
      bodies.map((body, i) => [frameTypes[i], [...Buffer.concat(body)]]),
    );
    t.is(reader.corrupted, 0);
  });
}

test('a frame with a flipped bit is dropped; the next one comes', (t) => {
  const reader = new FrameReader();
  const damaged = Buffer.from(stream);
  damaged[16 + 16 + 1]! ^= 1;
  t.deepEqual(
    [...reader.push(damaged)].map(({ type }) => type),
    ['hello', 'response'],
  );
  t.is(reader.corrupted, 1);
});

for (const [what, at, byte] of [
  ['another magic', 0, 0x58],
  ['an unknown type', 7, 9],
  ['a length beyond the longest message', 8, 0xff],
] as const) {
  test(`${what} is EPROTO`, (t) => {
    const other = Buffer.from(stream);
    other[at] = byte;
    const e = t.throws(() => [...new FrameReader().push(other)]);
    t.true(isErrno(e, 'EPROTO'));
  });
}
