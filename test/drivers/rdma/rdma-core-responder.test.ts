// Goal: the responder decisions of judges 2.2 (rxe_resp.c, rxe_mr.c), each under the row's own
//   words: what the requester's completion says, and what becomes of the responder.
// Method: messages that no queue pair of ours would send are put before the responder by hand.

import test from 'ava';
import type { AccessFlags } from '../../../drivers/rdma/access.js';
import { bytesPayload } from '../../../drivers/rdma/payload.js';
import type { QueuePair } from '../../../drivers/rdma/queue-pair.js';
import type { MR, VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import type { WireRequest } from '../../../drivers/rdma/wire.js';
import { revokePins } from '../../../lib/mm/revocation.js';
import { type App, pages } from '../../support/driver-machine.js';
import {
  allRights,
  completion,
  pair,
  type Pair,
  type RdmaMachine,
  rdmaMachine,
  recv,
  run,
  type Transfer,
  withContext,
} from '../../support/rdma.js';

interface Given {
  readonly m: RdmaMachine;
  readonly ctx: VerbsContext;
  readonly app: App;
  readonly p: Pair;
  readonly local: MR;
  readonly remote: MR;
}

interface Options {
  readonly target?: AccessFlags;
  readonly qp?: AccessFlags;
}

const given = (fn: (g: Given) => Promise<void>, opts: Options = {}): Promise<void> => {
  const m = rdmaMachine();
  return withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const local = await ctx.regMR(pd, await app.map(4), pages(4), allRights);
    const remote = await ctx.regMR(pd, await app.map(2), pages(2), opts.target ?? allRights);
    const p = await pair(ctx, pd, { access: opts.qp ?? allRights });
    await fn({ m, ctx, app, p, local, remote });
  });
};

type Act = (g: Given) => Promise<string>;
const write = (more: Partial<Transfer> = {}): Act => {
  return ({ p, local, remote }) => run(p, { opcode: 'RDMA_WRITE', local, remote, ...more });
};

const access: readonly [row: string, act: Act, opts?: Options][] = [
  ['rkey unknown', write({ rkey: 0x7fff01 })],
  [
    'wrong PD',
    async (g) => {
      const pd2 = await g.ctx.allocPD();
      await g.ctx.reregMR(g.remote, { flags: ['pd'], pd: pd2 });
      return write()(g);
    },
  ],
  ['access missing', write(), { target: ['local_write', 'remote_read'] }],
  ['range outside MR: iova < mr.iova', write({ remotePos: -1 })],
  ['range outside MR: length > mr.length', write({ len: pages(2) + 1 })],
  ['range outside MR: end past MR', write({ remotePos: pages(2) - 8, len: 9 })],
  [
    'MR not VALID',
    async (g) => {
      const pins = [...g.m.env.pinTable].filter((pin) => pin.origin.device === 'rdma0');
      await revokePins(g.app.task, pins, 'truncate');
      await g.ctx.deregMR(g.local);
      const anew = await g.ctx.regMR(g.p.pd, g.local.addr, pages(4), allRights);
      return run(g.p, { opcode: 'RDMA_WRITE', local: anew, remote: g.remote });
    },
  ],
];

for (const [row, act, opts] of access) {
  test(`${row}: REM_ACCESS_ERR; the responder goes to ERR, WR_FLUSH on its queued WQEs`, (t) =>
    given(async (g) => {
      await recv(g.p, g.local, 0, 64);
      t.is(await act(g), 'REM_ACCESS_ERR');
      t.is(await g.ctx.qpState(g.p.qps[1]), 'ERR');
      t.is(await completion(g.p, 1), 'WR_FLUSH_ERR');
    }, opts));
}

const notAllowed: readonly [row: string, transfer: Partial<Transfer>, qp: AccessFlags][] = [
  ['a WRITE', {}, ['remote_read', 'remote_atomic']],
  ['a READ', { opcode: 'RDMA_READ' }, ['remote_write', 'remote_atomic']],
  ['an atomic', { opcode: 'ATOMIC_FETCH_AND_ADD', len: 8 }, ['remote_write', 'remote_read']],
];

for (const [row, transfer, qp] of notAllowed) {
  test(`${row} not allowed by QP access flags: REM_INV_REQ_ERR, the responder flushes`, (t) =>
    given(
      async (g) => {
        await recv(g.p, g.local, 0, 64);
        t.is(await write(transfer)(g), 'REM_INV_REQ_ERR');
        t.is(await g.ctx.qpState(g.p.qps[1]), 'ERR');
        t.is(await completion(g.p, 1), 'WR_FLUSH_ERR');
      },
      { qp },
    ));
}

