// Goal: requests between two queue pairs move the bytes they name, and nothing else.

import test from 'ava';
import {
  allRights,
  completion,
  pair,
  rdmaMachine,
  recv,
  run,
  withContext,
} from '../../support/rdma.js';
import { assertBalanced } from '../../support/balance.js';
import { pages } from '../../support/driver-machine.js';

const modes = [
  { name: 'live', sched: { mode: 'live' } },
  { name: 'simulated', sched: { mode: 'simulated', seed: 3 } },
] as const;

for (const { name, sched } of modes) {
  test(`${name}: WRITE, READ, SEND and atomics reach exactly their bytes`, async (t) => {
    const m = rdmaMachine({ sched });
    await withContext(m, async (ctx, app) => {
      const [src, dst] = [await app.map(4), await app.map(4)];
      await app.fill(src, pages(4), 0xaa);
      await app.fill(dst, pages(4), 0xbb);
      const pd = await ctx.allocPD();
      const s = await ctx.regMR(pd, src, pages(4), ['local_write']);
      const d = await ctx.regMR(pd, dst, pages(4), allRights);
      const p = await pair(ctx, pd);
      t.is(await run(p, { opcode: 'RDMA_WRITE', local: s, remote: d, len: 8192 }), 'SUCCESS');
      const got = await app.load(dst, 8193);
      t.true(got.subarray(0, 8192).every((b) => b === 0xaa));
      t.is(got[8192], 0xbb);
      t.is(
        await run(p, { opcode: 'RDMA_READ', local: s, remote: d, remotePos: 8192, len: 100 }),
        'SUCCESS',
      );
      t.deepEqual([...(await app.load(src + 98, 4))], [0xbb, 0xbb, 0xaa, 0xaa]);
      await recv(p, d, 12288, 4096);
      t.is(await run(p, { opcode: 'SEND', local: s, localPos: 4096, len: 4096 }), 'SUCCESS');
      t.is(await completion(p, 1), 'SUCCESS');
      t.is((await app.load(dst + 12288, 1))[0], 0xaa);
      await app.fill(dst, 8, 0);
      const add = { more: { compareAdd: 5n }, len: 8 };
      t.is(
        await run(p, { opcode: 'ATOMIC_FETCH_AND_ADD', local: s, remote: d, ...add }),
        'SUCCESS',
      );
      t.deepEqual([...(await app.load(dst, 8))], [5, 0, 0, 0, 0, 0, 0, 0]);
      t.deepEqual([...(await app.load(src, 8))], [0, 0, 0, 0, 0, 0, 0, 0]);
      t.is(app.process.mm.pinnedVm, 8);
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}
