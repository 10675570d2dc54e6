// Goal: a policy is found by the name that users type.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { policies, policyIds, policyNamed } from '../../lib/policy/index.js';

test('every id names the policy of that name', (t) => {
  for (const id of policyIds) {
    t.is(policyNamed(id), policies[id]);
    t.is(policies[id].name, id);
  }
});

test('an unknown name is EINVAL and says which there are', (t) => {
  for (const id of ['nonesuch', 'toString', '']) {
    const e = t.throws(() => policyNamed(id));
    t.true(isErrno(e, 'EINVAL'));
    t.regex(e.message, /lease-break:hang/);
  }
});
