// Goal: each bit is set by one caller only, and searches find what a list of booleans would.

import test from 'ava';
import fc from 'fast-check';

import { SharedBitmap } from '../../lib/shared/bitmap.js';
import { inWorker } from '../native/threads.js';

test('a bitmap behaves as a list of booleans', (t) => {
  const nrBits = 70;
  const bit = fc.integer({ min: 0, max: nrBits - 1 });
  const step = fc.tuple(fc.constantFrom('set', 'clear', 'allocate', 'find'), bit);
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const bitmap = SharedBitmap.create(nrBits);
        const model = new Array<boolean>(nrBits).fill(false);
        for (const [what, at] of steps) {
          if (what === 'set' && bitmap.set(at) === model[at]) return false;
          if (what === 'clear' && bitmap.clear(at) !== model[at]) return false;
          if (what === 'set' || what === 'clear') model[at] = what === 'set';
          if (what === 'allocate') {
            const later = model.indexOf(false, at);
            const expected = later >= 0 ? later : model.indexOf(false);
            if ((bitmap.allocate(at) ?? -1) !== expected) return false;
            if (expected >= 0) model[expected] = true;
          }
          if (what === 'find') {
            if ((bitmap.firstSet(at) ?? -1) !== model.indexOf(true, at)) return false;
            if ((bitmap.firstClear(at) ?? -1) !== model.indexOf(false, at)) return false;
          }
          if (bitmap.test(at) !== model[at]) return false;
        }
        return bitmap.count() === model.filter(Boolean).length;
      }),
    ),
  );
});

test('four workers are never given the same bit', async (t) => {
  const bitmap = SharedBitmap.create(4001);
  const body = `
    const { SharedBitmap } = await load('lib/shared/bitmap.ts');
    const bitmap = new SharedBitmap(data, 0, 4001);
    const mine = [];
    for (let bit; (bit = bitmap.allocate(mine.at(-1) ?? 0)) !== undefined; ) mine.push(bit);
    return mine;`;
  const all = (await Promise.all(
    [0, 1, 2, 3].map(() => inWorker(body, bitmap.buffer)),
  )) as number[][];
  t.is(all.flat().length, 4001);
  t.is(new Set(all.flat()).size, 4001);
  t.is(bitmap.count(), 4001);
  t.is(bitmap.firstClear(), undefined);
});

test('bits outside are refused', (t) => {
  const bitmap = SharedBitmap.create(33);
  for (const bit of [-1, 33, 1.5, NaN]) {
    t.throws(() => bitmap.set(bit), { code: 'EINVAL' });
    t.throws(() => bitmap.test(bit), { code: 'EINVAL' });
  }
  for (const nrBits of [0, -1, NaN, 2 ** 40]) {
    t.throws(() => SharedBitmap.create(nrBits), { code: 'EINVAL' });
  }
});
