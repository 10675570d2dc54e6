// Goal: a machine starts with Linux's settings, and they are its own.

import test from 'ava';
import { defaultLeaseSettings } from '../../lib/lease/leased-inode.js';
import { seconds } from '../../lib/units.js';

test('lease-break-time is 45 s and leases are enabled', (t) => {
  t.deepEqual(defaultLeaseSettings(), { breakTimeNs: seconds(45), enabled: true });
});

test('two machines do not share their settings', (t) => {
  const one = defaultLeaseSettings();
  one.breakTimeNs = 0;
  t.is(defaultLeaseSettings().breakTimeNs, seconds(45));
});
