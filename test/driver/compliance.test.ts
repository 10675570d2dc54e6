// Goal: the compliance suite passes a good driver and finds what a bad one does. Method: the suite
// runs against a recorder in place of a test runner.

import test from 'ava';
import { complianceSuite, type TestContext } from '../../lib/driver/compliance.js';
import type { Device } from '../../lib/driver/device.js';
import { defineDriver } from '../../lib/driver/driver.js';
import type { FileOperations } from '../../lib/driver/file-operations.js';

type Act = (dev: Device, caller: Parameters<Device['pinUserPages']>[0], addr: number) => unknown;

/** Run the suite for a driver whose only request does act; titles of the tests that failed. */
async function failuresOf(act: Act): Promise<string[]> {
  const driver = defineDriver({
    name: 'toy',
    apiVersion: 1,
    idTable: [{ compatible: 'emul,toy' }],
    probe(dev: Device) {
      const fops: FileOperations<object, { ACT: { arg: number; ret: void } }> = {
        ioctls: { ACT: async (_h, addr, caller) => void (await act(dev, caller, addr)) },
        open: () => ({}),
        release() {},
      };
      dev.addNode(dev.name, fops);
    },
  });
  const declared: [string, (t: TestContext) => Promise<void>][] = [];
  complianceSuite((title, fn) => void declared.push([title, fn]), {
    driver,
    hardware: () => ({}),
    nodes: (name) => [name],
    exercise: async ({ file, caller, map }) => void (await file.ioctl(caller, 'ACT', await map(2))),
    kernels: ['proposed'],
  });
  const failed: string[] = [];
  for (const [title, fn] of declared) {
    let ok = true;
    const expect = (good: boolean): void => void (ok &&= good);
    const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
    try {
      await fn({
        is: (a, b) => expect(a === b),
        deepEqual: (a, b) => expect(same(a, b)),
        true: (a) => expect(a === true),
      });
    } catch {
      ok = false;
    }
    if (!ok) failed.push(title);
  }
  return failed;
}

test('a driver that gives everything back passes', async (t) => {
  const failed = await failuresOf(async (dev, caller, addr) => {
    using pins = await dev.pinUserPages(caller, {
      addr,
      len: 8192,
      access: 'write',
      longterm: false,
    });
    const mapping = dev.dmaMap(pins, 'from-device');
    await dev.bus.write(mapping, 0, new Uint8Array(8192));
    dev.dmaUnmap(mapping);
  });
  t.deepEqual(failed, []);
});

const whole = 'toy on proposed: a whole life of a node leaves nothing';

test('a driver that leaks a mapping is found', async (t) => {
  const failed = await failuresOf((dev) => dev.dmaMap(dev.allocPages(1, 'ring'), 'to-device'));
  t.true(failed.includes(whole));
});

test('a driver that leaks only when a call fails is found', async (t) => {
  const failed = await failuresOf(async (dev, caller, addr) => {
    const block = dev.allocPages(1, 'ring');
    const pins = await dev.pinUserPages(caller, { addr, len: 1, access: 'read', longterm: false });
    pins.unpin();
    block.free();
  });
  t.deepEqual(failed, ['toy: pinUserPages failing at its n-th call leaks nothing']);
});

test('a driver that keeps a short pin is found', async (t) => {
  const failed = await failuresOf((dev, caller, addr) =>
    dev.pinUserPages(caller, { addr, len: 1, access: 'read', longterm: false }),
  );
  t.true(failed.includes(whole));
});
