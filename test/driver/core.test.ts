// Goal: drivers and devices find each other in either order; unbinding gives everything back, or
// names what the driver leaked.

import test from 'ava';
import { DriverCore } from '../../lib/driver/core.js';
import type { Device } from '../../lib/driver/device.js';
import { defineDriver, type Driver } from '../../lib/driver/driver.js';
import { Errno } from '../../lib/errno.js';
import { App, driverMachine } from '../support/driver-machine.js';

const node = { open: () => ({}), release() {} };

function toy(over: Partial<Driver<unknown, unknown>> = {}): Driver<unknown, unknown> {
  return defineDriver({
    name: 'toy',
    apiVersion: 1,
    idTable: [{ compatible: 'emul,toy' }],
    probe: (dev: Device) => dev.addNode(dev.name, node),
    ...over,
  } as Driver<unknown, unknown>);
}

test('a device waits for its driver, and a driver for its devices', (t) => {
  const { core } = driverMachine();
  t.is(core.addDevice('emul,toy', 'early'), null);
  core.register(toy());
  core.addDevice('emul,toy', 'late');
  t.deepEqual(
    core.devices.map((d) => [d.name, d.hardware, d.state]),
    [
      ['toy0', 'early', 'BOUND'],
      ['toy1', 'late', 'BOUND'],
    ],
  );
  t.deepEqual(core.nodes, ['toy0', 'toy1']);
});

test('a driver that declines by ENODEV leaves the device to others', (t) => {
  const { core } = driverMachine();
  const probe = (): never => {
    throw new Errno('ENODEV', 'not mine');
  };
  core.register(toy({ name: 'picky', probe }));
  t.is(core.addDevice('emul,toy', {}), null);
  t.deepEqual(core.devices, []);
  core.register(toy());
  t.deepEqual(core.nodes, ['toy0']);
});

test('a probe that fails otherwise is reported, its actions run, its nodes are gone', (t) => {
  const { core } = driverMachine();
  const ran: string[] = [];
  core.register(
    toy({
      probe(dev: Device) {
        dev.addNode('toy0', node);
        dev.addAction(() => ran.push('action'));
        throw new Errno('EIO', 'the device is broken');
      },
    }),
  );
  t.throws(() => core.addDevice('emul,toy', {}), { message: /^EIO/ });
  t.deepEqual(ran, ['action']);
  t.deepEqual(core.nodes, []);
});

const refusals: readonly [what: string, act: (core: DriverCore) => unknown, code: RegExp][] = [
  ['a second driver of one name', (c) => c.register(toy()), /^EEXIST/],
  ['a module that was not defined', (c) => c.register({ ...toy() }), /^EINVAL/],
  ['a second device of one name', (c) => c.addDevice('emul,toy', {}, 'toy0'), /^EEXIST/],
  ['a device that is not there', (c) => c.device('toy9'), /^ENODEV/],
  ['hardware that the driver cannot make', (c) => c.addEmulated(toy({ name: 'other' })), /^ENODEV/],
];

for (const [what, act, code] of refusals) {
  test(`${what} is refused`, (t) => {
    const { core } = driverMachine();
    core.register(toy());
    core.addDevice('emul,toy', {});
    t.throws(() => act(core), { message: code });
  });
}

test('unbinding names what the driver leaked', async (t) => {
  const { core, run } = driverMachine();
  core.register(
    toy({
      probe(dev: Device) {
        dev.addNode('toy0', node);
        dev.dmaMap(dev.allocPages(2, 'ring'), 'bidirectional');
      },
    }),
  );
  core.addDevice('emul,toy', {});
  const leaked = await run((task) => core.unbind(task, 'toy0'));
  t.deepEqual(
    leaked.map(({ kind }) => kind),
    ['pages', 'mapping'],
  );
  t.is(leaked[0]!.label, 'ring');
  t.deepEqual(core.devices, []);
});

test('unbinding releases handles, stops threads and work, then calls remove', async (t) => {
  const m = driverMachine();
  const order: string[] = [];
  m.core.register(
    toy({
      probe(dev: Device) {
        dev.addNode('toy0', { ...node, release: () => void order.push('release') });
        dev.addAction(() => order.push('action'));
        dev.queueWork(1e9, 'later', () => void order.push('work'));
        dev.spawn('thread', async (task) => {
          try {
            await task.park({ why: 'for ever', mode: 'killable' });
          } finally {
            order.push('thread');
          }
        });
      },
      remove: () => void order.push('remove'),
    }),
  );
  m.core.addDevice('emul,toy', {});
  await m.run(async (task) => {
    const app = new App(m, task);
    const file = await app.openNode('toy0');
    await m.sched.clock.sleep(task, 1);
    t.deepEqual(await m.core.unbind(task, 'toy0'), []);
    t.deepEqual(order, ['release', 'thread', 'remove', 'action']);
    await app.close(file);
    t.is(order.filter((what) => what === 'release').length, 1);
  });
});

test('shutdown unbinds the newest device first', async (t) => {
  const { core, run } = driverMachine();
  const removed: string[] = [];
  core.register(toy({ remove: (dev) => void removed.push(dev.name) }));
  core.addDevice('emul,toy', {});
  core.addDevice('emul,toy', {});
  t.deepEqual(await run((task) => core.shutdown(task)), []);
  t.deepEqual(removed, ['toy1', 'toy0']);
});

test('node names are checked', (t) => {
  const { core } = driverMachine();
  core.register(toy({ probe: (dev: Device) => dev.addNode('No Name', node) }));
  t.throws(() => core.addDevice('emul,toy', {}), { message: /^EINVAL: addNode/ });
});
