// Goal: a region takes whole multiples of its alignment and says which option is wrong.

import test from 'ava';
import { DaxRegion } from '../../../drivers/device-dax/dax-region.js';
import { isErrno } from '../../../lib/errno.js';
import { KiB, MiB, PAGE_SIZE } from '../../../lib/units.js';

test('pages beyond the last multiple of the alignment are left out', (t) => {
  const pages = Uint32Array.from({ length: 21 }, (_, i) => 512 + i);
  const region = new DaxRegion({ pages, align: 64 * KiB });
  t.is(region.size, 64 * KiB);
  t.deepEqual([...region.pages], [...pages.subarray(0, 16)]);
  t.is(new DaxRegion().size, 2 * MiB);
  t.is(new DaxRegion().pages.length, 0);
});

for (const [name, options] of [
  ['align', { align: 3 * PAGE_SIZE }],
  ['align', { align: 512 }],
  ['align', { align: NaN }],
  ['size', { size: PAGE_SIZE, align: 64 * KiB }],
  ['size', { size: -1 }],
] as const) {
  test(`${JSON.stringify(options)}: EINVAL for ${name}`, (t) => {
    const error = t.throws(() => new DaxRegion(options));
    t.true(isErrno(error, 'EINVAL'));
    t.regex(String(error), new RegExp(name));
  });
}
