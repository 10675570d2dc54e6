// Goal: a device asserts that it holds what it maps, notes what it hands out, and answers
// EOPNOTSUPP for what the machine does not have.

import test from 'ava';
import type { Device } from '../../lib/driver/device.js';
import { defineDriver } from '../../lib/driver/driver.js';
import type { LayoutService } from '../../lib/driver/layout-service.js';
import { PageBlock } from '../../lib/driver/page-block.js';
import { assertBalanced } from '../support/balance.js';
import { App, driverMachine, type DriverMachineOptions, pages } from '../support/driver-machine.js';
import { mapFile } from '../support/mm-fixture.js';

function bench(opts: DriverMachineOptions = {}) {
  const m = driverMachine(opts);
  let dev: Device | undefined;
  m.core.register(
    defineDriver({
      name: 'toy',
      apiVersion: 1,
      idTable: [{ compatible: 'emul,toy' }],
      probe: (d) => void (dev = d),
    }),
  );
  const bound = m.core.addDevice('emul,toy', {})!;
  return { m, dev: dev!, bound };
}

test('mapping pages that the device does not hold is a BUG', async (t) => {
  const { m, dev } = bench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const addr = await app.map(1);
    const request = { addr, len: 1, access: 'read', longterm: false } as const;
    const pins = await dev.pinUserPages(app.caller, request);
    pins.unpin();
    t.throws(() => dev.dmaMap(pins, 'to-device'), { message: /pins of somebody else|unpinned/ });
    const foreign = new PageBlock(
      'foreign',
      Uint32Array.of(1),
      () => {},
      () => {},
    );
    t.throws(() => dev.dmaMap(foreign, 'to-device'), { message: /does not hold/ });
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('pins that follow each other become one mapping; a gap is a BUG', async (t) => {
  const { m, dev } = bench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const addr = await app.map(4);
    const pin = (pos: number, len: number) =>
      dev.pinUserPages(app.caller, { addr: addr + pos, len, access: 'write', longterm: false });
    const [a, b, c] = [await pin(100, 3996), await pin(4096, 5000), await pin(12288, 10)];
    const mapping = dev.dmaMap([a, b], 'bidirectional');
    t.deepEqual([mapping.offset, mapping.len, mapping.pfns.length], [100, 8996, 3]);
    t.throws(() => dev.dmaMap([a, c], 'bidirectional'), { message: /a gap between them/ });
    dev.dmaUnmap(mapping);
    for (const pins of [a, b, c]) pins.unpin();
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('pages of the device are seen through a mapping, and outlive its free()', async (t) => {
  const { m, dev, bound } = bench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const block = dev.allocPages(2, 'frame');
    m.env.pages.fillPage(block.pfns[1]!, 0x77);
    const addr = await mapFile(task, app.process.mm, null, 1, { share: 'private' });
    const vma = app.process.mm.vmaAt(addr)!;
    t.throws(() => dev.insertPages(vma, block, 2), { message: /^EINVAL/ });
    dev.insertPages(vma, block, 1);
    t.is((await app.load(addr, 1))[0], 0x77);
    block.free();
    t.deepEqual(bound.leaks(), []);
    t.is((await app.load(addr, 1))[0], 0x77);
    await app.exit();
  });
  assertBalanced(t, m.env, { mms: m.mms });
});

test('without a layout service leases and block layouts are EOPNOTSUPP', async (t) => {
  const { m, dev } = bench();
  await m.run(async (task) => {
    const app = new App(m, task);
    const lease = { addr: 0, len: 1, onBreak() {} };
    await t.throwsAsync(() => dev.takeLayoutLease(app.caller, lease), { message: /^EOPNOTSUPP/ });
    const layout = {
      fd: 0,
      pos: 0,
      len: 1,
      access: 'read',
      onRecall: () => Promise.resolve(),
    } as const;
    await t.throwsAsync(() => dev.blockLayout(app.caller, layout), { message: /^EOPNOTSUPP/ });
  });
});

test('a lease is in the balance until it is released', async (t) => {
  let released = 0;
  const layout: LayoutService = {
    takeLayoutLease: () =>
      Promise.resolve({ label: '/data', held: true, release: () => void released++ }),
    blockLayout: () => Promise.reject(new Error('not asked')),
  };
  const { m, dev, bound } = bench({ layout });
  await m.run(async (task) => {
    const app = new App(m, task);
    const lease = await dev.takeLayoutLease(app.caller, { addr: 0, len: 1, onBreak() {} });
    t.is(lease.label, '/data');
    t.deepEqual(
      bound.leaks().map(({ kind }) => kind),
      ['lease'],
    );
    lease.release();
    lease.release();
    t.is(released, 2);
    t.deepEqual(bound.leaks(), []);
  });
});

test('an allocation that fails half way leaves nothing', (t) => {
  const { m, dev, bound } = bench({ ramPages: 8 });
  t.throws(() => dev.allocPages(100, 'too much'), { message: /^ENOMEM/ });
  t.deepEqual(bound.leaks(), []);
  assertBalanced(t, m.env);
});

test('a device of another kernel says so', (t) => {
  const { dev } = bench({ kernel: '6.12' });
  t.is(dev.kernel, '6.12');
  t.is(pages(1), 4096);
});
