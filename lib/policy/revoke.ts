// revoke: the kernel takes the pages back from the driver: fence, unpin, key dead until dereg.
//
// Proposed by Dan Williams (the pinner hands in a revoke callback); Jan Kara (February 2019): "the
// revoke handler agrees with the other side on cancelling RDMA or whatever and drops the page
// pins"; Jason Gunthorpe: "the only way to make userspace leases work". The kernel has it for
// dma-buf exporters since 2026, not for files.
// Objections: "we couldn't find any way to actually implement revoke in vfio and rdma that wasn't
// also data corrupting" (Jason Gunthorpe, May 2019); each driver, each NIC must learn it.
// Here: no lease and no signal. What cannot be taken back is not let in. A driver that does not
// answer has its device reset by the core; a device that does not reset leaves the change hanging.

import { definePolicy } from '../lease/define-policy.js';
import { lastResort } from '../lease/last-resort.js';
import { refuseIrrevocable, shortOnly } from './pins.js';
import { promises } from './promises.js';
import { letPinsIn } from './rules.js';

const due = lastResort(['revoke', 'hang']);

export const revoke = definePolicy({
  name: 'revoke',
  rules: letPinsIn,
  promises: promises.revoke,
  scope: 'range',
  admitPin: refuseIrrevocable,
  onBusy: (c, pins, waitedNs) => (shortOnly(pins) ? { do: 'wait' } : due(c, waitedNs)),
});
