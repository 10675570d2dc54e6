// ebusy: a layout change that meets a pin fails at once with EBUSY.
//
// Proposed by Doug Ledford (February 2019): extend truncate's documented errors; Ira Weiny noted
// that ext4 already returns EBUSY in places (May 2019).
// Objections: no documented errno of truncate, a silent denial of service on other users, and the
// administrator cannot see who holds the pin.
// Here: short pins fail too. Only pages that move or go count. Eviction cannot fail: it waits.

import { definePolicy } from '../lease/define-policy.js';
import { failOrWait } from './pins.js';
import { promises } from './promises.js';
import { letPinsIn } from './rules.js';

export const ebusy = definePolicy({
  name: 'ebusy',
  rules: letPinsIn,
  promises: promises.ebusy,
  scope: 'range',
  onBusy: (c) => failOrWait(c, 'EBUSY'),
});
