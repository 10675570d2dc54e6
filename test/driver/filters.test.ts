// Goal: a filtered device fails, waits and tells as it was told, and is a device like any other.

import test from 'ava';
import type { Device } from '../../lib/driver/device.js';
import { defineDriver } from '../../lib/driver/driver.js';
import { delay, failNth, logCalls } from '../../lib/driver/filters.js';
import { ms } from '../../lib/units.js';
import { assertBalanced } from '../support/balance.js';
import { App, driverMachine } from '../support/driver-machine.js';

function bench() {
  const m = driverMachine();
  let dev: Device | undefined;
  m.core.register(
    defineDriver({
      name: 'toy',
      apiVersion: 1,
      idTable: [{ compatible: 'emul,toy' }],
      probe: (d) => void (dev = d),
    }),
  );
  m.core.addDevice('emul,toy', {});
  return { m, dev: dev! };
}

test('the n-th call fails and changes nothing, the others pass', async (t) => {
  const { m, dev } = bench();
  const flaky = failNth(failNth(dev, 'allocPages', 2, 'ENOMEM'), 'pinUserPages', 1, 'EFAULT');
  await m.run(async (task) => {
    const app = new App(m, task);
    const addr = await app.map(1);
    const request = { addr, len: 1, access: 'read', longterm: false } as const;
    await t.throwsAsync(() => flaky.pinUserPages(app.caller, request), { message: /^EFAULT/ });
    t.is(m.env.pinTable.size, 0);
    (await flaky.pinUserPages(app.caller, request)).unpin();
    const first = flaky.allocPages(1, 'first');
    t.throws(() => flaky.allocPages(1, 'second'), { message: /^ENOMEM: allocPages: call 2/ });
    flaky.allocPages(1, 'third').free();
    first.free();
    t.is(flaky.name, 'toy0');
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('a delayed call waits first', async (t) => {
  const { m, dev } = bench();
  const slow = delay(dev, 'pinUserPages', ms(7));
  await m.run(async (task) => {
    const app = new App(m, task);
    const addr = await app.map(1);
    const request = { addr, len: 1, access: 'read', longterm: false } as const;
    (await slow.pinUserPages(app.caller, request)).unpin();
    t.is(m.sched.clock.nowNs, ms(7));
    await app.exit();
  });
});

test('a logged device tells each call and how it ended', async (t) => {
  const { m, dev } = bench();
  const lines: string[] = [];
  const told = logCalls(failNth(dev, 'allocPages', 2, 'ENOMEM'), (line) => lines.push(line));
  await m.run(async (task) => {
    const app = new App(m, task);
    told.allocPages(1, 'a').free();
    t.throws(() => told.allocPages(1, 'b'));
    const request = { addr: 4096, len: 1, access: 'read', longterm: false } as const;
    await t.throwsAsync(() => told.pinUserPages(app.caller, request));
  });
  t.deepEqual(lines, ['allocPages: ok', 'allocPages: ENOMEM', 'pinUserPages: EFAULT']);
});

test('a device may be soldered with a filter, which its driver then sees', (t) => {
  const { core } = driverMachine();
  core.register(
    defineDriver({
      name: 'toy',
      apiVersion: 1,
      idTable: [{ compatible: 'emul,toy' }],
      probe: (dev: Device) => void dev.allocPages(1, 'ring'),
    }),
  );
  const filter = <H>(dev: Device<H>) => failNth(dev, 'allocPages', 1, 'ENOMEM');
  t.throws(() => core.addDevice('emul,toy', {}, { filter }), { message: /^ENOMEM/ });
});
