// Goal: another device's buffer is a region like any other, until its exporter takes it back (facts
// 5.6; the dma-buf rows of judges 2.1).

import test from 'ava';
import type { DmaBuf } from '../../../lib/driver/index.js';
import { pages } from '../../support/driver-machine.js';
import { dataRights, pair, rdmaMachine, run, withContext } from '../../support/rdma.js';
import { assertBalanced } from '../../support/balance.js';

/** A buffer of two pages, exported by the device itself for want of another. */
function exported(m: ReturnType<typeof rdmaMachine>) {
  const dev = m.core.device('rdma0');
  const block = dev.allocPages(2, 'frame');
  return { block, buf: dev.exportDmaBuf(block, 'frame') };
}

for (const offset of [0, pages(1)]) {
  test(`at offset ${offset}: register, write, read, deregister`, async (t) => {
    const m = rdmaMachine();
    await withContext(m, async (ctx, app) => {
      const { block, buf } = exported(m);
      const pd = await ctx.allocPD();
      const s = await ctx.regMR(pd, await app.map(1), 4096);
      await app.fill(s.addr, 4096, 0x2b);
      const d = await ctx.regDmaBufMR(pd, buf, offset, 4096, offset, dataRights);
      t.is(app.process.mm.pinnedVm, 1, 'a buffer is charged to nobody');
      const p = await pair(ctx, pd);
      t.is(await run(p, { opcode: 'RDMA_WRITE', local: s, remote: d, len: 100 }), 'SUCCESS');
      const seen = new Uint8Array(1);
      m.env.pages.read(block.pfns, offset + 99, seen);
      t.is(seen[0], 0x2b);
      await t.throwsAsync(() => ctx.reregMR(d, { flags: ['access'], access: [] }), {
        message: /^EINVAL.*plain/,
      });
      await ctx.deregMR(d);
      t.is(buf.nrAttachments, 0);
      buf.putFile();
      block.free();
    });
    assertBalanced(t, m.env, { mms: m.mms });
  });
}

test('revoked by its exporter: requests fail, the key stays until dereg', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx, app) => {
    const { block, buf } = exported(m);
    const pd = await ctx.allocPD();
    const s = await ctx.regMR(pd, await app.map(1), 4096);
    const d = await ctx.regDmaBufMR(pd, buf, 0, 4096, 0, dataRights);
    await buf.invalidate(app.task);
    t.is((await ctx.queryMR(d)).state, 'REVOKED');
    t.is(m.hca.regions.size, 2);
    const p = await pair(ctx, pd);
    t.is(await run(p, { opcode: 'RDMA_WRITE', local: s, remote: d }), 'REM_ACCESS_ERR');
    await t.throwsAsync(() => ctx.regDmaBufMR(pd, buf, 0, 4096, 0, []), { message: /^ENODEV/ });
    await ctx.deregMR(d);
    buf.putFile();
    block.free();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('not inside the buffer, no buffer, a device without: refused', async (t) => {
  const m = rdmaMachine();
  await withContext(m, async (ctx) => {
    const { block, buf } = exported(m);
    const pd = await ctx.allocPD();
    const reg = (b: DmaBuf, offset: number, len: number, access = dataRights) =>
      ctx.regDmaBufMR(pd, b, offset, len, offset, access);
    await t.throwsAsync(() => reg(buf, 4096, 4097), { message: /^EINVAL/ });
    await t.throwsAsync(() => reg(buf, 0, 0), { message: /^EINVAL/ });
    await t.throwsAsync(() => reg({} as DmaBuf, 0, 1), { message: /^EINVAL/ });
    await t.throwsAsync(() => reg(buf, 0, 1, ['remote_write']), { message: /^EINVAL/ });
    t.is(buf.nrAttachments, 0);
    buf.putFile();
    block.free();
  });
  const stock = rdmaMachine({ kernel: '7.2' });
  await withContext(stock, async (ctx) => {
    const { block, buf } = exported(stock);
    const pd = await ctx.allocPD();
    await t.throwsAsync(() => ctx.regDmaBufMR(pd, buf, 0, 1, 0, []), { message: /^EOPNOTSUPP/ });
    buf.putFile();
    block.free();
  });
});
