// Goal: a lease says what is asked of its holder, and /proc/locks shows it.

import test from 'ava';
import { FileLease, type LeaseKind, type LeaseType } from '../../lib/lease/lease.js';
import { FakeFile, FakeInode } from './lease-world.js';

const lease = (type: LeaseType, kind: LeaseKind = 'LEASE') => {
  const owner = new FakeFile(new FakeInode('f'), 'rdonly');
  return new FileLease({ id: 1, type, kind, owner, pid: 7 });
};

const table = [
  ['F_RDLCK', false, false, 'none', 'F_RDLCK', 'LEASE ACTIVE READ 7'],
  ['F_WRLCK', false, false, 'none', 'F_WRLCK', 'LEASE ACTIVE WRITE 7'],
  ['F_WRLCK', true, false, 'downgrade', 'F_RDLCK', 'LEASE BREAKING READ 7'],
  ['F_WRLCK', false, true, 'unlock', 'F_UNLCK', 'LEASE BREAKING UNLCK 7'],
  ['F_WRLCK', true, true, 'unlock', 'F_UNLCK', 'LEASE BREAKING UNLCK 7'],
  ['F_RDLCK', false, true, 'unlock', 'F_UNLCK', 'LEASE BREAKING UNLCK 7'],
] as const;

for (const [type, downgrade, unlock, pending, target, line] of table) {
  const asked = [downgrade && 'downgrade', unlock && 'unlock'].filter(Boolean).join(' and ');
  test(`${type}, asked for ${asked || 'nothing'}, is to become ${target}: ${line}`, (t) => {
    const l = lease(type);
    l.downgradePending = downgrade;
    l.unlockPending = unlock;
    t.is(l.pending, pending);
    t.is(l.target, target);
    t.is(String(l), line);
  });
}

test('/proc/locks tells a delegation from a lease, and a layout not', (t) => {
  t.is(String(lease('F_RDLCK', 'DELEG')), 'DELEG ACTIVE READ 7');
  t.is(String(lease('F_RDLCK', 'LAYOUT')), 'LEASE ACTIVE READ 7');
});

test('a lease that only its timeout would have ended is still its holder’s', (t) => {
  const l = lease('F_RDLCK', 'LAYOUT');
  t.false(l.givenUp);
  l.kept = 'timeout';
  t.false(l.givenUp);
  l.kept = 'close';
  t.true(l.givenUp);
});
