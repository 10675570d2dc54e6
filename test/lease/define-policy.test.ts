// Goal: a policy is checked where it enters, and nobody changes it afterwards.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { definePolicy, promisesOf } from '../../lib/lease/define-policy.js';
import type { LayoutPolicy } from '../../lib/lease/layout.js';

const good = (): LayoutPolicy => ({
  name: 'mine',
  rules: {},
  promises: promisesOf(),
  scope: 'range',
  onBusy: () => ({ do: 'wait' }),
});

test('a policy comes back frozen, and its promises too', (t) => {
  const policy = definePolicy(good());
  t.true(Object.isFrozen(policy));
  t.true(Object.isFrozen(policy.rules));
  t.true(Object.isFrozen(policy.promises));
  t.true(Object.isFrozen(policy.promises.mayHang));
});

test('what a policy does not promise is that it is safe, ends, and hurts nobody', (t) => {
  t.deepEqual(promisesOf(), {
    stray: 'never',
    mayHang: [],
    leaseOutlivesPin: false,
    longtermPin: 'granted',
    lease: null,
    truncateFails: [],
    holder: 'untouched',
    snapshot: 'torn',
    blocks: 'idle-first',
  });
});

const wrong: [what: string, change: Record<string, unknown>, says: RegExp][] = [
  ['a name with capitals', { name: 'Mine' }, /a name is lower-case/],
  ['no onBusy', { onBusy: undefined }, /onBusy is required/],
  ['an admitPin that is no function', { admitPin: 'no' }, /admitPin is not a function/],
  ['an unknown scope', { scope: 'extent' }, /scope extent/],
  ['a kernel rule of its own making', { rules: { idleRefcount: 0 } }, /idleRefcount is not/],
  ['an unknown operation', { promises: promisesOf({ mayHang: ['x' as never] }) }, /no operation/],
  ['freeing what is referenced, safely', { promises: promisesOf({ blocks: 'free' }) }, /stray/],
  [
    'leases that outlive pins it refuses',
    { promises: promisesOf({ leaseOutlivesPin: true, longtermPin: 'refused' }) },
    /outlive/,
  ],
];

for (const [what, change, says] of wrong) {
  test(`${what} is EINVAL`, (t) => {
    const e = t.throws(() => definePolicy({ ...good(), ...change } as LayoutPolicy));
    t.true(isErrno(e, 'EINVAL'));
    t.regex(e.message, says);
  });
}

test('a variant is named after a colon', (t) => {
  t.is(definePolicy({ ...good(), name: 'lease-break:hang' }).name, 'lease-break:hang');
});
