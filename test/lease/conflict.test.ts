// Goal: who may have a lease, and which leases a breaker meets, is the kernel's table.
// Method: every combination of kinds, types and accesses; every mix of opens (LTP fcntl23 to 27).

import test from 'ava';
import {
  checkOthers,
  leasesConflict,
  nextDeadlineNs,
  openConflicts,
} from '../../lib/lease/conflict.js';
import {
  FileLease,
  type LeaseKind,
  type LeaseManager,
  type LeaseType,
} from '../../lib/lease/lease.js';
import { FakeFile, FakeInode } from './lease-world.js';

const kinds: LeaseKind[] = ['LEASE', 'DELEG', 'LAYOUT'];

// breaker's kind -> kinds of lease that it meets at all
const meets: Record<LeaseKind, LeaseKind[]> = {
  LEASE: ['LEASE', 'DELEG'],
  DELEG: ['DELEG'],
  LAYOUT: ['LAYOUT'],
};

for (const breaker of kinds) {
  for (const kind of kinds) {
    const met = meets[breaker].includes(kind);
    test(`a breaker of ${breaker} ${met ? 'meets' : 'passes by'} a lease of kind ${kind}`, (t) => {
      const conflict = (access: 'read' | 'write', type: LeaseType) =>
        leasesConflict({ kind, type, manager: null }, { access, kind: breaker }, null);
      t.is(conflict('read', 'F_RDLCK'), false, 'two readers get along');
      t.is(conflict('read', 'F_WRLCK'), met);
      t.is(conflict('write', 'F_RDLCK'), met);
      t.is(conflict('write', 'F_WRLCK'), met);
    });
  }
}

test('a breaker that owns the lease does not conflict with it', (t) => {
  const manager: LeaseManager = { onBreak: () => 'gone', breakerOwns: () => true };
  const lease = { kind: 'LAYOUT', type: 'F_WRLCK', manager } as const;
  t.false(leasesConflict(lease, { access: 'write', kind: 'LAYOUT' }, null));
});

type Mode = 'rdonly' | 'wronly' | 'rdwr';
const grants: [own: Mode, other: Mode | null, type: LeaseType, conflicts: boolean][] = [
  ['rdonly', null, 'F_RDLCK', false],
  ['rdonly', null, 'F_WRLCK', false],
  ['wronly', null, 'F_WRLCK', false],
  ['rdwr', null, 'F_WRLCK', false],
  ['wronly', null, 'F_RDLCK', true],
  ['rdwr', null, 'F_RDLCK', true],
  ['rdonly', 'rdonly', 'F_RDLCK', false],
  ['rdonly', 'wronly', 'F_RDLCK', true],
  ['rdonly', 'rdwr', 'F_RDLCK', true],
];
for (const own of ['rdonly', 'wronly', 'rdwr'] as const) {
  for (const other of ['rdonly', 'wronly', 'rdwr'] as const) {
    grants.push([own, other, 'F_WRLCK', true]);
  }
}

for (const [own, other, type, conflicts] of grants) {
  const rest = other === null ? 'alone' : `beside ${other}`;
  test(`an open ${own} ${rest} ${conflicts ? 'bars' : 'allows'} ${type}`, (t) => {
    const inode = new FakeInode('f');
    const file = new FakeFile(inode, own);
    if (other !== null) new FakeFile(inode, other);
    t.is(openConflicts(inode, file, type, { kind: 'LEASE' }), conflicts);
  });
}

test('layouts and the delegations of a server are granted whatever is open', (t) => {
  const inode = new FakeInode('f');
  const file = new FakeFile(inode, 'rdonly');
  new FakeFile(inode, 'rdwr');
  const manager: LeaseManager = { onBreak: () => 'gone' };
  t.false(openConflicts(inode, file, 'F_WRLCK', { kind: 'LAYOUT' }));
  t.false(openConflicts(inode, file, 'F_RDLCK', { kind: 'DELEG', manager }));
  t.true(openConflicts(inode, file, 'F_RDLCK', { kind: 'DELEG' }), 'an application’s is not');
});

test('a file that is being executed can have no write lease', (t) => {
  const inode = new FakeInode('f');
  const file = new FakeFile(inode, 'rdonly');
  inode.writers = -1;
  t.true(openConflicts(inode, file, 'F_WRLCK', { kind: 'LEASE' }));
  t.false(openConflicts(inode, file, 'F_RDLCK', { kind: 'LEASE' }));
});

test('others’ leases bar a write lease, and any new one while one of them is about to go', (t) => {
  const inode = new FakeInode('f');
  const [mine, theirs] = [new FakeFile(inode, 'rdonly'), new FakeFile(inode, 'rdonly')];
  const lease = new FileLease({ id: 1, type: 'F_RDLCK', kind: 'DELEG', owner: theirs, pid: 7 });
  const check = (holder: FakeFile, type: LeaseType) => () =>
    checkOthers([lease], 'f', holder, type);
  t.notThrows(check(mine, 'F_RDLCK'));
  t.throws(check(mine, 'F_WRLCK'), { code: 'EAGAIN' });
  t.notThrows(check(theirs, 'F_WRLCK'));
  t.true(lease.asked('unlock', 9));
  t.throws(check(mine, 'F_RDLCK'), { code: 'EAGAIN' });
  t.notThrows(check(theirs, 'F_RDLCK'));
  t.is(nextDeadlineNs([lease], 8), 9);
  t.is(nextDeadlineNs([lease], 9), Infinity, 'what is past is found by who looks');
});
