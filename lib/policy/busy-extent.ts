// busy-extent: truncate frees the blocks; the allocator skips those still referenced.
//
// Proposed by Dave Chinner (October 2017, EXTENT_BUSY_DAX): the freed extent stays on XFS's list of
// busy extents, as one that awaits discard, until DAX calls back that it is idle.
// Objections: Jan Kara and Christoph Hellwig would rather burden whoever holds the pin; space that
// is free on paper cannot be had.
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
