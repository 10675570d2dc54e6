// Goal: how a request ends at the sender: judges 2.2, row by row, and the retries.

import test from 'ava';
import type { AccessFlags } from '../../../drivers/rdma/access.js';
import type { KernelName } from '../../../lib/kernel-rules.js';
import { ms } from '../../../lib/units.js';
import { type App, pages } from '../../support/driver-machine.js';
import {
  allRights,
  completion,
  pair,
  type Pair,
  type PairOptions,
  rdmaMachine,
  recv,
  run,
  type Transfer,
  withContext,
  wrOf,
} from '../../support/rdma.js';
import type { MR, VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import type { RdmaMachine } from '../../support/rdma.js';

interface Bench {
  readonly m: RdmaMachine;
  readonly ctx: VerbsContext;
  readonly app: App;
  readonly p: Pair;
  readonly s: MR;
  readonly d: MR;
}

interface Options extends PairOptions {
  readonly kernel?: KernelName;
  readonly target?: AccessFlags;
}

async function bench(opts: Options, fn: (b: Bench) => Promise<void>): Promise<void> {
  const m = rdmaMachine({ kernel: opts.kernel ?? 'proposed' });
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, await app.map(2), pages(2));
    const d = await ctx.regMR(pd, await app.map(2), pages(2), opts.target ?? allRights);
    await app.fill(s.addr, pages(2), 0xaa);
    await fn({ m, ctx, app, p: await pair(ctx, pd, opts), s, d });
  });
}

type Row = readonly [
  what: string,
  opts: Options,
  transfer: Partial<Transfer>,
  status: string,
  peer: string,
];
const write = { opcode: 'RDMA_WRITE' } as const;
const rows: readonly Row[] = [
  ['unknown rkey', {}, { ...write, rkey: 0x7fffff01 }, 'REM_ACCESS_ERR', 'ERR'],
  ['missing right', { target: ['local_write'] }, write, 'REM_ACCESS_ERR', 'ERR'],
  ['range past the end', {}, { ...write, remotePos: 8190 }, 'REM_ACCESS_ERR', 'ERR'],
  ['range before the start', {}, { ...write, remotePos: -8 }, 'REM_ACCESS_ERR', 'ERR'],
  ['QP denies write', { access: ['remote_read'] }, write, 'REM_INV_REQ_ERR', 'ERR'],
  [
    'QP denies read',
    { access: ['remote_write'] },
    { opcode: 'RDMA_READ' },
    'REM_INV_REQ_ERR',
    'ERR',
  ],
  [
    'QP denies atomics',
    { access: ['remote_write'] },
    { opcode: 'ATOMIC_FETCH_AND_ADD', len: 8 },
    'REM_INV_REQ_ERR',
    'ERR',
  ],
  ['no receive request', {}, { opcode: 'SEND' }, 'RNR_RETRY_EXC_ERR', 'RTS'],
  ['zero length, any rkey', {}, { ...write, len: 0, rkey: 5 }, 'SUCCESS', 'RTS'],
  ['zero length read', {}, { opcode: 'RDMA_READ', len: 0, rkey: 5 }, 'SUCCESS', 'RTS'],
  ['own range past the end', {}, { ...write, localPos: 8190 }, 'LOC_PROT_ERR', 'RTS'],
];

for (const [what, opts, transfer, status, peer] of rows) {
  test(`${what}: ${status}, the peer is in ${peer}`, async (t) => {
    await bench(opts, async ({ ctx, p, s, d }) => {
      const remote = transfer.opcode === 'SEND' ? {} : { remote: d };
      t.is(await run(p, { local: s, ...remote, ...transfer } as Transfer), status);
      t.is(await ctx.qpState(p.qps[0]), status === 'SUCCESS' ? 'RTS' : 'ERR');
      t.is(await ctx.qpState(p.qps[1]), peer as 'ERR');
      if (status === 'SUCCESS') return;
      t.is(await run(p, { opcode: 'SEND', local: s }), 'WR_FLUSH_ERR');
    });
  });
}

const localErrors: readonly [KernelName, string, string][] = [
  ['6.1', 'LOC_PROT_ERR', 'LOC_QP_OP_ERR'],
  ['6.12', 'WR_FLUSH_ERR', 'WR_FLUSH_ERR'],
  ['7.2', 'WR_FLUSH_ERR', 'WR_FLUSH_ERR'],
  ['proposed', 'LOC_PROT_ERR', 'LOC_PROT_ERR'],
];

for (const [kernel, range, key] of localErrors) {
  test(`${kernel}: an own range that is bad is ${range}, an own key ${key}`, async (t) => {
    await bench({ kernel }, async ({ ctx, p, s, d }) => {
      t.is(await run(p, { ...write, local: s, localPos: 8190, remote: d }), range);
      const second = await pair(ctx, p.pd);
      const sgList = [{ addr: s.addr, len: 8, lkey: s.lkey + 1 }];
      t.is(await run(second, { ...write, remote: d, more: { sgList } }), key);
    });
  });
}

