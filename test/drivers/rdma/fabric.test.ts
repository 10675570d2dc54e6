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
import { allRights, connect, type Pair, run, wrOf } from '../../support/rdma.js';
import type { SendWR } from '../../../drivers/rdma/work-request.js';
import { seconds } from '../../../lib/units.js';

interface Two {
  readonly fabric: Fabric;
  readonly app: App;
  readonly hcas: readonly Hca[];
  readonly p: Pair;
  /** The far end's own file: p.ctx is the near end's. */
  readonly far: VerbsContext;
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
    await fn({ fabric, app, hcas, p, far: b.ctx, local: a.mr, remote: b.mr });
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

/** Completions of one end until there are n, or none came for ten seconds. */
async function completions({ ctx, cqs }: Pair, n: number, far?: VerbsContext) {
  const wcs: Awaited<ReturnType<VerbsContext['waitCQ']>>[number][] = [];
  while (wcs.length < n) {
    const more = await (far ?? ctx).waitCQ(cqs[far === undefined ? 0 : 1], {
      max: 64,
      timeoutNs: seconds(10),
    });
    if (more.length === 0) break;
    wcs.push(...more);
  }
  return wcs;
}

const numbered = (n: number, make: (i: number) => Parameters<typeof wrOf>[0]): SendWR[] =>
  Array.from({ length: n }, (_, i) => ({ ...wrOf(make(i)), wrId: i }));

serial('many messages are on the wire at once: sixteen take the delay of one', async (t) => {
  t0 = t;
  await two(async ({ fabric, app, p, local, remote }) => {
    fabric.conditions.delayNs = us(500);
    const { clock } = app.task.sched;
    const begun = clock.nowNs;
    await p.ctx.postSend(
      p.qps[0],
      numbered(16, () => ({ opcode: 'RDMA_WRITE', local, remote })),
    );
    const wcs = await completions(p, 16);
    t.deepEqual(
      wcs.map(({ wrId, status }) => `${wrId} ${status}`),
      Array.from({ length: 16 }, (_, i) => `${i} SUCCESS`),
    );
    t.is(clock.nowNs - begun, ms(1));
  });
});

serial('READs and atomics: as many at once as max_rd_atomic says; a fence waits', async (t) => {
  t0 = t;
  await two(
    async ({ fabric, app, p, local, remote }) => {
      fabric.conditions.delayNs = us(500);
      const { clock } = app.task.sched;
      const took = async (wrs: SendWR[]): Promise<number> => {
        const begun = clock.nowNs;
        await p.ctx.postSend(p.qps[0], wrs);
        t.is((await completions(p, wrs.length)).length, wrs.length);
        return clock.nowNs - begun;
      };
      const read = numbered(4, () => ({ opcode: 'RDMA_READ', local, remote }));
      t.is(await took(read), ms(4), 'maxRdAtomic is 1');
      const write = numbered(2, () => ({ opcode: 'RDMA_WRITE', local, remote }));
      t.is(await took([read[0]!, write[0]!]), ms(1));
      const fenced: SendWR = { ...write[1]!, flags: ['signaled', 'fence'] };
      t.is(await took([read[1]!, fenced]), ms(2));
    },
    { timeout: 10 },
  );
});

serial('loss, reordering and delay: every SEND arrives once and in order', async (t) => {
  t0 = t;
  let duplicates = 0;
  let gaps = 0;
  for (let seed = 1; seed <= 12; seed++) {
    await two(
      async ({ fabric, app, hcas, p, far, local, remote }) => {
        Object.assign(fabric.conditions, { delayNs: us(50), jitterNs: us(200), loss: 0.1 });
        const recvs = Array.from({ length: 32 }, (_, wrId) => ({
          ...{ wrId, sgList: [{ addr: remote.addr + wrId * 8, len: 8, lkey: remote.lkey }] },
        }));
        await far.postRecv(p.qps[1], recvs);
        for (let i = 0; i < 32; i++) await app.fill(local.addr + i * 8, 8, i + 1);
        await p.ctx.postSend(
          p.qps[0],
          numbered(32, (i) => ({ opcode: 'SEND', local, localPos: i * 8, len: 8 })),
        );
        const sent = await completions(p, 32);
        t.deepEqual(
          sent.map(({ wrId, status }) => `${wrId} ${status}`),
          Array.from({ length: 32 }, (_, i) => `${i} SUCCESS`),
        );
        const got = await completions(p, 32, far);
        t.deepEqual(
          got.map(({ wrId }) => wrId),
          Array.from({ length: 32 }, (_, i) => i),
        );
        const bytes = await app.load(remote.addr, 256);
        t.deepEqual(
          [...bytes],
          Array.from({ length: 256 }, (_, i) => (i >> 3) + 1),
        );
        duplicates += hcas[1]!.counters.duplicates;
        gaps += hcas[1]!.counters.outOfSequence;
      },
      { retryCnt: 7, timeout: 8, sqPsn: 0, maxRdAtomic: 4 },
      seed,
    );
  }
  t.true(duplicates > 0 && gaps > 0, `${duplicates} duplicates, ${gaps} out of sequence`);
});

serial('atomics in flight are carried out once each, whatever is lost', async (t) => {
  t0 = t;
  for (let seed = 1; seed <= 12; seed++) {
    await two(
      async ({ fabric, app, p, local, remote }) => {
        Object.assign(fabric.conditions, { delayNs: us(20), jitterNs: us(60), loss: 0.15 });
        await app.fill(remote.addr, 8, 0);
        await p.ctx.postSend(
          p.qps[0],
          numbered(16, (i) => ({
            ...{ opcode: 'ATOMIC_FETCH_AND_ADD', local, localPos: i * 8, remote, len: 8 },
            more: { compareAdd: 1n },
          })),
        );
        const wcs = await completions(p, 16);
        t.true(wcs.length === 16 && wcs.every(({ status }) => status === 'SUCCESS'));
        t.is((await app.load(remote.addr, 1))[0], 16);
        const old = await app.load(local.addr, 128);
        t.deepEqual(
          Array.from({ length: 16 }, (_, i) => old[i * 8]),
          Array.from({ length: 16 }, (_, i) => i),
        );
      },
      { retryCnt: 7, timeout: 8, maxRdAtomic: 4, maxDestRdAtomic: 4 },
      seed,
    );
  }
});

serial('a READ that is asked again reads again; its bytes come once', async (t) => {
  t0 = t;
  for (let seed = 1; seed <= 8; seed++) {
    await two(
      async ({ fabric, app, p, local, remote }) => {
        Object.assign(fabric.conditions, { delayNs: us(20), loss: 0.25 });
        await app.fill(remote.addr, 8192, 0x3c);
        await p.ctx.postSend(
          p.qps[0],
          numbered(8, (i) => ({
            ...{ opcode: 'RDMA_READ', local, localPos: i * 1000, remote, len: 1000 },
          })),
        );
        const wcs = await completions(p, 8);
        t.true(wcs.length === 8 && wcs.every(({ status }) => status === 'SUCCESS'));
        t.true((await app.load(local.addr, 8000)).every((byte) => byte === 0x3c));
      },
      { retryCnt: 7, timeout: 8, maxRdAtomic: 8, maxDestRdAtomic: 8 },
      seed,
    );
  }
});

serial(
  'a message that fails ends those behind it, in order; those before it stay good',
  async (t) => {
    t0 = t;
    await two(async ({ fabric, p, local, remote }) => {
      fabric.conditions.delayNs = us(50);
      const wrs = numbered(6, (i) => ({
        ...{ opcode: 'RDMA_WRITE', local, remote },
        ...(i === 3 && { rkey: remote.rkey + 1 }),
      }));
      await p.ctx.postSend(p.qps[0], wrs);
      const status = (await completions(p, 6)).map((wc) => `${wc.wrId} ${wc.status}`);
      const good = ['0 SUCCESS', '1 SUCCESS', '2 SUCCESS'];
      t.deepEqual(status, [...good, '3 REM_ACCESS_ERR', '4 WR_FLUSH_ERR', '5 WR_FLUSH_ERR']);
    });
  },
);

serial('an own key that is bad ends in its turn, after what was sent before it', async (t) => {
  t0 = t;
  await two(async ({ fabric, p, local, remote }) => {
    fabric.conditions.delayNs = us(50);
    const wrs = numbered(4, () => ({ opcode: 'RDMA_WRITE', local, remote }));
    const { addr, lkey } = local;
    wrs[2] = { ...wrs[2]!, sgList: [{ addr, len: 64, lkey: lkey + 1 }] };
    await p.ctx.postSend(p.qps[0], wrs);
    const status = (await completions(p, 4)).map((wc) => `${wc.wrId} ${wc.status}`);
    t.deepEqual(status, ['0 SUCCESS', '1 SUCCESS', '2 LOC_PROT_ERR', '3 WR_FLUSH_ERR']);
  });
});

serial('a partition under way: what is on the wire is flushed in order', async (t) => {
  t0 = t;
  await two(
    async ({ fabric, app, p, local, remote }) => {
      fabric.conditions.delayNs = us(50);
      const wrs = numbered(5, () => ({ opcode: 'RDMA_WRITE', local, remote }));
      await p.ctx.postSend(p.qps[0], wrs);
      await app.task.sched.clock.sleep(app.task, us(60));
      fabric.partition('fe80::b');
      const status = (await completions(p, 5)).map((wc) => `${wc.wrId} ${wc.status}`);
      const flushed = [1, 2, 3, 4].map((i) => `${i} WR_FLUSH_ERR`);
      t.deepEqual(status, ['0 RETRY_EXC_ERR', ...flushed]);
    },
    { retryCnt: 2, timeout: 8 },
  );
});

serial('a receiver that is not ready: the sender waits, and order is kept', async (t) => {
  t0 = t;
  await two(
    async ({ fabric, app, hcas, p, far, local, remote }) => {
      fabric.conditions.delayNs = us(10);
      const wrs = numbered(4, () => ({ opcode: 'SEND', local, len: 8 }));
      await p.ctx.postSend(p.qps[0], wrs);
      await app.task.sched.clock.sleep(app.task, ms(1));
      const sgList = [{ addr: remote.addr, len: 8, lkey: remote.lkey }];
      await far.postRecv(
        p.qps[1],
        [5, 6, 7, 8].map((wrId) => ({ wrId, sgList })),
      );
      const status = (await completions(p, 4)).map((wc) => `${wc.wrId} ${wc.status}`);
      t.deepEqual(
        status,
        [0, 1, 2, 3].map((i) => `${i} SUCCESS`),
      );
      const got = await completions(p, 4, far);
      t.deepEqual(
        got.map(({ wrId }) => wrId),
        [5, 6, 7, 8],
      );
      t.true(hcas[1]!.counters.rnrNaksSent > 0);
    },
    { rnrRetry: 7, timeout: 10 },
  );
});
