// Goal: user space sees F_SETLEASE as the kernel at hand has it, layout leases only where proposed.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import type { KernelName } from '../../lib/kernel-rules.js';
import { fcntlGetLease, fcntlSetLease, type SetLeaseArg } from '../../lib/lease/fcntl.js';
import { FakeFile, oneFile } from './lease-world.js';

function setUp(kernel: KernelName, uid = 0) {
  const { rules, inode, leases, caller } = oneFile(kernel, uid);
  const open = (mode: 'rdonly' | 'rdwr') => {
    const file = new FakeFile(inode, mode);
    return {
      set: (arg: SetLeaseArg) => fcntlSetLease(leases, rules, caller, file, arg, 3),
      get: () => fcntlGetLease(leases, file),
    };
  };
  return { leases, open };
}

for (const kernel of ['6.1', '6.12', '7.2'] as const) {
  test(`${kernel} knows no layout lease for user space`, async (t) => {
    const { open } = setUp(kernel);
    const file = open('rdwr');
    for (const arg of ['F_LAYOUT', 'F_LAYOUT|F_EXCLUSIVE'] as const) {
      const e = await t.throwsAsync(file.set(arg));
      t.true(isErrno(e, 'EINVAL'));
    }
    t.is(file.get(), 'F_UNLCK');
  });
}

test('an unknown argument is EINVAL before anybody asks who calls', async (t) => {
  const { open } = setUp('6.12', 1000);
  const e = await t.throwsAsync(open('rdonly').set('F_LAYOUT'));
  t.true(isErrno(e, 'EINVAL'));
  const unlock = await t.throwsAsync(open('rdonly').set('F_UNLCK'));
  t.true(isErrno(unlock, 'EACCES'));
});

test('a layout lease is granted although the file is open for writing', async (t) => {
  const { leases, open } = setUp('proposed');
  const one = open('rdwr');
  const other = open('rdwr');
  await one.set('F_LAYOUT');
  await other.set('F_LAYOUT');
  t.is(one.get(), 'F_LAYOUT');
  t.deepEqual(
    leases.leases.map((l) => [l.kind, l.type, l.exclusive]),
    [
      ['LAYOUT', 'F_RDLCK', false],
      ['LAYOUT', 'F_RDLCK', false],
    ],
  );
  await one.set('F_UNLCK');
  t.is(one.get(), 'F_UNLCK');
  t.is(other.get(), 'F_LAYOUT');
});

test('an exclusive layout lease is exclusive of changes, not of other holders', async (t) => {
  const { leases, open } = setUp('proposed');
  const [one, two, three] = [open('rdwr'), open('rdwr'), open('rdonly')];
  await one.set('F_LAYOUT|F_EXCLUSIVE');
  await two.set('F_LAYOUT|F_EXCLUSIVE');
  await three.set('F_LAYOUT');
  t.deepEqual(
    leases.leases.map((l) => [l.type, l.exclusive]),
    [
      ['F_RDLCK', true],
      ['F_RDLCK', true],
      ['F_RDLCK', false],
    ],
  );
  for (const file of [one, two, three]) t.is(file.get(), 'F_LAYOUT');
  await one.set('F_LAYOUT');
  t.false(leases.leases[0]!.exclusive, 'asked for again without it');
});
