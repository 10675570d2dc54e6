// immutable: the layout of a file that was prepared for DMA cannot change: EPERM.
//
// Proposed by Dave Chinner (February 2019, an aside) and Christoph Lameter: write the file in full,
// set FS_IMMUTABLE_FL, then map and register it.
// Objections: it can never grow, and it takes an administrator.
// Here: the preparation is a layout lease, which a long-term pin wants first (EPERM). While one is
// held or pages are pinned every layout change is EPERM; stores through mappings and DMA go on.
// Given up or closed, the lease stays until the last pin goes.

import { Errno } from '../errno.js';
import { definePolicy } from '../lease/define-policy.js';
import { failOrWait, pinsUnder, requireLease, shortOnly } from './pins.js';
import { promises } from './promises.js';
import { withLayoutLeases } from './rules.js';

export const immutable = definePolicy({
  name: 'immutable',
  rules: withLayoutLeases,
  promises: promises.immutable,
  scope: 'file',
  admitPin(pin, leases) {
    return pin.longterm ? { lease: requireLease(pin, leases) } : undefined;
  },
  async beforeChange(c, leases) {
    if (c.mayFail && leases.layoutLeases().length > 0) {
      throw new Errno('EPERM', `${c.op}: ${c.inode.label} is prepared for DMA`);
    }
  },
  onBusy: (c, pins) => (shortOnly(pins) ? { do: 'wait' } : failOrWait(c, 'EPERM')),
  onLeaseEnd: (lease, _why, pins) =>
    pinsUnder(lease, pins).length > 0 ? 'keep-until-unpin' : 'release',
});
