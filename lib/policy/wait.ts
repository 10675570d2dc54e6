// wait: a layout change waits for every pin, long or short.
//
// Proposed by Dan Williams (unmap, find a busy page, drop the lock, wait, retry: October 2017),
// backed by Christoph Hellwig and Jan Kara; merged for short pins.
// Objections: "bloody horrible", "just passing the buck": processes blocked for arbitrary lengths
// of time (Dave Chinner); with RDMA for ever; new pins are granted meanwhile and prolong it.
// Here: whole file, as merged. A signal ends the wait with EINTR, except at eviction.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';
import { letPinsIn } from './rules.js';

export const wait = definePolicy({
  name: 'wait',
  rules: letPinsIn,
  promises: promises.wait,
  scope: 'file',
  onBusy: () => ({ do: 'wait' }),
});
