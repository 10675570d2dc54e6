// lease-required: no long-term pin without a lease, and no end of the lease before its pins.
//
// Proposed by Ira Weiny (LWN, May 2019): "force a lease to be taken, and don't allow the lease to
// be removed if pages have been pinned", then hang or fail; only who opts in meets it. Jan Kara
// (June, August 2019): giving the lease up blocks until it is unpinned.
// Objections: close(data) against close(device) deadlocks at exit (Jason Gunthorpe); so an exiting
// or killed holder must not block (Dave Chinner).
// Here: the holder is told and has lease-break-time; then the lease stays, since its pins do, and
// the change hangs on them or fails with EBUSY. F_UNLCK under pins blocks (hang) or is EBUSY
// (fail); close never blocks: the lease goes with the last pin, in either order of descriptors.

import { Errno } from '../errno.js';
import { definePolicy } from '../lease/define-policy.js';
import type { LayoutPolicy } from '../lease/layout.js';
import { failOrWait, pinsUnder, requireLease, shortOnly } from './pins.js';
import { promises } from './promises.js';
import { withLayoutLeases } from './rules.js';

export function leaseRequired(then: 'hang' | 'fail'): LayoutPolicy {
  const name = then === 'hang' ? 'lease-required' : 'lease-required:fail';
  return definePolicy({
    name,
    rules: withLayoutLeases,
    promises: promises[name],
    scope: 'range',
    admitPin(pin, leases) {
      return pin.longterm ? { lease: requireLease(pin, leases) } : undefined;
    },
    async beforeChange(c, leases) {
      const end = await leases.breakLayout(c);
      if (end === 'kept' && then === 'fail' && c.mayFail) {
        throw new Errno('EBUSY', `${c.op}: ${c.inode.label} is pinned under a layout lease`);
      }
    },
    onBusy: (c, pins) =>
      then === 'hang' || shortOnly(pins) ? { do: 'wait' } : failOrWait(c, 'EBUSY'),
    onLeaseEnd(lease, why, pins) {
      if (pinsUnder(lease, pins).length === 0) return 'release';
      if (why !== 'unlock') return 'keep-until-unpin';
      if (then === 'hang') return 'wait';
      return new Errno('EBUSY', 'setlease: pages are pinned under the layout lease');
    },
  });
}
