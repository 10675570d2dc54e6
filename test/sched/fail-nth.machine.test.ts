// Goal: every allocation of a call may fail; the call is ENOMEM then and has changed nothing.
// Method: as Documentation/fault-injection has it, fail the first, the second ... allocation of a
// call, until it succeeds because there were fewer.

import test from 'ava';
import { Errno } from '../../lib/errno.js';
import { outcome, snapshot, withWorld, type World } from '../support/integrity.js';

interface Row {
  readonly call: string;
  readonly make: (w: World) => unknown;
  /** What is allocated, in this order. */
  readonly allocates: readonly string[];
}

const umem = ['a umem', 'a list of pages', 'a scatter table'];
const onDemand = ['an on-demand umem', 'its pages', 'its DMA addresses'];
const lease = ['a lease', 'a fasync entry'];
const range = { len: 4096 };

const rows: readonly Row[] = [
  { call: 'open', make: (w) => w.app.open('/data'), allocates: ['a path', 'an open file'] },
  {
    call: 'open, of a file that is made by it,',
    make: (w) => w.app.open('/new', ['rdwr', 'creat', 'trunc']),
    allocates: ['a path', 'an open file'],
  },
  { call: 'mmap', make: (w) => w.app.mmap({ ...range }), allocates: ['a VMA'] },
  {
    call: 'mmap, in place of what was mapped there,',
    make: (w) => w.app.mmap({ ...range, addr: w.anonAddr, fixed: true }),
    allocates: ['a VMA'],
  },
  {
    call: 'F_SETLEASE',
    make: (w) => w.app.setLease(w.fds.data, 'F_LAYOUT'),
    allocates: [...lease, 'f_owner', 'a lock context'],
  },
  {
    call: 'F_SETLEASE again',
    make: (w) => w.app.setLease(w.fds.leased, 'F_RDLCK'),
    allocates: lease,
  },
  {
    call: 'F_SETSIG',
    make: (w) => w.app.setSig(w.fds.data, 'SIGUSR1'),
    allocates: ['f_owner'],
  },
  {
    call: 'F_SETOWN',
    make: (w) => w.app.setOwn(w.fds.data, w.app.pid),
    allocates: ['f_owner'],
  },
  {
    call: 'F_UNLCK',
    make: (w) => w.app.setLease(w.fds.leased, 'F_UNLCK'),
    allocates: [],
  },
  {
    call: 'reg_mr',
    make: (w) => w.verbs.regMR(w.pd, w.anonAddr, 4096),
    allocates: ['a uobject', 'a region', ...umem],
  },
  {
    call: 'reg_mr of many pages',
    make: (w) => w.verbs.regMR(w.pd, w.fileAddr, 65536),
    allocates: ['a uobject', 'a region', ...umem],
  },
  {
    call: 'reg_mr on demand',
    make: (w) => w.verbs.regMR(w.pd, w.anonAddr, 4096, ['local_write', 'on_demand']),
    allocates: ['a uobject', 'a region', ...onDemand],
  },
];

for (const { call, make, allocates } of rows) {
  test(`${call} needs ${allocates.join(', ') || 'no memory'}; without, it changes nothing`, (t) =>
    withWorld(t, async (w) => {
      for (const [i, what] of allocates.entries()) {
        const before = await snapshot(w);
        w.app.setFailNth(i + 1);
        const { code, text } = await outcome(w.machine, () => make(w));
        t.is(w.app.failNth(), 0, 'the fault was injected');
        t.is(code, 'ENOMEM', text);
        t.true(text.endsWith(`for ${what}`), `${i + 1}: ${text}`);
        t.deepEqual(await snapshot(w), before, what);
      }
      w.app.setFailNth(100);
      const { code, text } = await outcome(w.machine, () => make(w));
      t.is(code, null, text);
      t.regex(text, /^answered/);
      t.true(w.app.failNth() > 0, 'there were fewer allocations than that');
      w.app.setFailNth(0);
    }));
}

test('only the calls of the process whose fail-nth it is fail', (t) =>
  withWorld(t, async ({ app, observer }) => {
    app.setFailNth(1);
    await observer.open('/data');
    t.is(app.failNth(), 1);
    const e = await t.throwsAsync(app.open('/data'), { instanceOf: Errno });
    t.regex(e.message, /^ENOMEM/);
    await app.open('/data');
  }));
