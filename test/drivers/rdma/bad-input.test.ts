// Goal: bad input to any call of the library gives an errno, never another error, and changes
//   nothing. Method: each argument of a good call, and each field of the objects among them, is
//   replaced by garbage. A call of VerbsContext without a row here fails the first test.
// (The kernel's own requests, below the library: uverbs.test.ts.)

import test from 'ava';
import { VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import { isErrno } from '../../../lib/errno.js';
import { pages } from '../../support/driver-machine.js';
import { allRights, pair, rdmaMachine, withContext } from '../../support/rdma.js';

type Call = keyof VerbsContext;
type Things = Readonly<Record<string, never>>;

/** Good arguments of each call; null: it takes none. */
const good: { readonly [C in Call]: ((h: Things) => readonly unknown[]) | null } = {
  close: null,
  queryDevice: null,
  getAsyncEvent: null,
  forkInit: null,
  allocPD: null,
  createCompChannel: null,
  deallocPD: (h) => [h['emptyPd']],
  createAH: (h) => [h['pd'], { dgid: 'fe80::1', portNum: 1 }],
  destroyAH: (h) => [h['ah']],
  regMR: (h) => [h['pd'], h['addr'], 4096, ['local_write']],
  regMRIova: (h) => [h['pd'], h['addr'], 4096, h['addr'], ['local_write']],
  regDmaBufMR: (h) => [h['pd'], h['buf'], 0, 4096, 0, ['local_write']],
  regMREx: (h) => [h['pd'], { addr: h['addr'], len: 4096, iova: h['addr'], access: [] }],
  regMRLease: (h) => [h['pd'], h['addr'], 4096, ['local_write']],
  deregMR: (h) => [h['mr']],
  returnMR: (h) => [h['mr']],
  queryMR: (h) => [h['mr']],
  reregMR: (h) => [h['mr'], { flags: ['access', 'pd'], access: [], pd: h['pd'] }],
  cmdReregMR: (h) => [h['mr'], { flags: ['access', 'pd'], access: [], pd: h['pd'] }],
  adviseMR: (h) => [h['pd'], 'PREFETCH', [], [{ addr: h['odpAddr'], len: 8, lkey: h['odpKey'] }]],
  allocMW: (h) => [h['pd'], 1],
  deallocMW: (h) => [h['mw']],
  bindMW: (h) => [
    h['qp'],
    h['mw'],
    { wrId: 1, mr: h['mr'], addr: h['addr'], len: 64, access: ['remote_read'], flags: [] },
  ],
  destroyCompChannel: (h) => [h['channel']],
  createCQ: (h) => [4, h['channel'], 0],
  resizeCQ: (h) => [h['cq'], 8],
  pollCQ: (h) => [h['cq'], 1],
  waitCQ: (h) => [h['cq'], { max: 1, timeoutNs: 0 }],
  reqNotifyCQ: (h) => [h['cq'], false],
  getCQEvent: (h) => [h['channel']],
  destroyCQ: (h) => [h['emptyCq']],
  createSRQ: (h) => [h['pd'], { maxWR: 4, maxSGE: 1, srqLimit: 0 }],
  modifySRQ: (h) => [h['srq'], 1],
  querySRQ: (h) => [h['srq']],
  postSRQRecv: (h) => [h['srq'], { wrId: 1, sgList: [{ addr: 0, len: 1, lkey: 0 }] }],
  destroySRQ: (h) => [h['srq']],
  createQP: (h) => [
    { pd: h['pd'], sendCQ: h['cq'], recvCQ: h['cq'], srq: h['srq'], type: 'RC', sqSigAll: false },
  ],
  modifyQP: (h) => [h['qp'], { qpState: 'SQD', curQPState: 'RTS', enSqdAsyncNotify: true }],
  queryQP: (h) => [h['qp']],
  qpState: (h) => [h['qp']],
  destroyQP: (h) => [h['loneQp']],
  postSend: (h) => [
    h['qp'],
    {
      ...{ wrId: 1, opcode: 'RDMA_WRITE', remoteAddr: h['addr'], rkey: 1, flags: ['signaled'] },
      sgList: [{ addr: h['addr'], len: 8, lkey: 1 }],
    },
  ],
  postRecv: (h) => [h['qp'], { wrId: 1, sgList: [{ addr: 0, len: 1, lkey: 0 }] }],
};

const calls = Object.getOwnPropertyNames(VerbsContext.prototype).filter(
  (name) => /^[a-z]/.test(name) && name !== 'constructor',
);

test('every call of the library has its row here', (t) => {
  t.deepEqual([...calls].sort(), Object.keys(good).sort());
});

/** Never right anywhere. */
const garbage: readonly unknown[] = [null, NaN, -1, 0.5, 2 ** 53, 'garbage', Symbol('x'), [null]];

/** Arguments with one place replaced: whole ones, and fields of those that are plain objects. */
function* spoilt(args: readonly unknown[]): Generator<[what: string, args: unknown[]]> {
  for (const [i, arg] of args.entries()) {
    for (const bad of [...garbage, {}]) {
      yield [`argument ${i} = ${String(bad)}`, args.map((v, k) => (k === i ? bad : v))];
    }
    if (typeof arg !== 'object' || arg === null || arg.constructor !== Object) continue;
    for (const field of Object.keys(arg)) {
      for (const bad of garbage) {
        const spoiltArg = { ...arg, [field]: bad };
        yield [`${field} = ${String(bad)}`, args.map((v, k) => (k === i ? spoiltArg : v))];
      }
    }
  }
}

/** What is no garbage in its place after all: call, then where, as spoilt() says it. */
const harmless = new Set([
  'bindMW mr = null', // a bind to nothing, of any length
  'createAH dgid = garbage', // any text is an address
  'postSend remoteAddr = -1', // the far end judges it
  'waitCQ argument 1 = [object Object]',
  'modifyQP argument 1 = [object Object]',
]);

for (const call of calls as Call[]) {
  const args = good[call];
  if (args === null) continue;
  test(`${call}: bad arguments have an errno and change nothing`, async (t) => {
    const m = rdmaMachine();
    const block = m.core.device('rdma0').allocPages(1, 'frame');
    const buf = m.core.device('rdma0').exportDmaBuf(block, 'frame');
    await withContext(m, async (ctx, app) => {
      const [emptyPd, pd] = [await ctx.allocPD(), await ctx.allocPD()];
      const addr = await app.map(2);
      const p = await pair(ctx, pd);
      const odp = await ctx.regMR(pd, addr, pages(1), ['on_demand']);
      const emptyCq = await ctx.createCQ(4);
      const things = {
        ...{ emptyPd, pd, addr, buf, qp: p.qps[0], cq: p.cqs[0], emptyCq },
        ...{ odpAddr: addr, odpKey: odp.lkey, ah: await ctx.createAH(pd, { dgid: 'fe80::1' }) },
        mr: await ctx.regMR(pd, addr, pages(1), allRights),
        mw: await ctx.allocMW(pd),
        channel: await ctx.createCompChannel(),
        srq: await ctx.createSRQ(pd, { maxWR: 4, maxSGE: 1, srqLimit: 0 }),
        loneQp: await ctx.createQP({ pd, sendCQ: p.cqs[0], recvCQ: p.cqs[0] }),
      };
      const state = async (): Promise<unknown> => [
        ...[app.process.mm.pinnedVm, m.hca.regions.size, m.hca.windows.size],
        ...[m.hca.queuePairs.size, m.hca.addressHandles.size, await ctx.qpState(things.qp)],
        ...[(await ctx.pollCQ(things.cq, 9)).length, things.mr.lkey, things.mw.rkey],
      ];
      const before = await state();
      for (const [what, bad] of spoilt(args(things as unknown as Things))) {
        if (harmless.has(`${call} ${what}`)) continue;
        const run = ctx[call].bind(ctx) as (...a: unknown[]) => unknown;
        const error = await t.throwsAsync(async () => run(...bad), undefined, what);
        t.true(isErrno(error), `${what}: ${String(error?.stack)}`);
        t.deepEqual(await state(), before, what);
      }
      await m.sched.clock.sleep(app.task, 1000);
      t.deepEqual(await state(), before, 'nor later');
    });
    buf.putFile();
    block.free();
  });
}
