// Goal: a policy's rules stand in for the kernel's, and sets of rules are made once and stay.

import test from 'ava';
import { kernelRules, rulesUnder } from '../lib/kernel-rules.js';

test('rules under a policy are the kernel rules with its own instead', (t) => {
  const rules = kernelRules['6.12'];
  t.is(rulesUnder(rules, {}), rules);
  const own = { longtermFsdax: 'allow' } as const;
  const under = rulesUnder(rules, own);
  t.deepEqual({ ...under }, { ...rules, ...own });
  t.not(rules.longtermFsdax, 'allow');
  t.is(rulesUnder(rules, own), under);
  t.not(rulesUnder(kernelRules['6.1'], own), under);
});

test('nobody changes a set of rules', (t) => {
  const all = [
    ...Object.values(kernelRules),
    rulesUnder(kernelRules['7.2'], { evictWaits: false }),
  ];
  for (const rules of all) t.throws(() => Object.assign(rules, { evictWaits: true }));
});
