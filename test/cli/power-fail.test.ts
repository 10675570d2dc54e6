// Goal: whenever the power fails, what had been promised is there. Method: at every flush, every
// subset of the lines that were stored since, where there are few, and chosen ones where not.

import test from 'ava';
import {
  changedLines,
  powerFailures,
  recoveredDigest,
  subsetsOf,
} from '../../lib/cli/power-fail.js';
import { soundImage } from '../../lib/cli/damage.js';
import { BLOCK_SIZE } from '../../lib/fs/format.js';
import { Prng } from '../../lib/sched/index.js';

test('lines that differ are found', (t) => {
  const a = new Uint8Array(8192);
  const b = a.slice();
  b[70] = 1;
  b[8191] = 1;
  t.deepEqual(changedLines(a, b), [64, 8128]);
});

test('of few lines every subset is tried, of many none, all, and each side of one', (t) => {
  const rng = new Prng(1);
  t.is(subsetsOf([0, 64, 128], rng, 3).length, 8);
  const many = Array.from({ length: 40 }, (_, i) => i * 64);
  const subsets = subsetsOf(many, rng, 12);
  t.true(subsets.some((s) => s.length === 0) && subsets.some((s) => s.length === 40));
  t.true(subsets.some((s) => s.length === 1) && subsets.some((s) => s.length === 39));
});

for (const seed of [1, 3]) {
  test(`a short workload loses nothing at any flush, seed ${seed}`, async (t) => {
    const { flushes, whole, images, losses } = await powerFailures(seed, 8);
    t.deepEqual(losses, []);
    t.true(flushes > 3 && images > flushes && whole > 0, `${whole} of ${flushes} flushes`);
  });
}

test('images that differ in the log alone recover to one outcome, others to another', async (t) => {
  const { bytes } = await soundImage(true);
  const changed = (at: number): Uint8Array => {
    const image = bytes.slice();
    image[at]! ^= 1;
    return image;
  };
  const inLog = 3 * BLOCK_SIZE;
  t.is(recoveredDigest(changed(inLog)), recoveredDigest(bytes));
  t.not(recoveredDigest(changed(bytes.length - 3 * BLOCK_SIZE)), recoveredDigest(bytes));
  t.regex(recoveredDigest(new Uint8Array(bytes.length)), /^not recovered: /);
});
