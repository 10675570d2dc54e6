// none: nothing is checked; blocks are freed under DMA. The negative control.
//
// What Linux did before 4.15, and what 6.1 and 6.12 still do once the file's last mapping is gone.
// Objection: data corruption, and one file's data shown in another.
// Here: it must corrupt, and the referee must catch it. A policy that looks no worse than this one
// has not been tested.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';

export const none = definePolicy({
  name: 'none',
  rules: { longtermFsdax: 'allow', busyScanNeedsMapping: true, evictWaits: false },
  promises: promises.none,
  scope: 'range',
  onBusy: () => ({ do: 'proceed', blocks: 'free' }),
});
