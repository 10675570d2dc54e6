// lease-break: SIGIO, then lease-break-time, then the lease is gone and a last resort decides.
//
// Proposed by Dan Williams (MAP_DIRECT, 2017), Jan Kara and Ira Weiny. RFC, April 2019: the pin
// takes the lease, SIGBUS follows the timeout and perhaps SIGKILL (`implicit`). June 2019: the
// application takes it, else EPERM, and truncate fails while pins stay (`fail`; there: ETXTBSY).
// Objections: "SIGKILL after a timeout is horrible and unworkable" (Jason Gunthorpe, May 2019); an
// application may take a lease, pin, and drop the lease, or ignore SIGIO (Ira's cases 1 and 2);
// SIGBUS can be caught; whoever holds the pin is hard to name once a device file was passed on.
// Here: the lease that counts is a layout lease; plain F_SETLEASE leases never mind the layout.
// Giving the lease up under pins is allowed, and leaves them to the last resort.

import { Errno } from '../errno.js';
import { definePolicy } from '../lease/define-policy.js';
import { lastResort, type LastResort, type LastResortStep } from '../lease/last-resort.js';
import type { LayoutPolicy } from '../lease/layout.js';
import { refuseIrrevocable, requireLease, shortOnly } from './pins.js';
import { promises, type PolicyId } from './promises.js';
import { withLayoutLeases } from './rules.js';

export interface LeaseBreakOptions {
  /** Tried in this order once the lease is gone, a grace after each. */
  readonly lastResort: readonly (LastResort | LastResortStep)[];
  /** A pin without a lease takes one (April 2019) instead of being refused (June 2019). */
  readonly implicit?: boolean;
  /** `lease-break`, or `lease-break:` and a word of one's own. */
  readonly name?: string;
}

/** The policy with another last resort. Promises are those of its name, or of `lease-break`. */
export function leaseBreak(opts: LeaseBreakOptions): LayoutPolicy {
  const { name = 'lease-break', implicit = false } = opts;
  const due = lastResort(opts.lastResort);
  const revokes = opts.lastResort.some((s) => (typeof s === 'string' ? s : s.step) === 'revoke');
  return definePolicy({
    name,
    rules: withLayoutLeases,
    promises: name in promises ? promises[name as PolicyId] : promises['lease-break'],
    scope: 'range',
    admitPin(pin, leases) {
      if (!pin.longterm) return;
      if (revokes) refuseIrrevocable(pin);
      if (!implicit) return { lease: requireLease(pin, leases) };
      if (leases.layoutLeases().some((l) => l.pending !== 'none')) {
        throw new Errno('EPERM', 'pin: the layout of the file is about to change');
      }
      return { lease: leases.takeFor(pin) };
    },
    async beforeChange(c, leases) {
      await leases.breakLayout(c);
    },
    onBusy: (c, pins, waitedNs) => (shortOnly(pins) ? { do: 'wait' } : due(c, waitedNs)),
  });
}
