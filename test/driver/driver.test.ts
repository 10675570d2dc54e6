// Goal: a module of the wrong shape is refused by EINVAL, and the message names the field.

import test from 'ava';
import { defineDriver, type Driver } from '../../lib/driver/driver.js';
import { isErrno } from '../../lib/errno.js';

const good = {
  name: 'toy',
  apiVersion: 1,
  idTable: [{ compatible: 'emul,toy' }],
  probe() {},
} as const;

test('a good module is frozen, its table too', (t) => {
  const driver = defineDriver({ ...good });
  t.true(Object.isFrozen(driver));
  t.true(Object.isFrozen(driver.idTable));
});

const bad: readonly [field: string, change: Record<string, unknown>][] = [
  ['name', { name: '' }],
  ['name', { name: 'Toy' }],
  ['name', { name: '9toy' }],
  ['name', { name: undefined }],
  ['name', { name: 7 }],
  ['apiVersion', { apiVersion: 2 }],
  ['apiVersion', { apiVersion: '1' }],
  ['apiVersion', { apiVersion: undefined }],
  ['idTable', { idTable: [] }],
  ['idTable', { idTable: undefined }],
  ['idTable', { idTable: { compatible: 'emul,toy' } }],
  ['idTable\\[0\\].compatible', { idTable: [{ compatible: 'toy' }] }],
  ['idTable\\[0\\].compatible', { idTable: [null] }],
  ['idTable\\[1\\].compatible', { idTable: [{ compatible: 'a,b' }, { compatible: 'a,b' }] }],
  ['probe', { probe: undefined }],
  ['probe', { probe: 'yes' }],
  ['remove', { remove: 1 }],
  ['reset', { reset: {} }],
  ['emulate', { emulate: true }],
  ['prope', { prope() {} }],
];

for (const [i, [field, change]] of bad.entries()) {
  test(`a bad ${field} is EINVAL and named (${i})`, (t) => {
    const module = { ...good, ...change } as unknown as Driver;
    const error = t.throws(() => defineDriver(module), {
      message: new RegExp(`^EINVAL: driver: ${field}:`),
    });
    t.true(isErrno(error, 'EINVAL'));
  });
}

test('what is no object is no module', (t) => {
  for (const module of [null, undefined, 'rdma', 5]) {
    t.throws(() => defineDriver(module as unknown as Driver), {
      message: /^EINVAL: driver: module/,
    });
  }
});
