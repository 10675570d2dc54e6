// Goal: a MAP_DIRECT lease lives as long as its mapping, whatever pieces that is cut into.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { kernelRules } from '../../lib/kernel-rules.js';
import { LeaseContext } from '../../lib/lease/lease-context.js';
import { defaultLeaseSettings } from '../../lib/lease/leased-inode.js';
import {
  closeMapDirect,
  mapDirectLease,
  openMapDirect,
  takeMapDirect,
} from '../../lib/lease/map-direct.js';
import type { VMA } from '../../lib/mm/vma.js';
import { Scheduler, Task } from '../../lib/sched/index.js';
import { posOf } from '../../lib/units.js';
import { FakeFile, FakeInode, FakeProcess } from './lease-world.js';

function setUp(uid = 0) {
  const sched = new Scheduler({ mode: 'simulated', timers: 'manual' });
  const inode = new FakeInode('f');
  const rules = kernelRules.proposed;
  const leases = new LeaseContext({ sched, rules, settings: defaultLeaseSettings() }, inode);
  const process = new FakeProcess(10, 'app', uid);
  const caller = { task: new Task(sched, 1, 'app', false), process };
  const file = new FakeFile(inode, 'rdwr');
  const mm = {};
  const vma = (pgoff: number, nrPages: number, owner: object = mm) =>
    ({
      mm: owner,
      mapping: null,
      file,
      pgoff,
      start: posOf(pgoff),
      end: posOf(pgoff + nrPages),
    }) as unknown as VMA;
  return { leases, rules, process, caller, vma };
}

const dax = { dax: true, label: 'f' };

test('the lease ends with the last part of a split mapping', (t) => {
  const { leases, rules, caller, vma } = setUp();
  const whole = vma(0, 8);
  const lease = takeMapDirect(leases, rules, caller, whole, dax);
  const tail = vma(5, 3);
  openMapDirect(tail);
  openMapDirect(tail);
  t.is(mapDirectLease(tail), lease);
  closeMapDirect(leases, whole);
  t.false(lease.gone);
  closeMapDirect(leases, tail);
  t.true(lease.gone);
  t.is(mapDirectLease(tail), undefined);
});

test('a plain mapping of the same pages has no lease: not of this process, not of another', (t) => {
  const { leases, rules, caller, vma } = setUp();
  takeMapDirect(leases, rules, caller, vma(0, 4), dax);
  const elsewhere = vma(9, 1);
  openMapDirect(elsewhere);
  t.is(mapDirectLease(elsewhere), undefined);
  const stranger = vma(1, 1, {});
  openMapDirect(stranger);
  t.is(mapDirectLease(stranger), undefined);
  closeMapDirect(leases, stranger);
  t.is(leases.leases.length, 1);
});

test('every MAP_DIRECT mapping has a lease of its own', (t) => {
  const { leases, rules, caller, vma } = setUp();
  takeMapDirect(leases, rules, caller, vma(0, 4), dax);
  takeMapDirect(leases, rules, caller, vma(4, 4), dax);
  t.is(leases.leases.length, 2);
});

test('a break tells the process by SIGIO', (t) => {
  const { leases, rules, caller, process, vma } = setUp();
  const lease = takeMapDirect(leases, rules, caller, vma(0, 1), dax);
  lease.owner.notify('lease-break', lease);
  t.deepEqual(process.signals, ['SIGIO']);
});

test('MAP_DIRECT is refused as it was proposed to be', (t) => {
  const { leases, rules, caller, vma } = setUp();
  const refused = (fn: () => unknown, code: 'EOPNOTSUPP' | 'EPERM') =>
    t.true(isErrno(t.throws(fn), code));
  const plain = { dax: false, label: 'f' };
  refused(() => takeMapDirect(leases, kernelRules['7.2'], caller, vma(0, 1), dax), 'EOPNOTSUPP');
  refused(() => takeMapDirect(leases, rules, caller, vma(0, 1), plain), 'EPERM');
  const user = setUp(1000);
  const e = t.throws(() => takeMapDirect(user.leases, user.rules, user.caller, vma(0, 1), dax));
  t.true(isErrno(e, 'EACCES'));
});