test('packets before the bad one are sent, the others are not', async (t) => {
  await bench({}, async ({ ctx, app, p, s, d }) => {
    const small = await ctx.regMR(p.pd, s.addr, 3000);
    t.is(await run(p, { ...write, local: small, remote: d, len: 4096 }), 'LOC_PROT_ERR');
    t.deepEqual([...(await app.load(d.addr + 2047, 2))], [0xaa, 0]);
  });
});

const both: readonly [KernelName, string][] = [
  ['6.1', 'REM_ACCESS_ERR'],
  ['6.12', 'WR_FLUSH_ERR'],
];
for (const [kernel, status] of both) {
  test(`${kernel}: wrong on both sides is ${status}`, async (t) => {
    await bench({ kernel }, async ({ ctx, p, s, d }) => {
      const small = await ctx.regMR(p.pd, s.addr, 4096);
      t.is(await run(p, { ...write, local: small, remote: d, remotePos: 4096, len: 8192 }), status);
    });
  });
}

test('a read into a region without local write is LOC_PROT_ERR everywhere', async (t) => {
  for (const kernel of ['6.1', '6.12', '7.2', 'proposed'] as const) {
    await bench({ kernel }, async ({ ctx, p, s, d }) => {
      const readOnly = await ctx.regMR(p.pd, s.addr, 4096, ['remote_read']);
      t.is(
        await run(p, { opcode: 'RDMA_READ', local: readOnly, remote: d }),
        'LOC_PROT_ERR',
        kernel,
      );
    });
  }
});

test('RNR is tried again after its timer, as often as rnr_retry says, or for ever', async (t) => {
  await bench({ attr: { rnrRetry: 3, minRnrTimer: 12 } }, async ({ m, app, ctx, p, s }) => {
    const begun = m.sched.clock.nowNs;
    t.is(await run(p, { opcode: 'SEND', local: s }), 'RNR_RETRY_EXC_ERR');
    t.is(m.sched.clock.nowNs - begun, 3 * 640_000);
    t.is(m.hca.counters.rnrNaksSent, 4);
    const patient = await pair(ctx, p.pd, { attr: { rnrRetry: 7, minRnrTimer: 12 } });
    await ctx.postSend(patient.qps[0], wrOf({ opcode: 'SEND', local: s }));
    await m.sched.clock.sleep(app.task, ms(50));
    await recv(patient, s, 0, 64);
    t.is(await completion(patient, 0), 'SUCCESS');
  });
});

test('a peer that is gone: retry_cnt timeouts, then RETRY_EXC_ERR', async (t) => {
  await bench({ attr: { retryCnt: 2, timeout: 10 } }, async ({ m, ctx, p, s, d }) => {
    await ctx.destroyQP(p.qps[1]);
    const begun = m.sched.clock.nowNs;
    t.is(await run(p, { ...write, local: s, remote: d }), 'RETRY_EXC_ERR');
    t.is(m.sched.clock.nowNs - begun, 2 * 4096 * 1024);
  });
});

test('unsignaled requests complete silently, failed ones never do', async (t) => {
  await bench({}, async ({ ctx, p, s, d }) => {
    await ctx.postSend(p.qps[0], wrOf({ ...write, local: s, remote: d, more: { flags: [] } }));
    t.is(await run(p, { ...write, local: s, remote: d }), 'SUCCESS');
    t.is((await ctx.pollCQ(p.cqs[0], 5)).length, 0);
    const bad = { ...write, local: s, remote: d, rkey: 1, more: { flags: [] } } as const;
    t.is(await run(p, bad), 'REM_ACCESS_ERR');
  });
});

test('inline data is taken when it is posted', async (t) => {
  await bench({ cap: { maxInline: 64 } }, async ({ ctx, app, p, s, d }) => {
    await app.fill(s.addr, 8, 0x11);
    const more = {
      flags: ['signaled', 'inline'],
      sgList: [{ addr: s.addr, len: 8, lkey: 0 }],
    } as const;
    await ctx.postSend(p.qps[0], wrOf({ ...write, local: s, remote: d, more }));
    await app.fill(s.addr, 8, 0x99);
    t.is(await completion(p, 0), 'SUCCESS');
    t.is((await app.load(d.addr, 1))[0], 0x11);
    const nowhere = { ...more, sgList: [{ addr: 4096, len: 8, lkey: 0 }] };
    await t.throwsAsync(
      () => ctx.postSend(p.qps[0], wrOf({ ...write, remote: d, more: nowhere })),
      {
        message: /^EFAULT/,
      },
    );
  });
});

test('UC: what fails at the receiver is dropped without a word', async (t) => {
  await bench({ type: 'UC' }, async ({ ctx, p, s, d }) => {
    t.is(await run(p, { opcode: 'SEND', local: s }), 'SUCCESS');
    t.is(await run(p, { ...write, local: s, remote: d, rkey: 1 }), 'SUCCESS');
    t.is(await ctx.qpState(p.qps[1]), 'RTS');
    await recv(p, d, 0, 64);
    t.is(await run(p, { opcode: 'SEND', local: s }), 'SUCCESS');
    t.is(await completion(p, 1), 'SUCCESS');
  });
});
