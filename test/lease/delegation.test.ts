// Goal: user space sees F_SETDELEG and F_GETDELEG as Linux 6.19 and later have them: a lease of
// another flavour, of which an open file has one or the other.

import test from 'ava';
import { Errno, isErrno } from '../../lib/errno.js';
import type { KernelName } from '../../lib/kernel-rules.js';
import { fcntlGetDeleg, fcntlSetDeleg, lockForDeleg } from '../../lib/lease/delegation.js';
import { fcntlGetLease, fcntlSetLease } from '../../lib/lease/fcntl.js';
import type { LeaseArg } from '../../lib/lease/lease.js';
import { FakeFile, oneFile } from './lease-world.js';

function setUp(kernel: KernelName, uid = 0) {
  const { rules, inode, leases, process, caller } = oneFile(kernel, uid);
  const code = async (call: () => unknown): Promise<string> => {
    try {
      return String((await call()) ?? 'ok');
    } catch (e) {
      if (isErrno(e)) return e.code;
      throw e;
    }
  };
  const open = (mode: 'rdonly' | 'rdwr' = 'rdonly') => {
    const file = new FakeFile(inode, mode);
    return {
      setDeleg: (arg: LeaseArg) => code(() => fcntlSetDeleg(leases, rules, caller, file, arg, 3)),
      getDeleg: () => code(() => fcntlGetDeleg(leases, rules, file)),
      setLease: (arg: LeaseArg) => code(() => fcntlSetLease(leases, rules, caller, file, arg, 3)),
      getLease: () => fcntlGetLease(leases, file),
    };
  };
  return { inode, leases, process, caller, code, open };
}

for (const kernel of ['6.1', '6.12'] as const) {
  test(`${kernel} knows neither command, whatever the argument`, async (t) => {
    const { leases, open } = setUp(kernel);
    const file = open();
    for (const arg of ['F_RDLCK', 'F_UNLCK', 'bogus' as 'F_RDLCK'] as const) {
      t.is(await file.setDeleg(arg), 'EINVAL');
    }
    t.is(await file.getDeleg(), 'EINVAL');
    t.is(leases.leases.length, 0);
  });
}

test('an unknown type is EINVAL before anybody asks who calls', async (t) => {
  const { open } = setUp('7.2', 1000);
  t.is(await open().setDeleg('F_LAYOUT' as 'F_RDLCK'), 'EINVAL');
  t.is(await open().setDeleg('F_RDLCK'), 'EACCES');
  t.is(await open().setDeleg('F_UNLCK'), 'EACCES');
});

test('a file has a delegation or a lease: the first is modified by either command', async (t) => {
  const { leases, open } = setUp('7.2');
  const file = open();
  t.is(await file.setLease('F_RDLCK'), 'ok');
  t.is(await file.setDeleg('F_WRLCK'), 'ok');
  t.deepEqual(leases.leases.map(String), ['LEASE ACTIVE WRITE 10']);
  t.is(await file.getDeleg(), 'F_UNLCK');
  t.is(file.getLease(), 'F_WRLCK');
  t.is(await file.setDeleg('F_UNLCK'), 'ok');
  t.is(await file.setDeleg('F_UNLCK'), 'EAGAIN');

  t.is(await file.setDeleg('F_RDLCK'), 'ok');
  t.is(await file.setLease('F_WRLCK'), 'ok');
  t.deepEqual(leases.leases.map(String), ['DELEG ACTIVE WRITE 10']);
  t.is(await file.getDeleg(), 'F_WRLCK');
  t.is(file.getLease(), 'F_UNLCK');
  t.is(await file.setLease('F_UNLCK'), 'ok');
  t.is(leases.leases.length, 0);
});

test('on proposed a delegation stands beside a layout lease, and each answers for itself', async (t) => {
  const { leases, open } = setUp('proposed');
  const file = open();
  t.is(await file.setLease('F_LAYOUT' as 'F_RDLCK'), 'ok');
  t.is(await file.setDeleg('F_RDLCK'), 'ok');
  t.deepEqual(
    leases.leases.map(({ kind }) => kind),
    ['LAYOUT', 'DELEG'],
  );
  t.is(file.getLease(), 'F_LAYOUT');
  t.is(await file.getDeleg(), 'F_RDLCK');
});

test('a directory has read delegations, and no lease: EINVAL, before EACCES', async (t) => {
  const { inode, open } = setUp('7.2');
  inode.isRegular = false;
  inode.isDirectory = true;
  const dir = open();
  t.is(await dir.setDeleg('F_WRLCK'), 'EINVAL');
  t.is(await dir.setDeleg('F_RDLCK'), 'ok');
  for (const arg of ['F_RDLCK', 'F_WRLCK', 'F_UNLCK'] as const) {
    t.is(await dir.setLease(arg), 'EINVAL');
  }
  t.is(await dir.getDeleg(), 'F_RDLCK');
  inode.uid = 77;
  const stranger = setUp('7.2', 1000);
  Object.assign(stranger.inode, { isRegular: false, isDirectory: true });
  t.is(await stranger.open().setLease('F_RDLCK'), 'EINVAL');
  t.is(await stranger.open().setDeleg('F_WRLCK'), 'EACCES');
});

test('on 6.12 a directory has neither: EINVAL, after EACCES', async (t) => {
  for (const [uid, code] of [
    [0, 'EINVAL'],
    [1000, 'EACCES'],
  ] as const) {
    const { inode, open } = setUp('6.12', uid);
    Object.assign(inode, { isRegular: false, isDirectory: true });
    t.is(await open().setLease('F_RDLCK'), code);
  }
});

test('tryBreakDeleg tells each holder once and does not wait; leases are passed by', async (t) => {
  const { leases, process, caller, code, open } = setUp('7.2');
  const [one, other, leased] = [open(), open(), open()];
  await one.setDeleg('F_RDLCK');
  await other.setDeleg('F_RDLCK');
  await leased.setLease('F_RDLCK');
  const attempt = () => code(() => leases.tryBreakDeleg(caller));
  t.is(await attempt(), 'EAGAIN');
  t.is(await attempt(), 'EAGAIN');
  t.deepEqual(process.signals, ['SIGIO', 'SIGIO']);
  t.is(await one.getDeleg(), 'F_UNLCK');
  t.is(leased.getLease(), 'F_RDLCK');
  await one.setDeleg('F_UNLCK');
  t.is(await attempt(), 'EAGAIN');
  await other.setDeleg('F_UNLCK');
  t.is(await attempt(), 'ok');
});

test('an inode that somebody has locked is not delegated: EAGAIN; else it is locked meanwhile', (t) => {
  const { inode, caller } = setUp('7.2');
  t.is(lockForDeleg(inode, caller.task), null);
  inode.tryLock = () => null;
  const e = t.throws(() => lockForDeleg(inode, caller.task), { instanceOf: Errno });
  t.true(isErrno(e, 'EAGAIN'));
  let locked = true;
  inode.tryLock = () => ({ [Symbol.dispose]: () => void (locked = false) });
  lockForDeleg(inode, caller.task)?.[Symbol.dispose]();
  t.false(locked);
});
