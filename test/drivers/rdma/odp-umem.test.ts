// Goal: an on-demand region pins nothing, follows its mapping, and never reaches a page after the
// invalidation returned (facts 5.5; rows of rdma-core's test_odp as judges 2.2 lists them).

import test from 'ava';
import { SIZE_MAX } from '../../../drivers/rdma/args.js';
import type { MR, VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import type { DmaEvent } from '../../../lib/driver/dma.js';
import { PAGE_SIZE } from '../../../lib/units.js';
import { assertBalanced } from '../../support/balance.js';
import { type App, pages } from '../../support/driver-machine.js';
import { TestFile } from '../../support/mm-fixture.js';
import {
  completion,
  onDemand,
  pair,
  type Pair,
  type RdmaMachine,
  rdmaMachine,
  recv,
  run,
  type Transfer,
  withContext,
} from '../../support/rdma.js';

interface Bench {
  readonly m: RdmaMachine;
  readonly ctx: VerbsContext;
  readonly app: App;
  readonly p: Pair;
  readonly a: MR;
  readonly b: MR;
  /** Drop every page of both sides, as the tests do before each post. */
  drop(): Promise<void>;
}

async function bench(fn: (b: Bench) => Promise<void>, aAccess = onDemand): Promise<RdmaMachine> {
  const m = rdmaMachine({ kernel: '7.2' });
  await withContext(m, async (ctx, app) => {
    const [src, dst] = [await app.map(2), await app.map(2)];
    const pd = await ctx.allocPD();
    const a = await ctx.regMR(pd, src, pages(2), aAccess);
    const b = await ctx.regMR(pd, dst, pages(2), onDemand);
    const p = await pair(ctx, pd);
    const drop = async (): Promise<void> => {
      for (const addr of [src, dst]) {
        await app.process.mm.madvise(app.task, addr, pages(2), 'dontneed');
      }
    };
    await fn({ m, ctx, app, p, a, b, drop });
  });
  return m;
}

const SEND: Transfer = { opcode: 'SEND', len: 1024 };
const rows: readonly [what: string, transfer: Transfer, expected: string][] = [
  ['rc_traffic', SEND, 'SUCCESS'],
  ['rdma_write', { opcode: 'RDMA_WRITE', len: 4096 }, 'SUCCESS'],
  ['rdma_read', { opcode: 'RDMA_READ', len: 4096 }, 'SUCCESS'],
  ['atomic cmp_swp', { opcode: 'ATOMIC_CMP_AND_SWP', len: 8, more: { swap: 1n } }, 'SUCCESS'],
  ['atomic fetch_add', { opcode: 'ATOMIC_FETCH_AND_ADD', len: 8 }, 'SUCCESS'],
];

for (const [what, transfer, expected] of rows) {
  test(`${what}: every transfer faults its pages back in`, async (t) => {
    const m = await bench(async ({ m: machine, app, p, a, b, drop }) => {
      t.is(app.process.mm.pinnedVm, 0);
      for (let i = 0; i < 100; i++) {
        await drop();
        const before = machine.hca.counters.pageFaults;
        if (transfer.opcode === 'SEND') await recv(p, b, 0, 1024);
        const remote = transfer.opcode === 'SEND' ? {} : { remote: b };
        t.is(await run(p, { ...transfer, local: a, ...remote }), expected);
        if (transfer.opcode === 'SEND') t.is(await completion(p, 1), 'SUCCESS');
        t.true(machine.hca.counters.pageFaults >= before + 1);
      }
      t.true(machine.hca.counters.invalidations > 0);
      t.is(machine.env.pinTable.size, 0);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('rc_mixed_mr: an on-demand and a pinned region in one list', async (t) => {
  await bench(async ({ ctx, app, p, a, b, drop }) => {
    const plain = await ctx.regMR(p.pd, await app.map(1), 4096);
    await app.fill(plain.addr, 8, 0x22);
    await drop();
    await recv(p, b, 0, 1024);
    await ctx.postSend(p.qps[0], {
      wrId: 1,
      opcode: 'SEND',
      flags: ['signaled'],
      sgList: [
        { addr: a.addr, len: 8, lkey: a.lkey },
        { addr: plain.addr, len: 8, lkey: plain.lkey },
      ],
    });
    t.is(await completion(p, 0), 'SUCCESS');
    t.deepEqual([...(await app.load(b.addr + 7, 3))], [0, 0x22, 0x22]);
  });
});

test('a page past the end of its file cannot be had, at either end', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const file = new TestFile(m, 'fsdax', pages(4));
    const addr = await app.map(4, file);
    const pd = await ctx.allocPD();
    const odp = await ctx.regMR(pd, addr, pages(4), onDemand);
    const plain = await ctx.regMR(pd, await app.map(1), 4096);
    const [first, second] = [await pair(ctx, pd), await pair(ctx, pd)];
    t.is(await run(first, { opcode: 'RDMA_WRITE', local: plain, remote: odp }), 'SUCCESS');
    await file.truncate(app.task, 1);
    t.is(file.len, PAGE_SIZE, 'truncate did not wait');
    t.is(await run(first, { opcode: 'RDMA_WRITE', local: plain, remote: odp }), 'SUCCESS');
    const past = { opcode: 'RDMA_WRITE', local: plain, remote: odp, remotePos: PAGE_SIZE } as const;
    t.is(await run(first, past), 'REM_ACCESS_ERR');
    const source = { opcode: 'RDMA_WRITE', local: odp, localPos: PAGE_SIZE, remote: odp } as const;
    t.is(await run(second, source), 'LOC_PROT_ERR');
    file.drop(0);
  });
});

test('a write to a mapping that became read-only is refused, a read is not', async (t) => {
  await bench(async ({ app, p, a, b }) => {
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: a, remote: b }), 'SUCCESS');
    await app.process.mm.mprotect(app.task, b.addr, pages(2), 'r');
    t.is(await run(p, { opcode: 'RDMA_READ', local: a, remote: b }), 'SUCCESS');
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: a, remote: b }), 'REM_ACCESS_ERR');
  });
});