test('a misaligned atomic: REM_INV_REQ_ERR, the responder goes to ERR', (t) =>
  given(async ({ ctx, app, p, local }) => {
    const rights: AccessFlags = [...allRights, 'zero_based'];
    const { rkey } = await ctx.regMR(p.pd, (await app.map(1)) + 4, 64, rights);
    const more = { remoteAddr: 8, rkey };
    t.is(await run(p, { opcode: 'ATOMIC_FETCH_AND_ADD', local, len: 8, more }), 'REM_INV_REQ_ERR');
    t.is(await ctx.qpState(p.qps[1]), 'ERR');
  }));

const forged = (qp: QueuePair, peer: QueuePair, remote: MR): WireRequest => ({
  ...{ kind: 'write', srcGid: 'x', srcQPN: qp.qpn, destGid: qp.hca.gid, destQPN: peer.qpn },
  ...{ seq: peer.expectedSeq, len: 64, mtu: 1024, payload: bytesPayload(new Uint8Array(64)) },
  ...{ complete: true, remoteAddr: remote.addr, rkey: remote.rkey, solicited: false },
  ...{ compare: 0n, swapOrAdd: 0n },
});

const ends = ({ m, p }: Given): [QueuePair, QueuePair] => {
  const [a, b] = p.qps.map(({ qpNum }) => m.hca.queuePairs.get(qpNum)!);
  return [a!, b!];
};

test('length error: NAK invalid request, the responder goes to ERR', (t) =>
  given(async (g) => {
    const [qp, peer] = ends(g);
    const request = { ...forged(qp, peer, g.remote), payload: bytesPayload(new Uint8Array(63)) };
    t.deepEqual(await g.m.hca.deliver(g.app.task, request), { syndrome: 'NAK_INVALID' });
    t.is(peer.state, 'ERR');
    t.deepEqual([...(await g.app.load(g.remote.addr, 1))], [0]);
  }));

test('out-of-order first/last: NAK invalid request, the responder goes to ERR', (t) =>
  given(async (g) => {
    const [qp, peer] = ends(g);
    const request = forged(qp, peer, g.remote);
    const cut = { ...request, complete: false, payload: bytesPayload(new Uint8Array(32)) };
    t.is(await g.m.hca.deliver(g.app.task, cut), null);
    t.is(peer.state, 'RTS');
    t.deepEqual(await g.m.hca.deliver(g.app.task, request), { syndrome: 'NAK_INVALID' });
    t.is(peer.state, 'ERR');
  }));

test('copying into the local recv buffer fails: REM_OP_ERR, LOC_QP_OP_ERR', (t) =>
  given(async (g) => {
    const { ctx, p, local, remote } = g;
    await recv(p, remote, 0, 64);
    await ctx.deregMR(remote);
    t.is(await run(p, { opcode: 'SEND', local }), 'REM_OP_ERR');
    t.is(await completion(p, 1), 'LOC_QP_OP_ERR');
  }));

test('no recv WQE: RNR_RETRY_EXC_ERR after retries, and the responder stays', (t) =>
  given(async ({ m, ctx, p, local }) => {
    t.is(await run(p, { opcode: 'SEND', local }), 'RNR_RETRY_EXC_ERR');
    t.is(m.hca.counters.rnrNaksSent, 2);
    t.is(await ctx.qpState(p.qps[1]), 'RTS');
  }));

test('own lkey bad: LOC_PROT_ERR', (t) =>
  given(async ({ p, remote, local }) => {
    const more = { sgList: [{ addr: local.addr, len: 8, lkey: local.lkey + 1 }] };
    t.is(await run(p, { opcode: 'RDMA_WRITE', remote, more }), 'LOC_PROT_ERR');
  }));

test('QP in ERR: WR_FLUSH_ERR at both', (t) =>
  given(async ({ ctx, p, local }) => {
    for (const qp of p.qps) await ctx.modifyQP(qp, { qpState: 'ERR' });
    t.is(await run(p, { opcode: 'SEND', local }), 'WR_FLUSH_ERR');
    await recv(p, local, 0, 64);
    t.is(await completion(p, 1), 'WR_FLUSH_ERR');
  }));

for (const opcode of ['RDMA_WRITE', 'RDMA_READ'] as const) {
  test(`zero-length ${opcode}: SUCCESS, the rkey is not checked`, (t) =>
    given(async ({ p, local, remote }) => {
      t.is(await run(p, { opcode, local, remote, rkey: 5, len: 0 }), 'SUCCESS');
    }));
}

test('ODP access: pages missing are faulted once; still missing is an access error', (t) =>
  given(async ({ m, ctx, app, p, local }) => {
    const addr = await app.map(2);
    const odp = await ctx.regMR(p.pd, addr, pages(2), [...allRights, 'on_demand']);
    const to = { opcode: 'RDMA_WRITE', local, remote: odp, len: pages(2) } as const;
    t.is(await run(p, to), 'SUCCESS');
    t.true(m.hca.counters.pageFaults > 0);
    await app.process.mm.munmap(app.task, addr + 4096, 4096);
    t.is(await run(p, to), 'REM_ACCESS_ERR');
  }));
