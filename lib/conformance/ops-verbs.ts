// Verbs of the cases: regions, windows, queue pairs and their traffic on the device rdma0.
//
// A process opens the device once, at its first verb, as the recorder did.

import {
  accessOf,
  type AccessFlags,
  type CQ,
  type MR,
  type MW,
  type PD,
  type QP,
  type SendWR,
  type VerbsContext,
  type WC,
} from '../../drivers/rdma/index.js';
import { Errno } from '../errno.js';
import { seconds } from '../units.js';
import type { Answer, Step } from './case.js';
import { rangeOf } from './ops-memory.js';
import { int, names, text, type Ops, type Player } from './player.js';

/** One end of a connected pair, with the queue that all its completions go to. */
interface End {
  readonly qp: QP;
  readonly cq: CQ;
}

type Pair = readonly [End, End];

const cqEntries = 16;
const completionNs = seconds(3);
const allAccess = ['local_write', 'remote_write', 'remote_read', 'remote_atomic'];

const opened = new WeakMap<Player, Promise<VerbsContext>>();

function contextOf(player: Player): Promise<VerbsContext> {
  const context = opened.get(player) ?? player.process.openDevice('rdma0');
  opened.set(player, context);
  return context;
}

const access = (step: Step, otherwise: readonly string[]) =>
  names(step, 'access', otherwise) as unknown as AccessFlags;

const endOf = (player: Player, step: Step, otherwise: 0 | 1): End =>
  player.get<Pair>(step['qp'])[int(step, 'end', otherwise) === 0 ? 0 : 1];

async function makeEnd(context: VerbsContext, pd: PD): Promise<End> {
  const cq = await context.createCQ(cqEntries);
  const cap = { maxSendWR: cqEntries, maxRecvWR: cqEntries, maxSendSGE: 1, maxRecvSGE: 1 };
  return { qp: await context.createQP({ pd, sendCQ: cq, recvCQ: cq, cap }), cq };
}

/** RESET to RTS, towards the other end. */
async function connect(context: VerbsContext, end: End, peer: End, flags: AccessFlags) {
  const qpAccessFlags = accessOf(flags);
  const { gid: dgid } = await context.queryDevice();
  await context.modifyQP(end.qp, { qpState: 'INIT', pkeyIndex: 0, portNum: 1, qpAccessFlags });
  await context.modifyQP(end.qp, {
    qpState: 'RTR',
    ahAttr: { dgid, portNum: 1 },
    pathMtu: 1024,
    destQPNum: peer.qp.qpNum,
    rqPsn: 0,
    maxDestRdAtomic: 1,
    minRnrTimer: 12,
  });
  await context.modifyQP(end.qp, {
    qpState: 'RTS',
    sqPsn: 0,
    timeout: 14,
    retryCnt: 7,
    rnrRetry: 1,
    maxRdAtomic: 1,
  });
}

const statusOf = (completions: readonly WC[]): Answer =>
  completions[0] === undefined ? 'no completion' : `IBV_WC_${completions[0].status}`;

async function nextCompletion(player: Player, end: End): Promise<Answer> {
  const context = await contextOf(player);
  return statusOf(await context.waitCQ(end.cq, { max: 1, timeoutNs: completionNs }));
}

const opcodes = {
  write: 'RDMA_WRITE',
  read: 'RDMA_READ',
  fetch_add: 'ATOMIC_FETCH_AND_ADD',
  cmp_swp: 'ATOMIC_CMP_AND_SWP',
  send: 'SEND',
} as const;

const isAtomic = (verb: string) => verb === 'fetch_add' || verb === 'cmp_swp';

