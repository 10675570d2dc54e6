// orphan: truncate proceeds; referenced blocks stay with an orphan inode until the last unpin.
//
// Proposed by Boaz Harrosh ("the FS could solve this by orphaning GUP'd pages", as Jason Gunthorpe
// tells it in May 2019).
// Objections: very, very hard for XFS (Dan Williams); space leaks without bound; ENOSPC that nobody
// understands; a crash must free what was left.
// Here: the orphan inode is on the device, so the next mount frees it. The size shrinks at once,
// free space does not rise, and late DMA lands in the orphan, short pins included.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';
import { letPinsIn } from './rules.js';

export const orphan = definePolicy({
  name: 'orphan',
  rules: letPinsIn,
  promises: promises.orphan,
  scope: 'range',
  onBusy: () => ({ do: 'proceed', blocks: 'orphan' }),
});
