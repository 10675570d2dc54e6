// Goal: bytes move between lists of any shape, in steps, and a fault says on which side it was.

import test from 'ava';
import type { Hca } from '../../../drivers/rdma/hca.js';
import { RegionFault } from '../../../drivers/rdma/memory-key.js';
import {
  bytesPayload,
  MoveFault,
  movePayload,
  readPayload,
} from '../../../drivers/rdma/payload.js';
import { resolveList } from '../../../drivers/rdma/scatter-gather.js';
import { pages } from '../../support/driver-machine.js';
import { rdmaMachine, withContext } from '../../support/rdma.js';

test('gather and scatter at odd positions, and through a copy', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const [a, b] = [await app.map(3), await app.map(3)];
    const data = Uint8Array.from({ length: 12288 }, (_, i) => i % 251);
    await app.process.mm.store(app.task, a, data);
    const from = await ctx.regMR(pd, a, pages(3));
    const to = await ctx.regMR(pd, b, pages(3));
    const hca: Hca = m.hca;
    const pdn = hca.regions.get(from.lkey)!.pd;
    const list = (mr: typeof from, parts: readonly [number, number][]) => {
      const sgList = parts.map(([pos, len]) => ({ addr: mr.addr + pos, len, lkey: mr.lkey }));
      const len = parts.reduce((sum, [, n]) => sum + n, 0);
      return { len, pieces: resolveList(hca, { pd: pdn, access: 0, sgList }, len, 1024).pieces };
    };
    const { bus, pace } = hca;
    const src = list(from, [
      [5, 4095],
      [8000, 3000],
    ]);
    const dst = list(to, [
      [1, 2000],
      [4000, 5095],
    ]);
    const payload = { kind: 'pieces', ...src, bus, pace } as const;
    await movePayload(app.task, payload, { pieces: dst.pieces, bus, pace }, 7095);
    const want = Uint8Array.of(...data.subarray(5, 4100), ...data.subarray(8000, 11000));
    const got = await app.load(b, pages(3));
    t.deepEqual(Uint8Array.of(...got.subarray(1, 2001), ...got.subarray(4000, 9095)), want);
    t.deepEqual([got[0], got[2001], got[9095]], [0, 0, 0]);
    const copy = await readPayload(app.task, payload, 7095);
    t.deepEqual(copy, want);
    t.deepEqual(await readPayload(app.task, bytesPayload(copy), 3), want.slice(0, 3));
  });
});

test('the side that fails is named', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const mr = await ctx.regMR(pd, await app.map(1), 4096);
    const key = m.hca.regions.get(mr.lkey)!;
    const { bus, pace } = m.hca;
    const good = { len: 8, pos: 0, region: () => key };
    const bad = {
      ...good,
      region: (): never => {
        throw new RegionFault('gone');
      },
    };
    for (const [source, target, side] of [
      [bad, good, 'source'],
      [good, bad, 'target'],
    ] as const) {
      const payload = { kind: 'pieces', len: 8, pieces: [source], bus, pace } as const;
      const move = () => movePayload(app.task, payload, { pieces: [target], bus, pace }, 8);
      const fault = await t.throwsAsync(move, { instanceOf: MoveFault });
      t.is(fault?.side, side);
    }
    const short = { kind: 'pieces', len: 8, pieces: [], bus, pace } as const;
    await t.throwsAsync(() => readPayload(app.task, short, 8), { instanceOf: MoveFault });
  });
});
