// hold-unmap: a pinned page-cache page is not unmapped; writeback and reclaim wait for the unpin.
//
// John Hubbard's first option (LPC 2018, told by Ira Weiny in February 2019): hold off
// try_to_unmap and page_mkclean.
// Objections: with long references "there will be hangs and deadlocks everywhere" (Nicholas Piggin,
// July 2018; Jan Kara agrees): fsync and memory pressure stall behind any registration.
// Here: DAX files as under `forbid`. Background writeback and reclaim pass the page by; whoever has
// to clean it now, sleeps.

import { definePolicy } from '../lease/define-policy.js';
import { promises } from './promises.js';
import { scanAlways } from './rules.js';

export const holdUnmap = definePolicy({
  name: 'hold-unmap',
  rules: { ...scanAlways, longtermFsdax: 'EOPNOTSUPP' },
  promises: promises['hold-unmap'],
  scope: 'file',
  onBusy: () => ({ do: 'wait' }),
  pages: {
    beforeWriteback: (_page, why) => (why === 'sync' ? 'wait' : 'skip'),
    beforeUnmap: (_page, why) => (why === 'mkclean' ? 'wait' : 'refuse'),
  },
});
