// Goal: each way a rereg fails says which region may be used afterwards (ibv_rereg_mr(3)).

import test from 'ava';
import {
  checkReregInput,
  kernelRefused,
  ReregError,
  reregErrors,
} from '../../../drivers/rdma/rereg-error.js';
import type { ReregRequest } from '../../../drivers/rdma/verbs-context.js';
import { MR, PD } from '../../../drivers/rdma/verbs-objects.js';
import { Errno, isErrno } from '../../../lib/errno.js';

const mr = new MR(1, new PD(0), 4096, 4096, 0x101, 0x101);

test('the five classes, their codes and the region they leave valid', (t) => {
  t.deepEqual(
    Object.entries(reregErrors).map(([name, { code, valid }]) => [name, code, valid]),
    [
      ['INPUT', -1, 'old'],
      ['DONT_FORK_NEW', -2, 'old'],
      ['DO_FORK_OLD', -3, 'new'],
      ['CMD', -4, 'none'],
      ['CMD_AND_DO_FORK_NEW', -5, 'none'],
    ],
  );
});

const bad: readonly [what: string, mr: unknown, request: unknown][] = [
  ['no region', null, { flags: ['pd'] }],
  ['a dma-buf region', new MR(1, mr.pd, 0, 1, 1, 1, 'dma-buf'), { flags: ['pd'] }],
  ['no request', mr, null],
  ['no flags', mr, {}],
  ['an unknown flag', mr, { flags: ['colour'] }],
  ['a raw bit', mr, { flags: [8] }],
  ['translation to address 0', mr, { flags: ['translation'], addr: 0, len: 4096 }],
  ['translation of length 0', mr, { flags: ['translation'], addr: 4096, len: 0 }],
  ['access that is not to be changed', mr, { flags: ['pd'], access: ['local_write'] }],
];

for (const [what, region, request] of bad) {
  test(`${what} is an INPUT error, and the old region is as it was`, (t) => {
    const error = t.throws(() => checkReregInput(region as MR, request as ReregRequest), {
      instanceOf: ReregError,
    });
    t.true(isErrno(error, 'EINVAL'));
    t.is(error.reregClass, 'INPUT');
    t.is(error.valid, 'old');
  });
}

test('what the kernel refuses is a CMD error with its errno', (t) => {
  const error = kernelRefused(new Errno('EACCES', 'read-only')) as ReregError;
  t.deepEqual([error.code, error.reregClass, error.valid], ['EACCES', 'CMD', 'none']);
  t.is(error.message, 'EACCES: read-only');
  const bug = new TypeError('x');
  t.is(kernelRefused(bug), bug);
});
