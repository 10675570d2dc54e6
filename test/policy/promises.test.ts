// Goal: every policy keeps its row of the table, whatever the application does.
// Method: one file, one pinner, one truncate; every behaviour against every policy.

import test from 'ava';
import { kernelRules } from '../../lib/kernel-rules.js';
import type { LayoutPolicy, Promises } from '../../lib/lease/layout.js';
import { policies, promisesUnder } from '../../lib/policy/index.js';
import { behaviours, play, playEviction, playShort } from './policy-world.js';
import type { Behaviour, Outcome } from './policy-world.js';

const harm: readonly Promises['holder'][] = ['untouched', 'signalled', 'revoked', 'killed'];

const harmOf = (o: Outcome): Promises['holder'] => {
  if (o.killed) return 'killed';
  if (o.revoked) return 'revoked';
  return o.signals.length > 0 ? 'signalled' : 'untouched';
};

/** What of the outcome the promises do not allow. */
function broken(promised: Promises, b: Behaviour, o: Outcome): string[] {
  const wrong: string[] = [];
  const say = (what: string) => wrong.push(`${JSON.stringify(b)}: ${what}`);
  if (promised.longtermPin === 'refused' && o.pin === 'ok') say('a long-term pin was let in');
  if (promised.longtermPin === 'needs-lease' && b.lease === 'none' && o.pin === 'ok') {
    say('a long-term pin was let in without a lease');
  }
  const took = { none: null, 'map-direct': 'MAP_DIRECT', shared: 'F_LAYOUT' }[
    b.lease === 'exclusive' ? 'shared' : b.lease
  ];
  const exclusive = b.lease === 'exclusive' && promised.lease === 'F_LAYOUT|F_EXCLUSIVE';
  const sealed = b.lease !== 'none' && promised.lease === 'SEAL';
  const enough = exclusive || sealed || (promised.lease !== null && took === promised.lease);
  if (enough && o.pin !== 'ok' && b.revoke !== 'irrevocable') {
    say(`under ${promised.lease} a long-term pin answered ${o.pin}`);
  }
  if (promised.longtermPin === 'granted' && o.pin !== 'ok' && b.revoke !== 'irrevocable') {
    say(`a long-term pin answered ${o.pin}`);
  }
  if (o.truncate === 'hung' && !promised.mayHang.includes('truncate')) say('truncate hung');
  if (o.truncate !== 'hung' && o.truncate !== 'done') {
    if (!promised.truncateFails.includes(o.truncate)) say(`truncate answered ${o.truncate}`);
  }
  if (o.pin !== 'ok') return wrong;
  if (harm.indexOf(harmOf(o)) > harm.indexOf(promised.holder)) say(`the holder: ${harmOf(o)}`);
  if (o.truncate === 'done' && o.blocks !== 'idle-first' && o.blocks !== promised.blocks) {
    say(`blocks: ${o.blocks}`);
  }
  if (o.truncate === 'done' && o.blocks === 'idle-first' && o.pinsLeft > 0) {
    say('truncate is done and pages are pinned');
  }
  if (promised.leaseOutlivesPin && o.leaseWentFirst) say('the lease went before the pins');
  return wrong;
}

for (const policy of Object.values<LayoutPolicy>(policies)) {
  test(`${policy.name} keeps its promises against every behaviour`, async (t) => {
    const wrong: string[] = [];
    const promised = promisesUnder(policy, kernelRules.proposed);
    for (const behaviour of behaviours()) {
      const outcome = await play(policy, behaviour);
      wrong.push(...broken(promised, behaviour, outcome));
    }
    t.deepEqual(wrong, []);
  });
}

// Design, section 6: short pins are waited for under every policy but these.
const shortPins: Record<string, readonly [Outcome['truncate'], Outcome['blocks']]> = {
  ebusy: ['EBUSY', 'idle-first'],
  orphan: ['done', 'orphan'],
  'busy-extent': ['done', 'busy'],
  none: ['done', 'free'],
};

for (const policy of Object.values<LayoutPolicy>(policies)) {
  const [truncate, blocks] = shortPins[policy.name] ?? ['done', 'idle-first'];
  test(`${policy.name}: a truncate that meets a short pin is ${truncate}, ${blocks}`, async (t) => {
    const o = await playShort(policy);
    t.is(o.pin, 'ok', 'short pins are never refused');
    t.is(o.truncate, truncate);
    t.is(o.blocks, blocks);
    t.deepEqual(o.signals, []);
    t.false(o.killed || o.revoked);
    const waits = policy.name in shortPins ? 0 : 1e9;
    t.is(o.atNs, waits);
  });

  test(`${policy.name}: an eviction never fails`, async (t) => {
    const o = await playEviction(policy);
    t.true(o.truncate === 'done' || policy.promises.mayHang.includes('evict'));
    t.true(o.truncate === 'done' || o.truncate === 'hung', o.truncate);
    if (o.pin === 'ok' && o.blocks !== 'idle-first') t.true(o.blocks === policy.promises.blocks);
  });
}

test('linux promises safety only on kernels that always look', (t) => {
  t.is(promisesUnder(policies.linux, kernelRules['6.1']).stray, 'expected');
  t.is(promisesUnder(policies.linux, kernelRules['6.12']).stray, 'expected');
  t.is(promisesUnder(policies.linux, kernelRules['7.2']).stray, 'never');
});

test('linux refuses long-term pins where the kernel does', (t) => {
  t.is(promisesUnder(policies.linux, kernelRules['7.2']).longtermPin, 'refused');
  t.is(promisesUnder(policies.linux, kernelRules.proposed).longtermPin, 'granted');
  t.is(promisesUnder(policies.forbid, kernelRules.proposed).longtermPin, 'refused');
});

test('every other policy that promises safety looks on every kernel', (t) => {
  for (const policy of Object.values<LayoutPolicy>(policies)) {
    if (policy.name === 'linux') continue;
    const under = promisesUnder(policy, kernelRules['6.1']);
    t.is(under.stray, policy.promises.stray, policy.name);
  }
});