/** The request of an rdma step: both ends of the transfer, and the operands of atomics. */
function requestOf(player: Player, step: Step): SendWR {
  const verb = text(step, 'verb');
  const opcode = opcodes[verb as keyof typeof opcodes];
  if (!opcode) throw new Errno('EINVAL', `conformance: rdma: unknown verb '${verb}'`);
  const lmr = step['lmr'] === undefined ? null : player.get<MR>(step['lmr']);
  const rmr = step['rmr'] === undefined ? null : player.get<MR>(step['rmr']);
  const len = int(step, 'len', isAtomic(verb) ? 8 : (lmr?.len ?? 0));
  const operand = verb === 'fetch_add' ? int(step, 'add', 0) : int(step, 'cmp', 0);
  return {
    wrId: 1,
    opcode,
    flags: ['signaled'],
    sgList: lmr === null ? [] : [{ addr: lmr.addr + int(step, 'loff', 0), len, lkey: lmr.lkey }],
    ...(verb === 'send'
      ? {}
      : {
          remoteAddr: (rmr?.addr ?? 0) + int(step, 'roff', 0),
          rkey: int(step, 'rkey', rmr?.rkey ?? 0),
        }),
    ...(isAtomic(verb) ? { compareAdd: BigInt(operand), swap: BigInt(int(step, 'swap', 0)) } : {}),
  };
}

async function reregMR(player: Player, step: Step): Promise<void> {
  const context = await contextOf(player);
  const range = step['map'] === undefined ? null : rangeOf(player, step);
  await context.cmdReregMR(player.get<MR>(step['mr']), {
    flags: names(step, 'flags', []) as never,
    ...(step['pd'] === undefined ? {} : { pd: player.get<PD>(step['pd']) }),
    ...(range === null ? {} : { addr: range.addr, len: range.len, iova: range.addr }),
    access: access(step, []),
  });
}

export const verbsOps: Ops = {
  async pd(player, step) {
    player.keep(step, await (await contextOf(player)).allocPD());
    return 'ok';
  },
  async dealloc_pd(player, step) {
    await (await contextOf(player)).deallocPD(player.get<PD>(step['pd']));
    player.drop(step['pd']);
    return 'ok';
  },
  async reg_mr(player, step) {
    const pd = player.get<PD>(step['pd']);
    const { addr, len } = rangeOf(player, step);
    const flags = access(step, ['local_write']);
    player.keep(step, await (await contextOf(player)).regMR(pd, addr, len, flags));
    return 'ok';
  },
  async dereg_mr(player, step) {
    await (await contextOf(player)).deregMR(player.get<MR>(step['mr']));
    player.drop(step['mr']);
    return 'ok';
  },
  async rereg_mr(player, step) {
    await reregMR(player, step);
    return 'ok';
  },
  async mw(player, step) {
    player.keep(step, await (await contextOf(player)).allocMW(player.get<PD>(step['pd'])));
    return 'ok';
  },
  async dealloc_mw(player, step) {
    await (await contextOf(player)).deallocMW(player.get<MW>(step['mw']));
    player.drop(step['mw']);
    return 'ok';
  },
  async bind_mw(player, step) {
    const end = endOf(player, step, 0);
    const mr = player.get<MR>(step['mr']);
    await (
      await contextOf(player)
    ).bindMW(end.qp, player.get<MW>(step['mw']), {
      mr,
      addr: mr.addr + int(step, 'off', 0),
      len: int(step, 'len', mr.len),
      access: access(step, ['remote_write', 'remote_read']),
    });
    return nextCompletion(player, end);
  },
  async qp_pair(player, step) {
    const pd = player.get<PD>(step['pd']);
    const context = await contextOf(player);
    const pair: Pair = [await makeEnd(context, pd), await makeEnd(context, pd)];
    await connect(context, pair[0], pair[1], access(step, allAccess));
    await connect(context, pair[1], pair[0], access(step, allAccess));
    player.keep(step, pair);
    return 'ok';
  },
  async rdma(player, step) {
    const end = endOf(player, step, 0);
    await (await contextOf(player)).postSend(end.qp, requestOf(player, step));
    return nextCompletion(player, end);
  },
  async recv(player, step) {
    const end = endOf(player, step, 1);
    const mr = player.get<MR>(step['mr']);
    const sge = { addr: mr.addr + int(step, 'off', 0), len: int(step, 'len', mr.len) };
    await (
      await contextOf(player)
    ).postRecv(end.qp, { wrId: 2, sgList: [{ ...sge, lkey: mr.lkey }] });
    return 'ok';
  },
  async poll_cq(player, step) {
    return nextCompletion(player, endOf(player, step, 1));
  },
  async qp_state(player, step) {
    const end = endOf(player, step, 0);
    return (await contextOf(player)).qpState(end.qp);
  },
};
