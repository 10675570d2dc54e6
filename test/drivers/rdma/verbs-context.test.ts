// Goal: the library asks the kernel only for what is of this library, and remembers what it was
// told.

import test from 'ava';
import { VerbsContext } from '../../../drivers/rdma/verbs-context.js';
import { PD } from '../../../drivers/rdma/verbs-objects.js';

function recorder(answers: Record<string, unknown>) {
  const asked: [string, unknown][] = [];
  let closed = 0;
  const ctx = new VerbsContext({
    node: 'rdma0',
    ioctl: (request: string, arg: unknown) => {
      asked.push([request, arg]);
      return Promise.resolve(answers[request]) as never;
    },
    close: () => Promise.resolve(void closed++),
  });
  return { ctx, asked, closed: () => closed };
}

test('an object of another kind never reaches the kernel', async (t) => {
  const { ctx, asked } = recorder({ CREATE_CQ: { handle: 1, cqe: 7 } });
  const cq = await ctx.createCQ(4);
  await t.throwsAsync(() => ctx.regMR(cq as unknown as PD, 0, 1), { message: /^EINVAL: a PD/ });
  await t.throwsAsync(() => ctx.deallocPD(undefined as unknown as PD), { message: /^EINVAL/ });
  t.is(asked.length, 1);
});

test('a region remembers its keys and range, and rereg renews them', async (t) => {
  const { ctx, asked } = recorder({
    REG_MR: { handle: 5, lkey: 0x101, rkey: 0x101 },
    REREG_MR: { lkey: 0x102, rkey: 0x102 },
  });
  const [pd, pd2] = [new PD(0), new PD(1)];
  const mr = await ctx.regMR(pd, 4096, 8192, ['local_write']);
  t.deepEqual([mr.handle, mr.addr, mr.len, mr.lkey], [5, 4096, 8192, 0x101]);
  await ctx.reregMR(mr, { flags: ['translation', 'pd'], pd: pd2, addr: 12288, len: 100 });
  t.deepEqual([mr.addr, mr.len, mr.lkey, mr.pd], [12288, 100, 0x102, pd2]);
  t.deepEqual(asked[1], [
    'REREG_MR',
    { mr: 5, flags: ['translation', 'pd'], pd: 1, addr: 12288, len: 100 },
  ]);
});

test('fork_init is too late after a region that is pinned, with a lease too', async (t) => {
  const keys = { handle: 5, lkey: 0x101, rkey: 0x101 };
  const { ctx } = recorder({ REG_MR_LEASE: keys, REG_DMABUF_MR: keys });
  await ctx.regDmaBufMR(new PD(0), {} as never, 0, 1, 0, []);
  await ctx.regMRLease(new PD(0), 0, 1, ['local_write', 'on_demand']);
  await ctx.regMRLease(new PD(0), 0, 1, ['local_write']);
  t.throws(() => ctx.forkInit(), { message: /^EINVAL/ });
  const asked = recorder({ REG_DMABUF_MR: keys }).ctx;
  await asked.regDmaBufMR(new PD(0), {} as never, 0, 1, 0, []);
  t.notThrows(() => asked.forkInit());
});

test('a list of requests is one call; close closes the node', async (t) => {
  const { ctx, asked, closed } = recorder({
    CREATE_QP: { handle: 3, qpNum: 17, cap: {} },
    CREATE_CQ: { handle: 1, cqe: 7 },
  });
  const cq = await ctx.createCQ(4);
  const qp = await ctx.createQP({ pd: new PD(0), sendCQ: cq, recvCQ: cq });
  await ctx.postRecv(qp, [{ wrId: 1 }, { wrId: 2 }]);
  t.deepEqual(
    asked.slice(2).map(([request]) => request),
    ['POST_RECV'],
  );
  await ctx.close();
  t.is(closed(), 1);
});
