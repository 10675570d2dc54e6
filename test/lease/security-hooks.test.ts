// Goal: every module is asked until one refuses, and none after it was taken away.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { SecurityHooks } from '../../lib/lease/security-hooks.js';
import { FakeProcess } from './lease-world.js';

const process = new FakeProcess(1, 'p', 0);
const file = { label: '/f' };

test('modules are asked in turn, and the first errno is the answer', (t) => {
  const hooks = new SecurityHooks();
  const asked: string[] = [];
  for (const [name, code] of [
    ['a', undefined],
    ['b', 'EPERM'],
    ['c', 'EACCES'],
  ] as const) {
    hooks.addFileLock(() => {
      asked.push(name);
      return code;
    });
  }
  const e = t.throws(() => hooks.fileLock(process, file, 'F_RDLCK'));
  t.true(isErrno(e, 'EPERM'));
  t.regex(String(e), /F_RDLCK on \/f/);
  t.deepEqual(asked, ['a', 'b']);
});

test('a module that was added twice is taken away once for each', (t) => {
  const hooks = new SecurityHooks();
  let asked = 0;
  const hook = () => {
    asked++;
    return undefined;
  };
  const [first, second] = [hooks.addFileLock(hook), hooks.addFileLock(hook)];
  hooks.fileLock(process, file, 'F_UNLCK');
  t.is(asked, 2);
  first();
  first();
  hooks.fileLock(process, file, 'F_UNLCK');
  t.is(asked, 3);
  second();
  hooks.fileLock(process, file, 'F_UNLCK');
  t.is(asked, 3);
});

test('what is no function is no module: EINVAL', (t) => {
  const hooks = new SecurityHooks();
  for (const bad of [undefined, null, 7, 'EPERM', {}]) {
    t.true(
      isErrno(
        t.throws(() => hooks.addFileLock(bad as never)),
        'EINVAL',
      ),
    );
  }
});
