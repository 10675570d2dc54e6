// Goal: each rule of binding refuses for its own reason (rxe_mw.c: rxe_check_bind_mw; facts 5.3).

import test from 'ava';
import { type AccessFlags, accessOf } from '../../../drivers/rdma/access.js';
import { MemoryKey } from '../../../drivers/rdma/memory-key.js';
import {
  bindRefusal,
  doBind,
  MemoryWindow,
  type WindowType,
} from '../../../drivers/rdma/memory-window.js';
import { Scheduler } from '../../../lib/sched/index.js';

const sched = new Scheduler({ mode: 'simulated' });
const newRegion = (access: AccessFlags = ['local_write', 'mw_bind']): MemoryKey =>
  new MemoryKey(sched, {
    key: 0x101,
    rkey: 0x101,
    pd: 1,
    access: accessOf(access),
    iova: 4096,
    len: 8192,
    backing: { mapping: null, access: () => Promise.resolve() },
  });

const bind = (over: object = {}) => ({
  mwRkey: 0x1000100,
  newRkey: 0x1000177,
  mrLkey: 0x101,
  addr: 4096,
  len: 64,
  access: ['remote_write'] as AccessFlags,
  ...over,
});
const binder = { qpn: 17, pd: 1 };

type Row = readonly [
  what: string,
  type: WindowType,
  over: {
    readonly region?: MemoryKey | null;
    readonly bind?: object;
    readonly state?: MemoryWindow['state'];
    readonly pd?: number;
  },
  why: RegExp | null,
];

const revoked = newRegion();
revoked.state = 'REVOKED';

const rows: readonly Row[] = [
  ['a plain bind', 1, {}, null],
  ['a plain bind', 2, {}, null],
  ['the whole region', 1, { bind: { len: 8192 } }, null],
  ['unbinding', 1, { region: null, bind: { len: 0 } }, null],
  ['unbinding', 2, { region: null, bind: { len: 0 } }, /bound to nothing/],
  ['a window that is not valid', 1, { state: 'INVALID' }, /not VALID/],
  ['a window that is bound', 2, { state: 'VALID' }, /not FREE/],
  ['a zero-based window', 1, { bind: { access: ['zero_based'] } }, /zero-based type 1/],
  ['a zero-based window', 2, { bind: { access: ['zero_based'], addr: 0 } }, null],
  ['a queue pair of another domain', 2, { pd: 9 }, /another protection domain/],
  ['a queue pair of another domain', 1, { pd: 9 }, null],
  ['a region without mw_bind', 1, { region: newRegion(['local_write']) }, /not allow windows/],
  ['a region without local_write', 1, { region: newRegion(['mw_bind']) }, /without local_write/],
  [
    'a reading window on it',
    1,
    { region: newRegion(['mw_bind']), bind: { access: ['remote_read'] } },
    null,
  ],
  ['a zero-based region', 1, { region: newRegion(['zero_based', 'mw_bind']) }, /is zero-based/],
  ['a revoked region', 1, { region: revoked }, /was revoked/],
  ['before the start', 1, { bind: { addr: 4095 } }, /outside the region/],
  ['past the end', 1, { bind: { len: 8193 } }, /outside the region/],
  ['zero-based, too long', 2, { bind: { access: ['zero_based'], len: 8193 } }, /longer/],
];

for (const [what, type, over, why] of rows) {
  test(`type ${type}: ${what} ${why === null ? 'passes' : 'is refused'}`, (t) => {
    const mw = new MemoryWindow(type, 1, 0x1000100);
    if (over.state !== undefined) mw.state = over.state;
    const region = over.region === undefined ? newRegion() : over.region;
    const by = { ...binder, pd: over.pd ?? 1 };
    const refusal = bindRefusal(mw, region, bind(over.bind), by);
    if (why === null) t.is(refusal, null);
    else t.regex(refusal ?? '', why);
  });
}

test('a bind changes the rkey, counts on its region and lets the old one go', (t) => {
  const [first, second] = [newRegion(), newRegion()];
  const mw = new MemoryWindow(1, 1, 0x1000100);
  doBind(mw, first, bind(), binder);
  t.is(mw.rkey, 0x1000177);
  t.is(first.nrWindows, 1);
  doBind(mw, second, bind({ newRkey: 0x78 }), binder);
  t.deepEqual([first.nrWindows, second.nrWindows, mw.rkey], [0, 1, 0x1000178]);
  mw.release('INVALID');
  t.deepEqual([second.nrWindows, mw.state, mw.len], [0, 'INVALID', 0]);
});
