// Goal: a machine starts with Linux's settings, and they are its own; who may lease what.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { checkMayLease, defaultLeaseSettings } from '../../lib/lease/leased-inode.js';
import { seconds } from '../../lib/units.js';
import { FakeInode, FakeProcess } from './lease-world.js';

test('lease-break-time is 45 s and leases are enabled', (t) => {
  t.deepEqual(defaultLeaseSettings(), { breakTimeNs: seconds(45), enabled: true });
});

test('two machines do not share their settings', (t) => {
  const one = defaultLeaseSettings();
  one.breakTimeNs = 0;
  t.is(defaultLeaseSettings().breakTimeNs, seconds(45));
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
    const ask = () => checkMayLease(inode, new FakeProcess(1, 'p', uid));
    if (answer === null) t.notThrows(ask);
    else t.true(isErrno(t.throws(ask), answer));
  });
}

test('the kernel may lease any file that can have leases; simple_nosetlease is EINVAL (facts 4.2)', (t) => {
  const inode = new FakeInode('f');
  inode.uid = 5;
  t.notThrows(() => checkMayLease(inode, null));
  inode.supportsLeases = false;
  t.true(
    isErrno(
      t.throws(() => checkMayLease(inode, null)),
      'EINVAL',
    ),
  );
});
