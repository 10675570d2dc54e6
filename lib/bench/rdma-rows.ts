// Bench rows of drivers/rdma on a live machine: how long a request takes from its post to its
// completion, how fast WRITEs go between two regions of a DAX file, and registrations per second.

import assert from 'node:assert/strict';
import rdma from '../../drivers/rdma/index.js';
import type { CQ, MR, PD, QP, VerbsContext } from '../../drivers/rdma/verbs-context.js';
import { bootMachine, type Machine, type Process } from '../machine.js';
import { native } from '../native.js';
import { KiB, MiB, PAGE_SIZE } from '../units.js';
import { elapsedNs, type Measure, measureAsync, median, nowNs, scaled } from './measure.js';
import type { Row } from './row.js';

interface Bench {
  readonly machine: Machine;
  readonly app: Process;
  readonly ctx: VerbsContext;
  readonly pd: PD;
  readonly qp: QP;
  readonly cq: CQ;
  readonly source: MR;
  readonly target: MR;
  readonly effort: number;
}

/** Requests that are on their way at once: what ib_write_bw calls its transmit depth. */
const DEPTH = 16;

async function fileRegion(app: Process, ctx: VerbsContext, pd: PD, path: string): Promise<MR> {
  const fd = await app.open(path, ['rdwr', 'creat']);
  await app.fallocate(fd, 'alloc', 0, MiB);
  const addr = await app.mmap({ fd, len: MiB });
  for (let pos = 0; pos < MiB; pos += PAGE_SIZE) await app.store(addr + pos, Uint8Array.of(1));
  return ctx.regMR(pd, addr, MiB, ['local_write', 'remote_write', 'remote_read']);
}

async function connect(ctx: VerbsContext, pd: PD, cq: CQ): Promise<QP> {
  const { gid } = await ctx.queryDevice();
  const cap = { maxSendWR: DEPTH, maxRecvWR: DEPTH };
  const a = await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq, cap });
  const b = await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq, cap });
  for (const [qp, peer] of [[a, b] as const, [b, a] as const]) {
    const path = { ahAttr: { dgid: gid }, pathMtu: 4096, destQPNum: peer.qpNum, rqPsn: 0 } as const;
    await ctx.modifyQP(qp, { qpState: 'INIT', pkeyIndex: 0, portNum: 1, qpAccessFlags: 3 });
    await ctx.modifyQP(qp, { qpState: 'RTR', ...path, maxDestRdAtomic: 1, minRnrTimer: 12 });
    const retries = { timeout: 14, retryCnt: 7, rnrRetry: 7 };
    await ctx.modifyQP(qp, { qpState: 'RTS', ...retries, sqPsn: 0, maxRdAtomic: 1 });
  }
  return a;
}

async function boot(effort: number): Promise<Bench> {
  const machine = await bootMachine({
    ...{ size: 32 * MiB, kernel: 'proposed', drivers: [rdma] },
    mounts: { '/': { flavor: 'ext4', dax: true, policy: 'revoke' } },
  });
  const app = machine.spawn('app');
  const ctx = await app.openDevice('rdma0');
  const pd = await ctx.allocPD();
  const cq = await ctx.createCQ(2 * DEPTH);
  const qp = await connect(ctx, pd, cq);
  const source = await fileRegion(app, ctx, pd, '/source');
  const target = await fileRegion(app, ctx, pd, '/target');
  return { machine, app, ctx, pd, cq, qp, source, target, effort };
}

/**
 * WRITE len bytes depth times: one call posts them, and only the last says when it is over, as
 * ib_write_bw does. A request that failed would complete all the same.
 */
async function writes(bench: Bench, len: number, depth: number): Promise<void> {
  const { ctx, qp, cq, source, target } = bench;
  await ctx.postSend(
    qp,
    Array.from({ length: depth }, (_, wrId) => ({
      wrId,
      opcode: 'RDMA_WRITE',
      ...(wrId === depth - 1 && { flags: ['signaled'] as const }),
      sgList: [{ addr: source.addr, len, lkey: source.lkey }],
      remoteAddr: target.addr,
      rkey: target.rkey,
    })),
  );
  const [wc] = await ctx.waitCQ(cq);
  assert.deepEqual([wc?.wrId, wc?.status], [depth - 1, 'SUCCESS']);
}

/**
 * How much of memcpy's speed WRITEs of len bytes have, in percent: the middle one of many pairs, a
 * batch of each right after the other, so that both meet the same machine.
 */
async function share(bench: Bench, len: number, timing: Measure): Promise<number> {
  const { batch, batches } = scaled(bench.effort, timing);
  const from = new Uint8Array(new SharedArrayBuffer(len)).fill(0x5a);
  const to = new Uint8Array(new SharedArrayBuffer(len));
  const shares: number[] = [];
  for (let i = -(batches >> 2); i < batches; i++) {
    const since = nowNs();
    for (let k = 0; k < batch * DEPTH; k++) native.memcpy(to, 0, from, 0, len);
    const plainNs = elapsedNs(since);
    const sinceWrites = nowNs();
    for (let k = 0; k < batch; k++) await writes(bench, len, DEPTH);
    if (i >= 0) shares.push((100 * plainNs) / elapsedNs(sinceWrites));
  }
  return median(shares);
}

async function writeRows(bench: Bench): Promise<Row[]> {
  const one = scaled(bench.effort, { batch: 200, batches: 41 });
  const latency = (await measureAsync(one, () => writes(bench, 8, 1))).ns / 1000;
  const unit = '% of memcpy';
  return [
    { name: 'RDMA WRITE of 8 bytes, post to completion', value: latency, unit: 'µs' },
    {
      name: 'RDMA WRITE of 4 KiB',
      value: await share(bench, 4 * KiB, { batch: 20, batches: 41 }),
      unit,
    },
    {
      name: 'RDMA WRITE of 1 MiB',
      value: await share(bench, MiB, { batch: 2, batches: 81 }),
      ...{ unit, bound: 70 },
    },
  ];
}

async function registrationRow({ ctx, pd, source, effort }: Bench): Promise<Row> {
  const timing = scaled(effort, { batch: 50, batches: 41 });
  const { ns } = await measureAsync(timing, async () => {
    await ctx.deregMR(await ctx.regMR(pd, source.addr, 64 * KiB));
  });
  return { name: 'registrations of 64 KiB, and their ends', value: 1e9 / ns, unit: '/s' };
}

/** effort: see scaled(). */
export async function rdmaRows(effort = 1): Promise<Row[]> {
  const bench = await boot(effort);
  await using machine = bench.machine;
  assert.equal(machine.sched.on, false, 'the bench machine is live');
  const rows = [...(await writeRows(bench)), await registrationRow(bench)];
  assert.deepEqual(machine.referee.verdict().stray, []);
  return rows;
}
