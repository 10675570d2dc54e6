// map-direct: the lease lives as long as a MAP_DIRECT mapping; after the timeout accesses SIGBUS.
//
// Proposed by Dan Williams (mmap MAP_DIRECT, v7 to v9, October 2017). The RDMA half of v8 unmapped
// the region at the IOMMU after lease-break-time and kept its addresses until dereg.
// Objections: no application reacts in time "unless you set the timeout to multiple minutes" (Jason
// Gunthorpe); it mixes DMA-API and IOMMU-API (Joerg Roedel); "mmap is simply the wrong kind of
// interface for this" (Christoph Hellwig; Dave Chinner).
// Here: a long-term pin wants a MAP_DIRECT mapping, else EOPNOTSUPP, and a driver that can give
// pages back in place of an IOMMU domain. A holder can munmap in time, but not cancel a break; the
// timeout takes the whole mapping, whatever was to change (lib/lease/map-direct.ts).

import { Errno } from '../errno.js';
import { definePolicy } from '../lease/define-policy.js';
import { lastResort } from '../lease/last-resort.js';
import { mapDirectLease } from '../lease/map-direct.js';
import { refuseIrrevocable, shortOnly } from './pins.js';
import { promises } from './promises.js';
import { letPinsIn } from './rules.js';

const due = lastResort(['revoke', 'hang']);

export const mapDirect = definePolicy({
  name: 'map-direct',
  rules: { ...letPinsIn, mapDirect: true },
  promises: promises['map-direct'],
  scope: 'range',
  admitPin(pin) {
    if (!pin.longterm) return;
    refuseIrrevocable(pin);
    const lease = mapDirectLease(pin.vma);
    if (lease === undefined || lease.gone || lease.pending !== 'none') {
      throw new Errno('EOPNOTSUPP', 'pin: DMA to a DAX file requires a MAP_DIRECT mapping');
    }
    return { lease };
  },
  async beforeChange(c, leases) {
    await leases.breakLayout(c);
  },
  onBusy: (c, pins, waitedNs) => (shortOnly(pins) ? { do: 'wait' } : due(c, waitedNs)),
  onAccess: (vma) => (mapDirectLease(vma)?.gone === true ? 'SIGBUS' : 'ok'),
});
