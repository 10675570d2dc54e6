// Goal: a machine starts with Linux's settings, and they are its own; who may lease what.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { type KernelName, kernelRules } from '../../lib/kernel-rules.js';
import { checkMayLease, defaultLeaseSettings } from '../../lib/lease/leased-inode.js';
import { seconds } from '../../lib/units.js';
import { FakeInode, FakeProcess } from './lease-world.js';

test('lease-break-time is 45 s and leases are enabled', (t) => {
  const { breakTimeNs, enabled } = defaultLeaseSettings();
  t.deepEqual([breakTimeNs, enabled], [seconds(45), true]);
});

test('two machines do not share their settings', (t) => {
  const one = defaultLeaseSettings();
  one.breakTimeNs = 0;
  t.is(defaultLeaseSettings().breakTimeNs, seconds(45));
});

const env = (kernel: KernelName = '6.12') => ({
  rules: kernelRules[kernel],
  settings: defaultLeaseSettings(),
});

for (const [who, uid, regular, answer] of [
  ['its owner', 5, true, null],
  ['whoever has CAP_LEASE', 0, true, null],
  ['another user', 6, true, 'EACCES'],
  ['another user of what is no regular file', 6, false, 'EACCES'],
  ['the owner of what is no regular file', 5, false, 'EINVAL'],
] as const) {
  test(`${who} asks for a lease: ${answer ?? 'ok'}`, (t) => {
    const inode = new FakeInode('f');
    inode.uid = 5;
    inode.isRegular = regular;
    const asked = { process: new FakeProcess(1, 'p', uid), holder: inode, arg: 'F_RDLCK' };
    const ask = () => checkMayLease(env(), inode, asked);
    if (answer === null) t.notThrows(ask);
    else t.true(isErrno(t.throws(ask), answer));
  });
}

test('the kernel may lease any file that can have leases; simple_nosetlease is EINVAL (facts 4.2)', (t) => {
  const inode = new FakeInode('f');
  inode.uid = 5;
  t.notThrows(() => checkMayLease(env(), inode, null));
  inode.supportsLeases = false;
  t.true(
    isErrno(
      t.throws(() => checkMayLease(env(), inode, null)),
      'EINVAL',
    ),
  );
});

for (const [kernel, regular, answer] of [
  ['6.1', true, 'EPERM'],
  ['6.12', true, 'EPERM'],
  ['6.1', false, 'EINVAL'],
  ['6.12', false, 'EINVAL'],
  ['7.2', true, 'EPERM'],
  ['7.2', false, 'EPERM'],
] as const) {
  const what = regular ? 'a regular file' : 'what is none';
  test(`${kernel} asks a security module about ${what}: ${answer}`, (t) => {
    const at = env(kernel);
    const heard: string[] = [];
    at.settings.security.addFileLock(({ name }, { label }, type) => {
      heard.push(`${name} ${label} ${type}`);
      return 'EPERM';
    });
    const inode = new FakeInode('f');
    inode.uid = 5;
    inode.isRegular = regular;
    const ask = (uid: number) => () =>
      checkMayLease(at, inode, { process: new FakeProcess(1, 'p', uid), holder: inode, arg: 'x' });
    t.true(isErrno(t.throws(ask(6)), 'EACCES'), 'the owner comes first');
    t.deepEqual(heard, []);
    t.true(isErrno(t.throws(ask(5)), answer));
    t.deepEqual(heard, answer === 'EPERM' ? ['p f x'] : []);
    inode.isRegular = true;
    t.notThrows(() => checkMayLease(at, inode, null), 'nobody asks about the kernel');
  });
}
