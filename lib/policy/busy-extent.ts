// busy-extent: truncate frees the blocks; the allocator skips those still referenced.
//
// Christoph Hellwig's first thought ("how about ...", October 2017), worked out by Dave Chinner ten
// days later (EXTENT_BUSY_DAX): the freed extent stays on XFS's list of busy extents, as one that
// awaits discard, until DAX calls back that it is idle.
// Objections: each file system needs its own, and "invisible used blocks may be surprising to users
// at times" (Jan Kara); he and Christoph Hellwig would rather burden whoever holds the pin.
// Here: free on the device, busy in memory only: after a crash no DMA is left, so nothing is lost.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';
import { letPinsIn } from './rules.js';

export const busyExtent = definePolicy({
  name: 'busy-extent',
  rules: letPinsIn,
  promises: promises['busy-extent'],
  scope: 'range',
  onBusy: () => ({ do: 'proceed', blocks: 'busy' }),
});
