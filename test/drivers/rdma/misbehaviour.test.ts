// Goal: what a whole machine shows of an adapter that misbehaves while a file is truncated under
//   its region: the truncate, the region, the completion, the account and the referee's verdict.

import test from 'ava';
import rdma, { Hca } from '../../../drivers/rdma/index.js';
import { bootMachine, type Machine, type MachineOptions } from '../../../lib/machine.js';
import { ms, PAGE_SIZE, seconds } from '../../../lib/units.js';
import { balancedMachine } from '../../support/machine.js';
import { allRights, pair, wrOf } from '../../support/rdma.js';

interface Row {
  readonly fault: string;
  readonly set: (hca: Hca) => void;
  /** Region after the truncate · the WRITE's completion · pages charged · stray · how long. */
  readonly shows: readonly [state: string, status: string, pinned: number, stray: boolean, number];
}

/** The WRITE's steps need 5 ms each where the fault is to meet one of them under way. */
const slow = (hca: Hca): void => void (hca.faults.delayNs = ms(5));

const rows: readonly Row[] = [
  { fault: 'none', set: () => {}, shows: ['REVOKED', 'SUCCESS', 0, false, 0] },
  { fault: 'delay', set: slow, shows: ['REVOKED', 'REM_ACCESS_ERR', 0, false, 4] },
  {
    fault: 'stall',
    set: ({ faults }) => void (faults.stalled = true),
    shows: ['REVOKED', 'WR_FLUSH_ERR', 0, false, 1000],
  },
  {
    fault: 'drop a completion',
    set: ({ faults }) => faults.dropCompletions(1),
    shows: ['REVOKED', 'NONE', 0, false, 0],
  },
  {
    fault: 'ignore a fence',
    set: (hca) => {
      slow(hca);
      hca.faults.ignoreFence = true;
    },
    shows: ['REVOKED', 'REM_ACCESS_ERR', 0, true, 0],
  },
];

/** An adapter, and an application that has it open and a file of len bytes mapped. */
async function stage(machine: Machine, len: number) {
  const hca = new Hca();
  machine.drivers.register(rdma);
  machine.drivers.addDevice('emul,hca', hca, 'rdma0');
  const app = machine.spawn('app');
  const fd = await app.open('/data', ['rdwr', 'creat']);
  await app.write(fd, 0, new Uint8Array(len));
  const addr = await app.mmap({ fd, len, prot: 'rw', share: 'shared' });
  const ctx = await app.openDevice('rdma0');
  return { hca, app, addr, ctx, pd: await ctx.allocPD() };
}

const options: MachineOptions = {
  ...{ kernel: 'proposed', clock: 'virtual' },
  mounts: { '/': { flavor: 'ext4', dax: true, policy: 'revoke' } },
};

for (const { fault, set, shows } of rows) {
  test(`${fault}: what a truncate under a WRITE comes to`, async (t) => {
    await using machine = await balancedMachine(t, options);
    const len = 4 * PAGE_SIZE;
    const { hca, app, addr, ctx, pd } = await stage(machine, len);
    const own = await app.mmap({ len });
    const source = await ctx.regMR(pd, own, len);
    const region = await ctx.regMR(pd, addr, len, allRights);
    const p = await pair(ctx, pd);
    set(hca);
    await ctx.postSend(
      p.qps[0],
      wrOf({ opcode: 'RDMA_WRITE', local: source, remote: region, len }),
    );
    await ctx.waitCQ(p.cqs[1], { timeoutNs: ms(1) });
    const begun = machine.clock.nowNs;
    await machine.spawn('admin').truncate('/data', 0);
    const tookMs = Math.round((machine.clock.nowNs - begun) / 1e6);
    const { state } = await ctx.queryMR(region);
    const pinned = app.mm.pinnedVm;
    const [wc] = await ctx.waitCQ(p.cqs[0], { timeoutNs: seconds(3) });
    const stray = machine.referee.verdict().stray.length > 0;
    const left = fault === 'stall' ? 0 : 4; // a reset takes every region of the adapter
    t.deepEqual([state, wc?.status ?? 'NONE', pinned - left, stray, tookMs], [...shows]);
  });
}

test('die: the truncate hangs with its pages pinned, and nothing stray is written', async (t) => {
  const machine = await bootMachine(options);
  const { hca, app, addr, ctx, pd } = await stage(machine, PAGE_SIZE);
  const region = await ctx.regMR(pd, addr, PAGE_SIZE, allRights);
  const p = await pair(ctx, pd);
  slow(hca);
  await ctx.postSend(p.qps[0], wrOf({ opcode: 'RDMA_WRITE', local: region, remote: region }));
  await ctx.waitCQ(p.cqs[1], { timeoutNs: ms(1) });
  hca.faults.die();
  let over = false;
  void machine
    .spawn('admin')
    .truncate('/data', 0)
    .then(() => (over = true));
  await ctx.waitCQ(p.cqs[1], { timeoutNs: seconds(60) });
  t.false(over, 'a minute later');
  t.is(app.mm.pinnedVm, 1);
  t.deepEqual(machine.referee.verdict().stray, []);
});
