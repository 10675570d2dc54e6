// Goal: the short way of a WRITE does what the long way does, and takes nothing that the long way
//   would refuse.

import test from 'ava';
import { writeDirectly } from '../../../drivers/rdma/direct.js';
import type { SendWR } from '../../../drivers/rdma/work-request.js';
import { pages } from '../../support/driver-machine.js';
import { allRights, pair, rdmaMachine, run, withContext, wrOf } from '../../support/rdma.js';

const modes = [
  { name: 'live, in one step', sched: { mode: 'live' }, steps: 1 },
  { name: 'simulated, page by page', sched: { mode: 'simulated', seed: 1 }, steps: 2 },
] as const;

for (const { name, sched, steps } of modes) {
  test(`a plain WRITE: ${name}`, async (t) => {
    const m = rdmaMachine({ sched });
    await withContext(m, async (ctx, app) => {
      const pd = await ctx.allocPD();
      const mr = await ctx.regMR(pd, await app.map(4), pages(4), allRights);
      const p = await pair(ctx, pd);
      await app.fill(mr.addr, 5000, 0x5a);
      const to = { remote: mr, remotePos: 8192, len: 5000 };
      t.is(await run(p, { opcode: 'RDMA_WRITE', local: mr, ...to }), 'SUCCESS');
      t.deepEqual([...(await app.load(mr.addr + 8192 + 4999, 2))], [0x5a, 0]);
      t.deepEqual([m.hca.counters.steps, m.hca.counters.requests], [steps, 1]);
      t.is(await run(p, { opcode: 'RDMA_WRITE', local: mr, ...to }), 'SUCCESS', 'numbers go on');
    });
  });
}

test('what is not plain, or not allowed, is left to the long way, and changes nothing', async (t) => {
  const m = rdmaMachine({ sched: { mode: 'live' } });
  await withContext(m, async (ctx, app) => {
    const pd = await ctx.allocPD();
    const addr = await app.map(4);
    const mr = await ctx.regMR(pd, addr, pages(2), allRights);
    const odp = await ctx.regMR(pd, addr, pages(2), [...allRights, 'on_demand']);
    const readOnly = await ctx.regMR(pd, addr, pages(2), ['local_write', 'remote_read']);
    const p = await pair(ctx, pd);
    const { queuePairs, faults } = m.hca;
    const [qp, peer] = [queuePairs.get(p.qps[0].qpNum)!, queuePairs.get(p.qps[1].qpNum)!];
    const good = wrOf({ opcode: 'RDMA_WRITE', local: mr, remote: mr });
    const attempt = (wr: SendWR, inline: Uint8Array | null = null): boolean =>
      writeDirectly(qp, { wr, len: 64, inline, ah: null });
    const { lkey } = mr;
    const refused: [string, boolean][] = [
      ['a READ', attempt({ ...good, opcode: 'RDMA_READ' })],
      ['with immediate data', attempt({ ...good, opcode: 'RDMA_WRITE_WITH_IMM' })],
      ['inline', attempt(good, new Uint8Array(64))],
      [
        'a list',
        attempt({
          ...good,
          sgList: [
            { addr, len: 32, lkey },
            { addr, len: 32, lkey },
          ],
        }),
      ],
      ['a key that is none', attempt({ ...good, sgList: [{ addr, len: 64, lkey: lkey + 1 }] })],
      ['beyond the own region', attempt({ ...good, sgList: [{ addr: addr - 1, len: 64, lkey }] })],
      ['an rkey that is none', attempt({ ...good, rkey: mr.rkey + 1 })],
      ['a region without the right', attempt({ ...good, rkey: readOnly.rkey })],
      ['beyond the region', attempt({ ...good, remoteAddr: addr + pages(2) - 63 })],
      ['on-demand', attempt({ ...good, rkey: odp.rkey })],
    ];
    faults.delayNs = 1;
    refused.push(['a slow adapter', attempt(good)]);
    faults.delayNs = 0;
    faults.ignoreFence = true;
    refused.push(['an adapter that lies', attempt(good)]);
    faults.ignoreFence = false;
    peer.attr.qpAccessFlags = 1;
    refused.push(['a peer that allows no writes', attempt(good)]);
    peer.attr.qpAccessFlags = 15;
    peer.expectedSeq = 77;
    refused.push(['out of sequence', attempt(good)]);
    peer.expectedSeq = qp.nextSeq;
    peer.cutOff = true;
    refused.push(['after a message without an end', attempt(good)]);
    peer.cutOff = false;
    await peer.rx.lock(app.task);
    refused.push(['a peer that is receiving', attempt(good)]);
    peer.rx.unlock(app.task);
    await ctx.modifyQP(p.qps[1], { qpState: 'ERR' });
    refused.push(['a peer in ERR', attempt(good)]);
    t.deepEqual(
      refused.filter(([, done]) => done),
      [],
    );
    t.is(m.hca.counters.steps, 0);
  });
});
