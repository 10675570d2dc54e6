// Goal: a refusal looks like one of Node's own system errors, with the numbers of Linux.

import { constants } from 'node:os';
import test from 'ava';
import { Errno, errnoNumbers, isErrno } from '../lib/errno.js';

test('a refusal carries code, negative errno, syscall and cause', (t) => {
  const cause = new Error('below');
  const e = new Errno('EBUSY', 'truncate: 3 pages of inode 12 are pinned by rdma0', {
    syscall: 'truncate',
    cause,
  });
  t.true(e instanceof Error);
  t.is(e.message, 'EBUSY: truncate: 3 pages of inode 12 are pinned by rdma0');
  t.is(e.code, 'EBUSY');
  t.is(e.errno, -16);
  t.is(e.syscall, 'truncate');
  t.is(e.cause, cause);
  t.is(new Errno('EIO', 'x').syscall, undefined);
  t.false('cause' in new Errno('EIO', 'x'));
});

test('the numbers are those of the Linux this runs on', (t) => {
  const host = constants.errno as Record<string, number>;
  const ours: Record<string, number> = errnoNumbers;
  const shared = Object.keys(errnoNumbers).filter((code) => code in host);
  t.true(shared.length > 60);
  for (const code of shared) t.is(ours[code], host[code], code);
});

test('codes that Node does not know have the numbers of errno.h', (t) => {
  const { EDEADLOCK, EDEADLK, ENOTSUP, EOPNOTSUPP, EUCLEAN, EREMOTEIO, EHWPOISON } = errnoNumbers;
  t.deepEqual(
    [EDEADLOCK, EDEADLK, ENOTSUP, EOPNOTSUPP, EUCLEAN, EREMOTEIO, EHWPOISON],
    [35, 35, 95, 95, 117, 121, 133],
  );
});

test('isErrno tells refusals from other errors, and takes an alias for its twin', (t) => {
  const e = new Errno('EWOULDBLOCK', 'open: a lease is being broken');
  t.true(isErrno(e));
  t.true(isErrno(e, 'EAGAIN'));
  t.false(isErrno(e, 'EBUSY'));
  t.false(isErrno(Object.assign(new Error('x'), { code: 'EBUSY', errno: -16 }), 'EBUSY'));
  t.false(isErrno(undefined));
});
