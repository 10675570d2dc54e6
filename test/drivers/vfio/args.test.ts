// Goal: bad arguments are EINVAL and name what is wrong.

import test from 'ava';
import { checkFlags, checkInt, checkObject } from '../../../drivers/vfio/args.js';
import { isErrno } from '../../../lib/errno.js';

for (const [what, fn] of [
  ['size', () => checkInt('size', 1.5)],
  ['size', () => checkInt('size', '1')],
  ['size', () => checkInt('size', 2 ** 53)],
  ['size', () => checkInt('size', -1)],
  ['size', () => checkInt('size', 7, 0, 6)],
  ['flags', () => checkFlags('flags', ['read', 'run'], ['read'])],
  ['flags', () => checkFlags('flags', undefined, ['read'])],
  ['MAP_DMA', () => checkObject('MAP_DMA', null)],
  ['MAP_DMA', () => checkObject('MAP_DMA', [1])],
] as const) {
  test(`${fn.toString().slice(6)} is EINVAL and says ${what}`, (t) => {
    const error = t.throws(fn);
    t.true(isErrno(error, 'EINVAL'));
    t.regex(String(error), new RegExp(what));
  });
}

test('good arguments come back as they are', (t) => {
  t.is(checkInt('size', 6, 0, 6), 6);
  t.deepEqual(checkFlags('flags', ['read', 'write'], ['read', 'write']), ['read', 'write']);
  t.deepEqual(checkObject('x', { a: 1 }), { a: 1 });
});
