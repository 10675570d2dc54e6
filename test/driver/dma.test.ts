// Goal: a direction says what a device may do, and a fault says what it tried.

import test from 'ava';
import { DmaFault, type DmaMapping, mayRead, mayWrite } from '../../lib/driver/dma.js';

test('directions are read by the device and written by the device', (t) => {
  t.deepEqual(
    (['to-device', 'from-device', 'bidirectional'] as const).map((d) => [mayRead(d), mayWrite(d)]),
    [
      [true, false],
      [false, true],
      [true, true],
    ],
  );
});

test('a fault names the device, the access and the reason', (t) => {
  const event = {
    device: 'rdma0',
    access: 'write',
    mapping: {} as DmaMapping,
    pos: 8,
    len: 4,
    why: 'the mapping is gone',
  } as const;
  t.is(new DmaFault(event).message, 'rdma0: write of 4 bytes at 8: the mapping is gone');
});
