// Goal: what a driver hands to its device is refused by name only where it is wrong. Method: good
// arguments of each check, and the limits around them. Bad ones of every call are in
// test/integrity/driver-core.test.ts.

import test from 'ava';
import {
  checkAllocation,
  checkDmaMap,
  checkFaultRange,
  checkLayoutRequest,
  checkPfns,
  checkPin,
  checkWork,
} from '../../lib/driver/device-arguments.js';
import type { DevicePinRequest } from '../../lib/driver/device.js';
import { PAGE_SIZE } from '../../lib/units.js';
import { memoryMachine } from '../support/mm-fixture.js';

const caller = { task: {}, process: {} };
const pin = { addr: 5, len: 0, access: 'read', longterm: false } as const;

test('a pin is a range, an access and a way back; 1 TiB of pages at most', (t) => {
  const good: DevicePinRequest[] = [
    pin,
    { ...pin, access: 'write', force: true, onShort: 'EFAULT' },
    { ...pin, longterm: true, irrevocable: true },
    { ...pin, longterm: true, revoke: () => Promise.resolve() },
    { ...pin, addr: 0, len: 2 ** 28 * PAGE_SIZE },
  ];
  for (const request of good) t.notThrows(() => checkPin(caller, request));
  const long = { ...pin, addr: 1, len: 2 ** 28 * PAGE_SIZE };
  t.throws(() => checkPin(caller, long), { message: /^ENOMEM: pin: length/ });
  const end = { ...pin, addr: 1, len: Number.MAX_SAFE_INTEGER };
  t.throws(() => checkPin(caller, end), { message: /^EINVAL: pin .*end/ });
});

test('lent pages must reach as far as their range', (t) => {
  const borrowed = new Uint32Array(2);
  t.notThrows(() => checkDmaMap({ borrowed, pos: 4000, len: 4192 }, 'to-device'));
  const past = { borrowed, pos: 4000, len: 4193 };
  t.throws(() => checkDmaMap(past, 'to-device'), { message: /^EINVAL: dmaMap: source/ });
});

test('a fault range is whole pages inside its watch', (t) => {
  const watch = { start: 0x1000, end: 0x4000 };
  t.notThrows(() => checkFaultRange(watch, { start: 0x1000, end: 0x4000, write: true }));
  for (const [start, end, name] of [
    [0, 0x2000, 'start'],
    [0x1000, 0x5000, 'end'],
    [0x1001, 0x2000, 'start'],
    [0x2000, 0x1000, 'end'],
    [NaN, 0x2000, 'start'],
  ] as const) {
    const check = (): void => checkFaultRange(watch, { start, end, write: false });
    t.throws(check, { message: new RegExp(`^EINVAL: faultRange: ${name}`) });
  }
});

test('a device is given no more pages than there are, and none that there is not', (t) => {
  const { regions } = memoryMachine({ ramPages: 64 }).env.pages;
  t.notThrows(() => checkAllocation(64, 'ring', regions));
  t.throws(() => checkAllocation(65, 'ring', regions), { message: /^ENOMEM: allocPages: nrPages/ });
  const { basePfn } = regions[0]!;
  t.notThrows(() => checkPfns(Uint32Array.of(basePfn), 'dax', regions));
  const none = (): void => checkPfns(Uint32Array.of(basePfn, basePfn - 1), 'dax', regions);
  t.throws(none, { message: /^EINVAL: daxPages: pfns: there is no page/ });
});

test('work may wait for ever; a layout needs a descriptor', (t) => {
  t.notThrows(() => checkWork(Infinity, 'never', () => {}));
  const onRecall = () => Promise.resolve();
  const request = { fd: 0, pos: 0, len: 1, access: 'read', onRecall };
  t.notThrows(() => checkLayoutRequest(caller, request));
  const closed = (): void => checkLayoutRequest(caller, { ...request, fd: -1 });
  t.throws(closed, { message: /^EBADF: block layout: fd/ });
});
