// Goal: bytes go through any list of pages as through one buffer. Method: a plain array beside it.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { PAGE_SIZE } from '../../lib/units.js';
import { bytes, memoryMachine } from '../support/mm-fixture.js';

const NR_PAGES = 4;
const len = NR_PAGES * PAGE_SIZE;
const stretch = fc
  .tuple(fc.nat(len - 1), fc.nat(2 * PAGE_SIZE))
  .map(([pos, n]) => ({ pos, len: Math.min(n, len - pos) }));

testProp(
  'read, write, fill and copy agree with a plain array',
  [fc.array(fc.record({ to: stretch, from: stretch, byte: fc.nat(255) }), { minLength: 1 })],
  (t, acts) => {
    const { pages } = memoryMachine().env;
    const base = pages.regions[1]!.basePfn;
    const list = Uint32Array.of(base + 9, base + 3, base + 4, base);
    const model = new Uint8Array(len);
    acts.forEach(({ to, from, byte }, i) => {
      if (i % 3 === 0) {
        pages.fill(list, to.pos, to.len, byte);
        model.fill(byte, to.pos, to.pos + to.len);
      } else if (i % 3 === 1) {
        pages.write(list, to.pos, bytes(to.len, byte));
        model.fill(byte, to.pos, to.pos + to.len);
      } else {
        const n = Math.min(to.len, from.len);
        pages.copy(list, to.pos, list, from.pos, n);
        model.copyWithin(to.pos, from.pos, from.pos + n);
      }
    });
    const seen = new Uint8Array(len);
    pages.read(list, 0, seen);
    t.deepEqual(seen, model);
  },
  { numRuns: 50 },
);

test('bytes outside of the list are refused', (t) => {
  const { pages } = memoryMachine().env;
  const base = pages.regions[1]!.basePfn;
  t.throws(() => pages.read(base, PAGE_SIZE - 1, new Uint8Array(2)));
  t.throws(() => pages.write(Uint32Array.of(base), PAGE_SIZE, new Uint8Array(1)));
});
