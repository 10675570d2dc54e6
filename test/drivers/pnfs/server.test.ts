// Goal: the server gives a client two lease periods, and fences it before it lets the layout go.

import test from 'ava';
import { BlockClient } from '../../../drivers/pnfs/block-client.js';
import { isErrno } from '../../../lib/errno.js';
import { PAGE_SIZE, seconds } from '../../../lib/units.js';
import { assertBalanced } from '../../support/balance.js';
import { App } from '../../support/driver-machine.js';
import { pnfsBench } from './bench.js';

const get = { fd: 3, pos: 0, len: PAGE_SIZE, iomode: 'rw' } as const;

test('a layout that is returned in time costs the client nothing', async (t) => {
  const { m, dev, target, server, granted, recall } = pnfsBench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const client = new BlockClient(dev, target, 1);
    client.answer = { afterNs: seconds(179) };
    client.add(await server.layoutGet(client, app.caller, get));
    await recall().join(task);
    t.is(m.sched.clock.nowNs, seconds(179));
    t.is(granted[0]!.released, 1);
    t.true(target.isRegistered(1));
    t.deepEqual(server.counters, { recalls: 1, fences: 0 });
    await client.unmount(task);
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a client that keeps it is fenced after two lease periods, of any length', async (t) => {
  for (const period of [seconds(90), seconds(5)]) {
    const { m, dev, target, server, granted, recall } = pnfsBench();
    server.leasePeriodNs = period;
    const order: string[] = [];
    const preempt = target.preempt.bind(target);
    target.preempt = async (task, key) => {
      await preempt(task, key);
      order.push(`fenced, released ${granted[0]!.released} times`);
    };
    await m.run(async (task) => {
      const app = new App(m, task);
      const client = new BlockClient(dev, target, 1);
      client.answer = 'ignore';
      const state = await server.layoutGet(client, app.caller, get);
      client.add(state);
      await recall().join(task);
      t.is(m.sched.clock.nowNs, 2 * period);
      t.deepEqual(order, ['fenced, released 0 times']);
      t.is(granted[0]!.released, 1);
      t.is(state.state, 'GONE');
      const late = client.transfer(task, state, 'write', 0, Uint8Array.of(1));
      t.true(isErrno(await t.throwsAsync(late), 'EIO'));
      const more = server.layoutGet(client, app.caller, get);
      t.true(isErrno(await t.throwsAsync(more), 'EIO'));
      t.regex(m.core.device('pnfs0').lines.join(), /fenced/);
      await client.unmount(task);
      await app.exit();
    });
    assertBalanced(t, m.env, { mms: m.mms });
  }
});
