// Goal: no module that is none becomes a driver or a policy, and a driver that mistakes its
// holdings is stopped by an assertion that names what it did. Method: every field of both shapes
// with values that are none; a driver that unpins twice, on a whole machine.

import test, { type ExecutionContext } from 'ava';
import { defineDriver, type Device, type Driver } from '../../lib/driver/index.js';
import { isErrno } from '../../lib/errno.js';
import { definePolicy } from '../../lib/lease/define-policy.js';
import type { LayoutPolicy } from '../../lib/lease/layout.js';
import { policyNamed } from '../../lib/policy/index.js';
import { onMachine } from '../support/machine.js';

function refused(t: ExecutionContext, what: string, fn: () => unknown, says: RegExp): void {
  try {
    fn();
    t.fail(`${what}: no refusal`);
  } catch (e) {
    if (!isErrno(e, 'EINVAL')) t.fail(`${what}: ${(e as Error).stack ?? String(e)}`);
    else t.regex(e.message, says, what);
  }
}

const driver = { name: 'x', apiVersion: 1, idTable: [{ compatible: 'a,b' }], probe() {} } as const;
const shapes: Readonly<Record<string, readonly unknown[]>> = {
  name: [undefined, null, 7, '', 'X', 'a b'],
  apiVersion: [undefined, null, 0, 2, '1'],
  idTable: [undefined, null, 7, [], [null], [7], [{}], [{ compatible: 'ab' }]],
  probe: [undefined, null, 7],
  remove: [7, null],
  reset: [7, null],
  emulate: [7, null],
  bogus: [1],
};

test('no driver module has a field that is none', (t) => {
  for (const bad of [undefined, null, 7, 'x']) {
    refused(t, `module ${String(bad)}`, () => defineDriver(bad as never), /module/);
  }
  let inputs = 4;
  for (const [field, values] of Object.entries(shapes)) {
    for (const value of values) {
      const module = { ...driver, [field]: value } as unknown as Driver;
      refused(t, `${field} ${String(value)}`, () => defineDriver(module), new RegExp(field));
      inputs++;
    }
  }
  t.log(`1 call, ${inputs} bad inputs`);
});

const linux = policyNamed('linux');
const policyShapes: Readonly<Record<string, readonly unknown[]>> = {
  name: [undefined, null, 7, '', 'X y'],
  onBusy: [undefined, null, 7],
  admitPin: [null, 7],
  beforeChange: [null, 7],
  onLeaseEnd: [null, 7],
  onAccess: [null, 7],
  scope: [undefined, null, 'block', 7],
  rules: [undefined, null, 7, { pageBusy: 1 }],
  promises: [undefined, null, 7, {}],
};

test('no policy has a field that is none', (t) => {
  for (const bad of [undefined, null, 7, 'x']) {
    refused(t, `policy ${String(bad)}`, () => definePolicy(bad as never), /policy/);
  }
  let inputs = 4;
  for (const [field, values] of Object.entries(policyShapes)) {
    for (const value of values) {
      const policy = { ...linux, [field]: value } as LayoutPolicy;
      refused(t, `${field} ${String(value)}`, () => definePolicy(policy), /policy/);
      inputs++;
    }
  }
  for (const id of ['bogus', '', 'toString', '__proto__', undefined, null, 7, Symbol('x')]) {
    refused(t, `id ${String(id)}`, () => policyNamed(id as string), /policy/);
    inputs++;
  }
  t.log(`2 calls, ${inputs} bad inputs`);
});

type Mistake = (dev: Device, addr: number, caller: never) => Promise<unknown>;

const request = (addr: number) => ({ addr, len: 4096, access: 'write', longterm: false }) as const;

const mistakes: Readonly<Record<string, readonly [Mistake, RegExp]>> = {
  'unpins twice': [
    async (dev, addr, caller) => {
      const pins = await dev.pinUserPages(caller, request(addr));
      pins.unpin();
      pins.unpin();
    },
    /unpin/,
  ],
  'unmaps twice': [
    async (dev, addr, caller) => {
      using pins = await dev.pinUserPages(caller, request(addr));
      const mapping = dev.dmaMap(pins, 'from-device');
      dev.dmaUnmap(mapping);
      dev.dmaUnmap(mapping);
    },
    /dmaUnmap/,
  ],
};

for (const [what, [mistake, says]] of Object.entries(mistakes)) {
  test(`a driver that ${what} is stopped by an assertion that names it`, async (t) => {
    const bad = defineDriver({
      ...driver,
      emulate: () => ({}),
      probe(dev: Device) {
        const ioctls = {
          DO: (_h: void, arg: number, caller: never) => mistake(dev, arg, caller),
        };
        dev.addNode('bad0', { ioctls: ioctls as never, open() {}, release() {} });
      },
    });
    await onMachine(t, { drivers: [bad as unknown as Driver] }, async (machine) => {
      const app = machine.spawn('app');
      const addr = await app.mmap({ len: 4096, share: 'private' });
      const handle = await app.openDevice('bad0');
      const e = await t.throwsAsync(handle.ioctl('DO', addr), { name: 'AssertionError' });
      t.regex(e?.message ?? '', says);
      t.is(machine.mm.pinTable.size, 0);
      t.is(machine.mm.vmstat.pinsOutstanding, 0);
    });
  });
}
