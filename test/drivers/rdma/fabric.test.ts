// Goal: two adapters on one wire: messages arrive late, out of order, twice or not at all, and a
// queue pair makes one orderly stream of it. A peer that goes on using a revoked key only gets
// errors.

import test, { type ExecutionContext } from 'ava';
import rdma, { Fabric, Hca } from '../../../drivers/rdma/index.js';
import type { MR, PD, QP, VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import { revokePins } from '../../../lib/mm/revocation.js';
import { ms, us } from '../../../lib/units.js';
import { App, driverMachine, pages } from '../../support/driver-machine.js';
import { assertBalanced } from '../../support/balance.js';
import { allRights, connect, type Pair, run } from '../../support/rdma.js';

interface Two {
  readonly fabric: Fabric;
  readonly app: App;
  readonly hcas: readonly Hca[];
  readonly p: Pair;
  readonly local: MR;
  readonly remote: MR;
}

async function two(fn: (two: Two) => Promise<void>, attr = {}, seed = 1): Promise<void> {
  const fabric = new Fabric(seed);
  const m = driverMachine({ kernel: 'proposed', sched: { mode: 'simulated', seed } });
  const hcas = ['fe80::a', 'fe80::b'].map((gid) => new Hca({ gid, fabric }));
  m.core.register(rdma);
  for (const hca of hcas) m.core.addDevice('emul,hca', hca);
  await m.run(async (task) => {
    const app = new App(m, task);
    const ends: { ctx: VerbsContext; pd: PD; mr: MR; qp: QP; cq: Pair['cqs'][0] }[] = [];
    for (const name of ['rdma0', 'rdma1']) {
      const ctx = await app.open<VerbsContext>(name);
      const pd = await ctx.allocPD();
      const mr = await ctx.regMR(pd, await app.map(2), pages(2), allRights);
      const cq = await ctx.createCQ(64);
      const cap = { maxSendWR: 64, maxRecvWR: 64 };
      ends.push({ ctx, pd, mr, cq, qp: await ctx.createQP({ pd, sendCQ: cq, recvCQ: cq, cap }) });
    }
    const [a, b] = [ends[0]!, ends[1]!];
    await connect(a.ctx, a.qp, b.qp, 'fe80::b', { attr });
    await connect(b.ctx, b.qp, a.qp, 'fe80::a', { attr });
    const p: Pair = { ctx: a.ctx, pd: a.pd, qps: [a.qp, b.qp], cqs: [a.cq, b.cq] };
    await fn({ fabric, app, hcas, p, local: a.mr, remote: b.mr });
    await a.ctx.close();
    await b.ctx.close();
    await app.exit();
  });
  assertBalanced(t0!, m.env, { mms: m.mms });
}

let t0: ExecutionContext | undefined;
const serial = test.serial;

serial('a request and its answer each take the delay of the wire', async (t) => {
  t0 = t;
  await two(async ({ fabric, app, p, local, remote }) => {
    fabric.conditions.delayNs = us(500);
    await app.fill(local.addr, 8192, 0x77);
    const { clock } = app.task.sched;
    const begun = clock.nowNs;
    t.is(await run(p, { opcode: 'RDMA_WRITE', local, remote, len: 8192 }), 'SUCCESS');
    t.is(clock.nowNs - begun, ms(1));
    t.is((await app.load(remote.addr + 8191, 1))[0], 0x77);
  });
});

serial('what is lost is sent again, and an atomic is carried out once', async (t) => {
  t0 = t;
  for (let seed = 1; seed <= 8; seed++) {
    await two(
      async ({ fabric, app, hcas, p, local, remote }) => {
        fabric.conditions.loss = 0.2;
        await app.fill(remote.addr, 8, 0);
        for (let i = 1; i <= 10; i++) {
          const add = { opcode: 'ATOMIC_FETCH_AND_ADD', local, remote, len: 8 } as const;
          t.is(await run(p, { ...add, more: { compareAdd: 1n } }), 'SUCCESS');
          t.is((await app.load(remote.addr, 1))[0], i);
          t.is((await app.load(local.addr, 1))[0], i - 1);
        }
        t.true(
          app.task.sched.clock.nowNs > 0,
          'something was lost, and time passed until the retry',
        );
        t.true(hcas[1]!.counters.requests >= 10);
      },
      { retryCnt: 7, timeout: 8 },
      seed,
    );
  }
});

serial('a partition ends in RETRY_EXC_ERR', async (t) => {
  t0 = t;
  await two(
    async ({ fabric, p, local, remote }) => {
      fabric.partition('fe80::b');
      t.is(await run(p, { opcode: 'RDMA_WRITE', local, remote }), 'RETRY_EXC_ERR');
      fabric.heal();
      t.is(await run(p, { opcode: 'RDMA_WRITE', local, remote }), 'WR_FLUSH_ERR');
    },
    { retryCnt: 1, timeout: 8 },
  );
});

serial(
  'a peer that goes on writing with a revoked key gets errors, and nothing else happens',
  async (t) => {
    t0 = t;
    await two(async ({ fabric, app, p, local, remote }) => {
      fabric.conditions.delayNs = us(100);
      await app.fill(local.addr, 64, 0x55);
      t.is(await run(p, { opcode: 'RDMA_WRITE', local, remote }), 'SUCCESS');
      const { env } = app.machine;
      const pins = [...env.pinTable].filter((pin) => pin.origin.device === 'rdma1');
      t.is(await revokePins(app.task, pins, 'truncate'), 'revoked');
      await app.fill(remote.addr, 64, 0);
      t.is(await run(p, { opcode: 'RDMA_WRITE', local, remote }), 'REM_ACCESS_ERR');
      t.is(await run(p, { opcode: 'RDMA_WRITE', local, remote }), 'WR_FLUSH_ERR');
      t.is((await app.load(remote.addr, 1))[0], 0);
    });
  },
);

serial('a read brings bytes across; a region revoked meanwhile is REM_ACCESS_ERR', async (t) => {
  t0 = t;
  await two(async ({ app, p, local, remote }) => {
    await app.fill(remote.addr, 8192, 0x66);
    t.is(await run(p, { opcode: 'RDMA_READ', local, remote, len: 5000 }), 'SUCCESS');
    t.deepEqual([...(await app.load(local.addr + 4999, 2))], [0x66, 0]);
  });
});
