// The other process of a wire: it connects, tells its queue pair and region, and then does what the
// test's messages say. Run by fork(); it ends with the channel to the test.

import assert from 'node:assert/strict';
import { connectLink, type LinkAddress } from '../../drivers/rdma/index.js';
import type { FabricConditions } from '../../drivers/rdma/fabric.js';
import type { QPAttr, SendWR } from '../../drivers/rdma/verbs-context.js';
import { connectAcross, linkedMachine } from './rdma-linked.js';

/** What the test asks for; each is answered by one message. */
export type PeerRequest =
  | { readonly do: 'link'; readonly address: LinkAddress; readonly gid: string }
  | {
      readonly do: 'connect';
      readonly gid: string;
      readonly qpNum: number;
      readonly attr?: QPAttr;
    }
  /** What its fabric does to what it sends. */
  | { readonly do: 'conditions'; readonly conditions: Partial<FabricConditions> }
  /** Fill the own region with a byte and post; the status. */
  | {
      readonly do: 'post';
      readonly fill?: number;
      readonly wr: Omit<SendWR, 'sgList'>;
      len: number;
    }
  /** Post all at once, request i with byte i + 1 of its own, len bytes each; wrId and status. */
  | { readonly do: 'posts'; readonly wrs: readonly Omit<SendWR, 'sgList'>[]; readonly len: number }
  | { readonly do: 'load'; readonly pos: number; readonly len: number };

export interface PeerHello {
  readonly qpNum: number;
  readonly addr: number;
  readonly rkey: number;
}

const gid = process.argv[2]!;
const end = await linkedMachine(gid);

async function carryOut(request: PeerRequest): Promise<unknown> {
  const { app, ctx, qp, cq, mr, hca } = end;
  switch (request.do) {
    case 'link': {
      const link = await connectLink(hca, request.address);
      assert.equal(link.gid, request.gid);
      return { qpNum: qp.qpNum, addr: mr.addr, rkey: mr.rkey } satisfies PeerHello;
    }
    case 'connect':
      await connectAcross(end, request, request.attr);
      return 'connected';
    case 'conditions':
      Object.assign(hca.fabric.conditions, request.conditions);
      return 'so be it';
    case 'posts':
      return postAll(request.wrs, request.len);
    case 'post': {
      const { fill, len, wr } = request;
      if (fill !== undefined) await app.store(mr.addr, new Uint8Array(len).fill(fill));
      await ctx.postSend(qp, { ...wr, sgList: [{ addr: mr.addr, len, lkey: mr.lkey }] });
      const [wc] = await ctx.waitCQ(cq);
      return wc!.status;
    }
    case 'load':
      return [...(await app.load(mr.addr + request.pos, request.len))];
  }
}

async function postAll(wrs: readonly Omit<SendWR, 'sgList'>[], len: number): Promise<string[]> {
  const { app, ctx, qp, cq, mr } = end;
  for (let i = 0; i < wrs.length; i++) {
    await app.store(mr.addr + i * len, new Uint8Array(len).fill(i + 1));
  }
  await ctx.postSend(
    qp,
    wrs.map((wr, i) => ({ ...wr, sgList: [{ addr: mr.addr + i * len, len, lkey: mr.lkey }] })),
  );
  const ended: string[] = [];
  while (ended.length < wrs.length) {
    const wcs = await ctx.waitCQ(cq, { max: 16 });
    ended.push(...wcs.map(({ wrId, status }) => `${wrId} ${status}`));
  }
  return ended;
}

process.on('message', (request: PeerRequest) => {
  carryOut(request).then(
    (value) => process.send!({ value }),
    (e: unknown) => process.send!({ error: String(e) }),
  );
});
process.on('disconnect', () => process.exit());
process.send!({ value: 'ready' });
