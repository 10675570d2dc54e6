// Goal: what policies override is theirs to override, and nothing escapes their scan.

import test from 'ava';
import { overridableRules } from '../../lib/lease/define-policy.js';
import { policies } from '../../lib/policy/index.js';
import { letPinsIn, scanAlways, withLayoutLeases } from '../../lib/policy/rules.js';

test('each set of rules adds to the one before', (t) => {
  t.deepEqual(scanAlways, { busyScanNeedsMapping: false, evictWaits: true });
  t.deepEqual(letPinsIn, { ...scanAlways, longtermFsdax: 'allow' });
  t.deepEqual(withLayoutLeases, { ...letPinsIn, userLayoutLeases: true });
  for (const rule of Object.keys(withLayoutLeases)) {
    t.true((overridableRules as readonly string[]).includes(rule));
  }
});

test('only linux overrides nothing, and only none looks away', (t) => {
  for (const policy of Object.values(policies)) {
    const looks = policy.rules.busyScanNeedsMapping === false && policy.rules.evictWaits === true;
    t.is(looks, policy.name !== 'linux' && policy.name !== 'none', policy.name);
    t.is(Object.keys(policy.rules).length === 0, policy.name === 'linux', policy.name);
  }
});
