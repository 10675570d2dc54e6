// Goal: a store in memory gives out inodes and pages up to its limits, and forgets what is removed.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { RamStore } from '../../lib/fs/ram-store.js';

const spec = { kind: 'file', perm: 0o600, uid: 1, gid: 2, parent: 0, nowNs: 5 } as const;

test('it begins with a root directory for everybody', (t) => {
  const store = new RamStore(100, 9);
  t.deepEqual(store.inodes(), [store.rootIno]);
  t.like(store.read(1), { kind: 'dir', perm: 0o777, nlink: 2, parent: 1, ctimeNs: 9 });
});

test('pages and inodes are limited, and what is given back may be taken again', (t) => {
  const store = new RamStore(2, 0);
  store.charge();
  store.charge();
  t.true(
    isErrno(
      t.throws(() => store.charge()),
      'ENOSPC',
    ),
  );
  store.uncharge(1);
  store.charge();
  t.is(store.usage().free, 0);
  while (store.usage().freeInodes > 0) store.create(null, spec);
  t.true(
    isErrno(
      t.throws(() => store.checkInode()),
      'ENOSPC',
    ),
  );
  const [, last] = store.inodes();
  store.remove(null as never, store.read(last!));
  t.notThrows(() => store.checkInode());
  t.true(
    isErrno(
      t.throws(() => store.read(last!)),
      'EUCLEAN',
    ),
  );
});

test('numbers and generations are not used again', (t) => {
  const store = new RamStore(100, 0);
  const a = store.create(null, spec);
  store.remove(null as never, a);
  const b = store.create(null, spec);
  t.true(b.ino > a.ino && b.generation > a.generation);
});