test('no byte reaches a page after its invalidation, under any of many schedules', async (t) => {
  for (let seed = 0; seed < 30; seed++) {
    const stale: DmaEvent[] = [];
    const m = rdmaMachine({
      sched: { mode: 'simulated', seed },
      events: { dma: (e) => void (!e.mapping.live && stale.push(e)) },
    });
    await withContext(m, async (ctx, app) => {
      const file = new TestFile(m, 'fsdax', pages(4));
      const addr = await app.map(4, file);
      const pd = await ctx.allocPD();
      const odp = await ctx.regMR(pd, addr, pages(4), onDemand);
      const plain = await ctx.regMR(pd, await app.map(4), pages(4));
      const p = await pair(ctx, pd);
      const cutter = app.thread('truncate', (other) => file.truncate(other.task, 2));
      const status = await run(p, {
        opcode: 'RDMA_WRITE',
        local: plain,
        remote: odp,
        len: pages(4),
      });
      t.true(status === 'SUCCESS' || status === 'REM_ACCESS_ERR', status);
      await cutter.join(app.task);
      file.drop(0);
    });
    t.deepEqual(stale, [], `seed ${seed}`);
    assertBalanced(t, m.env, { mms: m.mms });
  }
});

test('implicit_rc: the whole address space is one region', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const [src, dst] = [await app.map(1), await app.map(1)];
    await app.fill(src, 8, 0x44);
    const pd = await ctx.allocPD();
    const all = await ctx.regMR(pd, 0, SIZE_MAX, onDemand);
    const p = await pair(ctx, pd);
    const write = { opcode: 'RDMA_WRITE', local: all, remote: all } as const;
    t.is(await run(p, { ...write, localPos: src, remotePos: dst, len: 8 }), 'SUCCESS');
    t.is((await app.load(dst, 1))[0], 0x44);
    t.is(app.process.mm.pinnedVm, 0);
  });
  const stock = rdmaMachine({ kernel: '7.2' });
  await withContext(stock, async (ctx) => {
    const pd = await ctx.allocPD();
    await t.throwsAsync(() => ctx.regMR(pd, 0, SIZE_MAX, onDemand), { message: /^EOPNOTSUPP/ });
  });
});

test('exit of the owner invalidates the region before its file is closed', async (t) => {
  await bench(async ({ m, app, p, a, b }) => {
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: a, remote: b }), 'SUCCESS');
    const before = m.hca.counters.invalidatedPages;
    await app.process.mm.notifiers.release(app.task);
    t.true(m.hca.counters.invalidatedPages > before);
  });
});
