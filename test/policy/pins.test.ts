// Goal: policies tell pins apart by how long they last and by whose lease they stand under.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import type { LayoutLeases, PinIntent } from '../../lib/lease/layout.js';
import { FileLease } from '../../lib/lease/lease.js';
import {
  failOrWait,
  pinsUnder,
  refuseIrrevocable,
  requireLease,
  shortOnly,
} from '../../lib/policy/pins.js';
import { FakeFile, FakeInode, FakeProcess } from '../lease/lease-world.js';
import { fakeChange, fakePin } from './policy-world.js';

const app = new FakeProcess(7, 'app');
const other = new FakeProcess(8, 'other');

const layoutLease = (pid: number, exclusive = false) => {
  const owner = new FakeFile(new FakeInode('f'), 'rdwr');
  return new FileLease({ id: 1, type: 'F_RDLCK', kind: 'LAYOUT', owner, pid, exclusive });
};

const having = (...leases: FileLease[]) =>
  ({ layoutLeases: () => leases }) as unknown as LayoutLeases;

const intent = (more: Partial<PinIntent> = {}) =>
  ({ longterm: true, irrevocable: false, process: app, ...more }) as PinIntent;

test('pages that nobody is known to pin are held for short', (t) => {
  t.true(shortOnly([]));
  t.true(shortOnly([fakePin({ longterm: false })]));
  t.false(shortOnly([fakePin({ longterm: false }), fakePin()]));
});

test('under a lease stand the long-term pins of the process that took it', (t) => {
  const mine = fakePin({ process: app });
  const pins = [mine, fakePin({ process: app, longterm: false }), fakePin({ process: other })];
  t.deepEqual(pinsUnder(layoutLease(7), [...pins, fakePin()]), [mine]);
});

test('what may not fail waits', (t) => {
  t.deepEqual(failOrWait(fakeChange(), 'EBUSY'), { do: 'fail', errno: 'EBUSY' });
  t.deepEqual(failOrWait(fakeChange({ mayFail: false }), 'EBUSY'), { do: 'wait' });
});

const breaking = layoutLease(7);
breaking.unlockPending = true;
const kept = layoutLease(7);
kept.kept = 'close';

for (const [what, leases, exclusive, ok] of [
  ['no lease', having(), false, false],
  ['the lease of another process', having(layoutLease(8)), false, false],
  ['a lease of its own', having(layoutLease(8), layoutLease(7)), false, true],
  ['a lease that is being broken', having(breaking), false, false],
  ['a lease that is only kept for older pins', having(kept), false, false],
  ['a shared lease where an exclusive one is asked', having(layoutLease(7)), true, false],
  ['an exclusive lease', having(layoutLease(7, true)), true, true],
  ['an exclusive lease where any will do', having(layoutLease(7, true)), false, true],
] as const) {
  test(`a long-term pin under ${what} is ${ok ? 'let in' : 'EPERM'}`, (t) => {
    const ask = () => requireLease(intent(), leases, exclusive);
    if (ok) t.is(ask().pid, 7);
    else t.true(isErrno(t.throws(ask), 'EPERM'));
  });
}

test('the kernel itself holds no lease', (t) => {
  const e = t.throws(() => requireLease(intent({ process: null }), having(layoutLease(0))));
  t.true(isErrno(e, 'EPERM'));
});

test('what cannot be given back is not let in, unless it is short', (t) => {
  const e = t.throws(() => refuseIrrevocable(intent({ irrevocable: true })));
  t.true(isErrno(e, 'EOPNOTSUPP'));
  t.notThrows(() => refuseIrrevocable(intent()));
  t.notThrows(() => refuseIrrevocable(intent({ longterm: false, irrevocable: true })));
});
