// Goal: the table says what facts 3.3 says, and rules bear on it where they should.

import test from 'ava';
import { breakScopeOf, checksBeforeBreak, layoutBreakOf } from '../../lib/fs/layout-table.js';
import { kernelNames, kernelRules } from '../../lib/kernel-rules.js';
import { layoutOps } from '../../lib/lease/define-policy.js';
import { policies } from '../../lib/policy/index.js';

test('only DAX mounts wait for pages, and tmpfs minds nothing', (t) => {
  for (const op of layoutOps) {
    for (const kernel of kernelNames) {
      t.false(layoutBreakOf('ext4', false, kernelRules[kernel], op).pages);
      t.deepEqual(layoutBreakOf('tmpfs', false, kernelRules[kernel], op), {
        pages: false,
        leases: false,
      });
      t.false(layoutBreakOf('ext4', true, kernelRules[kernel], op).leases);
    }
  }
});

test('eviction looks at pages where the rules say so', (t) => {
  for (const kernel of kernelNames) {
    const rules = kernelRules[kernel];
    for (const flavor of ['ext4', 'xfs'] as const) {
      t.is(layoutBreakOf(flavor, true, rules, 'evict').pages, rules.evictWaits);
    }
  }
});

test('a policy says how much is broken; its rule counts more than its scope', (t) => {
  t.is(breakScopeOf(policies.linux), 'file');
  t.is(breakScopeOf(policies.orphan), 'range');
  t.is(breakScopeOf({ ...policies.linux, rules: { breakScope: 'range' } }), 'range');
});

test('xfs never looks at its arguments first', (t) => {
  for (const kernel of kernelNames) {
    t.false(checksBeforeBreak('xfs', kernelRules[kernel]));
    t.is(
      checksBeforeBreak('ext4', kernelRules[kernel]),
      kernelRules[kernel].ext4FallocateChecksFirst,
    );
  }
});
