// Goal: mode bits, ownership and capabilities decide as generic_permission does.

import test from 'ava';
import {
  checkDelete,
  checkPermission,
  may,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  owns,
} from '../../lib/fs/permission.js';
import type { Inode } from '../../lib/fs/inode.js';
import type { Capability, Credentials } from '../../lib/mm/caller.js';
import { isErrno } from '../../lib/errno.js';

const inode = (perm: number, over: object = {}): Inode => {
  const record = { perm, uid: 10, gid: 20, kind: 'file', append: false, immutable: false, ...over };
  return { record, type: record.kind, label: 'file' } as unknown as Inode;
};
const cred = (uid: number, gid: number, ...caps: Capability[]): Credentials => ({
  uid,
  gid,
  caps: new Set(caps),
});

const owner = cred(10, 99);
const group = cred(11, 20);
const other = cred(11, 99);
const mighty = cred(11, 99, 'CAP_DAC_OVERRIDE');

test('the first of owner, group and others that fits decides alone', (t) => {
  for (let mode = 0; mode < 0o1000; mode++) {
    for (const mask of [MAY_READ, MAY_WRITE, MAY_EXEC, MAY_READ | MAY_WRITE, 7]) {
      const file = inode(mode);
      t.is(may(file, owner, mask), ((mode >> 6) & mask) === mask);
      t.is(may(file, group, mask), ((mode >> 3) & mask) === mask);
      t.is(may(file, other, mask), (mode & mask) === mask);
    }
  }
});

test('CAP_DAC_OVERRIDE allows everything but executing what nobody may execute', (t) => {
  t.true(may(inode(0), mighty, MAY_READ | MAY_WRITE));
  t.false(may(inode(0o666), mighty, MAY_EXEC));
  t.true(may(inode(0o001), mighty, MAY_EXEC));
  t.true(may(inode(0, { kind: 'dir' }), mighty, 7));
});

test('an immutable file is EPERM to write, also for the mighty, before any EACCES', (t) => {
  const file = inode(0, { immutable: true });
  for (const who of [other, mighty]) {
    t.true(
      isErrno(
        t.throws(() => checkPermission(file, who, MAY_WRITE, 'x')),
        'EPERM',
      ),
    );
  }
  t.true(
    isErrno(
      t.throws(() => checkPermission(file, other, MAY_READ, 'x')),
      'EACCES',
    ),
  );
});

test('in a sticky directory only owners delete', (t) => {
  const dir = inode(0o1777, { kind: 'dir', uid: 1 });
  const file = inode(0o666);
  t.notThrows(() => checkDelete(dir, file, owner, 'x'));
  t.notThrows(() => checkDelete(dir, file, cred(1, 1), 'x'));
  t.notThrows(() => checkDelete(dir, file, cred(5, 5, 'CAP_FOWNER'), 'x'));
  t.true(
    isErrno(
      t.throws(() => checkDelete(dir, file, other, 'x')),
      'EPERM',
    ),
  );
  t.true(owns(file, owner));
  t.false(owns(file, mighty));
});

test('what is append-only or immutable is not deleted, nor what lies in such a one', (t) => {
  const dir = inode(0o777, { kind: 'dir' });
  for (const what of [{ append: true }, { immutable: true }]) {
    t.true(
      isErrno(
        t.throws(() => checkDelete(dir, inode(0o666, what), owner, 'x')),
        'EPERM',
      ),
    );
  }
  const log = inode(0o777, { kind: 'dir', append: true });
  t.true(
    isErrno(
      t.throws(() => checkDelete(log, inode(0o666), owner, 'x')),
      'EPERM',
    ),
  );
});
