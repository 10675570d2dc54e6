// Goal: a part of a device is taken once, and the device's own lock is held as long as any is.

import test from 'ava';
import { isErrno } from '../../lib/errno.js';
import { takeDevice } from '../../lib/fs/mount-lock.js';
import { DaxDevice } from '../../lib/mm/dax-device.js';
import { MiB } from '../../lib/units.js';

test('ranges that touch are fine, ranges that overlap are EBUSY', (t) => {
  const device = DaxDevice.memory(4 * MiB);
  const first = takeDevice(device, MiB, MiB);
  const before = takeDevice(device, 0, MiB);
  const after = takeDevice(device, 2 * MiB, MiB);
  for (const [pos, len] of [
    [MiB, MiB],
    [0, 4 * MiB],
    [2 * MiB - 4096, 4096],
    [MiB + 4096, 4096],
  ] as const) {
    t.true(
      isErrno(
        t.throws(() => takeDevice(device, pos, len)),
        'EBUSY',
      ),
    );
  }
  first();
  first();
  takeDevice(device, MiB, MiB)();
  before();
  t.true(
    isErrno(
      t.throws(() => device.lockMount()),
      'EBUSY',
    ),
    'one range still holds it',
  );
  after();
  device.lockMount()[Symbol.dispose]();
  device.close();
});
