// Goal: each driver of the matrix has an act, and the act says truly what its pages are held by.
// Method: the act is started on a machine of its own, and the machine's pins are counted.

import test from 'ava';
import { actOf } from '../../lib/lab/acts.js';
import { type Cell, type DriverName, driverNames } from '../../lib/lab/cell.js';
import { onStage } from './play-fixture.js';

/** Pins that the act's file, or its device's memory, is under. */
const held = (driver: DriverName): number => {
  if (driver === 'v4l2-userptr') return 2; // a buffer each
  return actOf(driver).pins === 'longterm' ? 1 : 0;
};

/** The block device is mapped under a policy of its own only, and with a lease. */
const under = (driver: DriverName): Partial<Cell> =>
  driver === 'rdma-block-device'
    ? { policy: 'block-device', behaviour: 'ignores' }
    : { policy: 'wait' };

for (const driver of driverNames) {
  test(`${driver}: holds ${held(driver)} long-term pins while it runs`, async (t) => {
    await onStage({ driver, ...under(driver) }, ({ play, longtermPins }) => {
      t.is(play.holders[0]!.pin, 'granted');
      t.is(longtermPins(), held(driver));
    });
  });

  test(`${driver}: a transfer arrives, and what is released is held no more`, async (t) => {
    await onStage({ driver, ...under(driver) }, async ({ play, machine, longtermPins, run }) => {
      const { running } = play.holders[0]!;
      t.true(await run((task) => running!.pulse(task)));
      await run((task) => running!.release(task));
      t.is(longtermPins(), 0);
      t.is(machine.referee.verdict().stray.length, 0);
    });
  });
}
