// Goal: each step of a last resort is taken once, for its grace, and in order.
// Method: walk the ladder by the clock; count acts on each pin.

import test from 'ava';
import { promisesOf, definePolicy } from '../../lib/lease/define-policy.js';
import { defaultGraceNs, Escalation, lastResort } from '../../lib/lease/last-resort.js';
import type { BusyVerdict, LayoutChange } from '../../lib/lease/layout.js';
import { ms, seconds } from '../../lib/units.js';
import { fakeChange, fakePin } from '../policy/policy-world.js';

const change = (more: Partial<LayoutChange> = {}) => fakeChange(more);
const second = (step: 'sigbus' | 'sigkill' | 'revoke' | 'fence') => ({
  step,
  graceNs: seconds(1),
});

test('steps fall due one after another, each until its grace is over', (t) => {
  const due = lastResort([second('sigbus'), second('sigkill'), second('revoke'), 'hang']);
  const at = (waitedNs: number) => due(change(), waitedNs);
  const sigbus: BusyVerdict = {
    do: 'signal',
    sig: 'SIGBUS',
    whom: 'pinner',
    untilNs: seconds(1),
  };
  t.deepEqual(at(0), sigbus);
  t.deepEqual(at(seconds(1) - 1), sigbus);
  t.deepEqual(at(seconds(1)), { ...sigbus, sig: 'SIGKILL', untilNs: seconds(2) } as BusyVerdict);
  t.deepEqual(at(seconds(2)), { do: 'revoke', untilNs: seconds(3) });
  t.deepEqual(at(seconds(3)), { do: 'wait' });
});

test('a ladder that names no last step ends in waiting', (t) => {
  t.deepEqual(lastResort(['revoke'])(change(), defaultGraceNs.revoke), { do: 'wait' });
  t.deepEqual(lastResort([])(change(), 0), { do: 'wait' });
});

test('fail fails with the errno asked for, and waits where failing is not possible', (t) => {
  const due = lastResort(['fail'], 'ETXTBSY');
  t.deepEqual(due(change(), 0), { do: 'fail', errno: 'ETXTBSY' });
  t.deepEqual(due(change({ mayFail: false }), 0), { do: 'wait' });
});

test('orphan proceeds at once', (t) => {
  t.deepEqual(lastResort(['orphan'])(change(), 0), { do: 'proceed', blocks: 'orphan' });
});

test('nothing may follow a step that ends the ladder', (t) => {
  t.throws(() => lastResort(['hang', 'sigkill']), { message: /nothing follows hang/ });
  t.throws(() => lastResort([{ step: 'sigbus', graceNs: -1 }]), { message: /grace/ });
});

const policyWith = (onBusy: (waitedNs: number) => BusyVerdict) =>
  definePolicy({
    name: 'mine',
    rules: {},
    promises: promisesOf(),
    scope: 'file',
    onBusy: (_c, _pins, waitedNs) => onBusy(waitedNs),
  });

test('a pin is acted on once; asked again within the grace, the rest of it is waited for', (t) => {
  const due = lastResort([second('sigkill'), 'hang']);
  const steps = new Escalation(
    policyWith((waitedNs) => due(change(), waitedNs)),
    change(),
  );
  const pin = fakePin();
  const first = steps.next([pin], 0);
  t.is(first.verdict.do, 'signal');
  t.deepEqual(first.pins, [pin]);
  t.deepEqual(steps.next([pin], ms(500)).verdict, { do: 'wait', untilNs: seconds(1) });
  t.deepEqual(steps.next([pin], seconds(1)).verdict, { do: 'wait' });
});

test('a pin that came during the grace is acted on too, and it alone', (t) => {
  const due = lastResort([second('revoke'), 'hang']);
  const steps = new Escalation(
    policyWith((waitedNs) => due(change(), waitedNs)),
    change(),
  );
  const [old, late] = [fakePin(), fakePin()];
  steps.next([old], 0);
  const act = steps.next([old, late], ms(10));
  t.is(act.verdict.do, 'revoke');
  t.deepEqual(act.pins, [late]);
});

test('short pins are never called back', (t) => {
  const steps = new Escalation(
    policyWith(() => ({ do: 'revoke', untilNs: seconds(9) })),
    change(),
  );
  const short = fakePin({ longterm: false });
  t.deepEqual(steps.next([short], 0).verdict, { do: 'wait', untilNs: seconds(9) });
});

test('a policy that fails an eviction is mistaken', (t) => {
  const policy = policyWith(() => ({ do: 'fail', errno: 'EBUSY' }));
  const steps = new Escalation(policy, change({ op: 'evict', mayFail: false }));
  t.throws(() => steps.next([fakePin()], 0), { message: /policy mine fails an eviction/ });
});

test('a policy whose grace is over before it began is mistaken', (t) => {
  const steps = new Escalation(
    policyWith(() => ({ do: 'revoke', untilNs: 0 })),
    change(),
  );
  const pin = fakePin();
  steps.next([pin], 0);
  t.throws(() => steps.next([pin], 0), { message: /no next step/ });
});
