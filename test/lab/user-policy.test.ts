// Goal: a policy of one's own is measured as any other; what is none is refused by name.

import test from 'ava';
import { isPath, policyOf } from '../../lib/lab/user-policy.js';
import { endOf } from './play-fixture.js';

const mine = './test/lab/fixtures/mine.ts';

test('a word with a slash or a dot is a file', (t) => {
  t.true(isPath(mine));
  t.false(isPath('lease-break:hang'));
});

test('the policy of a module is loaded once', async (t) => {
  const policy = await policyOf(mine);
  t.is(policy.name, 'patient');
  t.is(await policyOf(mine), policy);
});

test('it decides: truncate fails after half a second', async (t) => {
  const { outcome } = await endOf({ policy: mine });
  t.is(outcome.end, 'EBUSY');
  t.is(outcome.tookNs, 500_000_000);
});

test('a file that is not there, and one without a policy, are refused', async (t) => {
  await t.throwsAsync(policyOf('./nowhere.ts'), { code: 'ENOENT' });
  await t.throwsAsync(policyOf('./lib/units.ts'), { code: 'EINVAL' });
});
