// Goal: which access flags a registration may have, per kernel, as measured (facts 5.1).

import test from 'ava';
import {
  accessNames,
  accessOf,
  type AccessFlags,
  checkCoreAccess,
  checkDriverAccess,
  hasRemote,
  isWritable,
} from '../../../drivers/rdma/access.js';
import { rdmaRules } from '../../../drivers/rdma/rules.js';
import { isErrno } from '../../../lib/errno.js';
import { type KernelName, kernelNames } from '../../../lib/kernel-rules.js';

function answer(flags: AccessFlags, kernel: KernelName): string {
  try {
    const access = accessOf(flags);
    checkCoreAccess(access, rdmaRules[kernel]);
    checkDriverAccess(access, rdmaRules[kernel]);
    return 'ok';
  } catch (e) {
    return isErrno(e) ? e.code : String(e);
  }
}

type Row = readonly [flags: AccessFlags, ...answers: string[]];

// flags, then 6.1, 6.12, 7.2, proposed
const rows: readonly Row[] = [
  [[], 'ok', 'ok', 'ok', 'ok'],
  [['local_write'], 'ok', 'ok', 'ok', 'ok'],
  [['remote_read'], 'ok', 'ok', 'ok', 'ok'],
  [['remote_write'], 'EINVAL', 'EINVAL', 'EINVAL', 'EINVAL'],
  [['remote_atomic'], 'EINVAL', 'EINVAL', 'EINVAL', 'EINVAL'],
  [['remote_write', 'on_demand'], 'EINVAL', 'EINVAL', 'EINVAL', 'EINVAL'],
  [['local_write', 'remote_write'], 'ok', 'ok', 'ok', 'ok'],
  [['local_write', 'remote_atomic'], 'ok', 'ok', 'ok', 'ok'],
  [['mw_bind'], 'ok', 'ok', 'ok', 'ok'],
  [['local_write', 'zero_based'], 'ok', 'EOPNOTSUPP', 'EOPNOTSUPP', 'ok'],
  [['local_write', 'on_demand'], 'EINVAL', 'EOPNOTSUPP', 'ok', 'ok'],
  [['local_write', 'relaxed_ordering'], 'ok', 'ok', 'ok', 'ok'],
  [['local_write', 'hugetlb'], 'ok', 'EOPNOTSUPP', 'EOPNOTSUPP', 'EOPNOTSUPP'],
  [['flush_global'], 'EINVAL', 'ok', 'ok', 'ok'],
  [[1 << 14], 'EINVAL', 'EINVAL', 'EINVAL', 'EINVAL'],
  [[1 << 30], 'EINVAL', 'EINVAL', 'EINVAL', 'EINVAL'],
];

for (const [flags, ...answers] of rows) {
  test(`access [${flags.join(', ')}]: ${answers.join(' ')}`, (t) => {
    t.deepEqual(
      kernelNames.map((kernel) => answer(flags, kernel)),
      answers,
    );
  });
}

test('what is no flag is EINVAL', (t) => {
  for (const flags of [null, 'local_write', ['remote'], [-1], [1.5], [{}], [2 ** 31]]) {
    t.throws(() => accessOf(flags as AccessFlags), { message: /^EINVAL: access/ });
  }
});

test('writable and remote sets', (t) => {
  t.true(isWritable(accessOf(['mw_bind'])));
  t.false(isWritable(accessOf(['remote_read', 'relaxed_ordering'])));
  t.true(hasRemote(accessOf(['remote_read'])));
  t.false(hasRemote(accessOf(['local_write'])));
  t.is(accessNames(accessOf(['local_write', 'remote_read'])), 'local_write|remote_read');
});
