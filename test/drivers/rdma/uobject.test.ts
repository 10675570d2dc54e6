// Goal: a handle names one object of one kind, for one exclusive or many shared users.

import test from 'ava';
import { ObjectTable } from '../../../drivers/rdma/uobject.js';

test('unknown handles are ENOENT, other kinds and garbage EINVAL', (t) => {
  const table = new ObjectTable();
  const pd = table.add('pd', {});
  t.throws(() => table.use('pd', pd + 1), { message: /^ENOENT/ });
  t.throws(() => table.use('mr', pd), { message: /^EINVAL/ });
  for (const garbage of [-1, 1.5, NaN, '0', null, undefined, {}]) {
    t.throws(() => table.own('pd', garbage), { message: /^EINVAL/ });
  }
});

test('uses overlap; owning excludes all others, and is excluded by them', (t) => {
  const table = new ObjectTable();
  const handle = table.add('mr', {});
  {
    using first = table.use('mr', handle);
    using second = table.use('mr', handle);
    t.is(first.object, second.object);
    t.throws(() => table.own('mr', handle), { message: /^EBUSY/ });
  }
  {
    using owner = table.own('mr', handle);
    t.is(owner.handle, handle);
    t.throws(() => table.use('mr', handle), { message: /^EBUSY/ });
    t.throws(() => table.own('mr', handle), { message: /^EBUSY/ });
  }
  t.notThrows(() => table.own('mr', handle));
});

test('handles are not used again, and close goes newest first', (t) => {
  const table = new ObjectTable();
  const [a, b] = [table.add('pd', {}), table.add('mr', {})];
  t.deepEqual(
    table.newestFirst().map(({ handle }) => handle),
    [b, a],
  );
  table.remove(b);
  t.not(table.add('mr', {}), b);
  t.is(table.ofKind('pd').length, 1);
});
