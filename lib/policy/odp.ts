// odp: nothing is pinned; the device faults pages in, and a layout change invalidates them.
//
// Proposed by Jason Gunthorpe (October 2017, May 2019): drivers that page on demand need no
// answer to truncate at all. Works today where the NIC can.
// Objections: the hardware "may not support ODP", and it "may be detrimental to the over all
// network (cluster or cloud) performance" (Ira Weiny, June 2019).
// Here: as `forbid` for pins; the driver's on-demand regions watch the range, and unmapping waits
// for their callbacks, so that no translation is left when blocks are freed.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';
import { scanAlways } from './rules.js';

export const odp = definePolicy({
  name: 'odp',
  rules: { ...scanAlways, longtermFsdax: 'EOPNOTSUPP' },
  promises: promises.odp,
  scope: 'range',
  onBusy: () => ({ do: 'wait' }),
});
