// Goal: arguments of the wrong type or range are EINVAL, and the message names them.

import test from 'ava';
import {
  checkAddr,
  checkBoolean,
  checkInt,
  checkObject,
  checkOneOf,
} from '../../../drivers/rdma/args.js';

test('whole numbers within bounds pass, all else is named', (t) => {
  t.is(checkInt('cqe', 5, 1, 5), 5);
  for (const v of [0, 6, 1.5, NaN, Infinity, '5', null, undefined, 5n, {}]) {
    t.throws(() => checkInt('cqe', v, 1, 5), { message: /^EINVAL: cqe: / });
  }
});

test('addresses, objects, booleans and names', (t) => {
  t.is(checkAddr('addr', 0), 0);
  t.throws(() => checkAddr('addr', 2 ** 53), { message: /^EINVAL: addr/ });
  t.deepEqual(checkObject('arg', { a: 1 }), { a: 1 });
  for (const v of [null, undefined, 3, 'x', []]) {
    t.throws(() => checkObject('arg', v), { message: /^EINVAL: arg/ });
  }
  t.true(checkBoolean('b', true));
  t.throws(() => checkBoolean('b', 1), { message: /^EINVAL: b/ });
  t.is(checkOneOf('type', 'RC', ['RC', 'UC']), 'RC');
  t.throws(() => checkOneOf('type', 'XRC', ['RC', 'UC']), { message: /^EINVAL: type: XRC/ });
});
