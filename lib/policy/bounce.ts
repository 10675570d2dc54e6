// bounce: writeback of a pinned page-cache page goes out from a snapshot.
//
// John Hubbard's second option (LPC 2018). For fsync, Matthew Wilcox: copy the page "and write
// _that_ to disc" (July 2018); Jan Kara (RFC, February 2023): background writeback skips pinned
// pages, fsync bounces them.
// Objections: not for DAX, which has nothing to write back (Jan Kara); copy-on-write file systems
// account per write (Christoph Hellwig: block bouncing must die); a page must pass through clean
// to reserve space (Dave Chinner).
// Here: DAX files as under `forbid`. The page stays dirty and is written again at the next sync;
// what goes out is one moment of it, never a mixture.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';
import { scanAlways } from './rules.js';

export const bounce = definePolicy({
  name: 'bounce',
  rules: { ...scanAlways, longtermFsdax: 'EOPNOTSUPP' },
  promises: promises.bounce,
  scope: 'file',
  onBusy: () => ({ do: 'wait' }),
  pages: {
    beforeWriteback: (_page, why) => (why === 'sync' ? 'bounce' : 'skip'),
    // Write-protecting is what bouncing makes needless; reclaim and migration leave pins alone.
    beforeUnmap: (_page, why) => (why === 'mkclean' ? 'allow' : 'refuse'),
  },
});
