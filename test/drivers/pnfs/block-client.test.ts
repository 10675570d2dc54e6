// Goal: the client's bytes go to the blocks of its layout; LAYOUTRETURN waits for its own I/O.

import test from 'ava';
import { BlockClient } from '../../../drivers/pnfs/block-client.js';
import { isErrno } from '../../../lib/errno.js';
import { ms, PAGE_SIZE } from '../../../lib/units.js';
import { assertBalanced } from '../../support/balance.js';
import { App } from '../../support/driver-machine.js';
import { pnfsBench } from './bench.js';

const get = { fd: 3, pos: 0, len: PAGE_SIZE, iomode: 'rw' } as const;

test('writes reach the pages of the extents, and reads bring them back', async (t) => {
  const { m, dev, target, server } = pnfsBench();
  const { pages } = m.env;
  const base = pages.regions[1]!.basePfn;
  await m.run(async (task) => {
    const app = new App(m, task);
    const client = new BlockClient(dev, target, 1);
    const state = await server.layoutGet(client, app.caller, get);
    client.add(state);
    await client.transfer(task, state, 'write', 2 * PAGE_SIZE + 1, Uint8Array.of(5, 6));
    const bytes = new Uint8Array(4);
    pages.read(base + 9, 0, bytes);
    t.deepEqual([...bytes], [0, 5, 6, 0]);
    await client.transfer(task, state, 'read', 2 * PAGE_SIZE, bytes.fill(9));
    t.deepEqual([...bytes], [0, 5, 6, 0]);
    t.deepEqual(client.counters, { reads: 1, writes: 1, bytes: 6, conflicts: 0 });
    const reader = await server.layoutGet(client, app.caller, { ...get, iomode: 'read' });
    client.add(reader);
    const denied = client.transfer(task, reader, 'write', 0, bytes);
    t.true(isErrno(await t.throwsAsync(denied), 'EACCES'));
    await client.unmount(task);
    t.is(client.layouts.size, 0);
    t.true(
      isErrno(
        t.throws(() => client.layout(state.stateid)),
        'ESTALE',
      ),
    );
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a layout goes back only when the I/O through it has ended', async (t) => {
  const { m, dev, target, server, granted } = pnfsBench();
  target.delayNs = ms(7);
  await m.run(async (task) => {
    const app = new App(m, task);
    const client = new BlockClient(dev, target, 1);
    const state = await server.layoutGet(client, app.caller, get);
    client.add(state);
    const io = m.sched.spawn('io', (own) =>
      client.transfer(own, state, 'write', 0, Uint8Array.of(1)),
    );
    await m.sched.clock.sleep(task, ms(1));
    await client.layoutReturn(task, state);
    t.is(m.sched.clock.nowNs, ms(7));
    t.is(granted[0]!.released, 1);
    await io.join(task);
    await client.unmount(task);
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a writer goes on until it is stopped, and nextRecall() ends with the mount', async (t) => {
  const { m, dev, target, server } = pnfsBench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const client = new BlockClient(dev, target, 1);
    const state = await server.layoutGet(client, app.caller, get);
    client.add(state);
    client.start(state, { pos: 0, len: 8, byte: 3, periodNs: ms(1) });
    await m.sched.clock.sleep(task, ms(3) + 1);
    t.is(client.counters.writes, 4);
    client.stop(state);
    await m.sched.clock.sleep(task, ms(5));
    t.is(client.counters.writes, 4);
    const told = m.sched.spawn('app', async (own) => {
      const error = await t.throwsAsync(() => client.nextRecall(own));
      t.true(isErrno(error, 'ENODEV'));
    });
    await m.sched.clock.sleep(task, 1);
    await client.unmount(task);
    await told.join(task);
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});
