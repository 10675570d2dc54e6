// recall-fence: recall the layout, give two lease periods, then fence the client.
//
// By Christoph Hellwig for pNFS (FL_LAYOUT, 2015): nfsd recalls a layout, polls for two lease
// periods and then fences the client (fs/nfsd/nfs4layouts.c:nfsd4_cb_layout_done). It works since
// the protocol makes the holder ready for it (Dan Williams, May 2019).
// Objections: "those techniques don't translate to userspace" (Jason Gunthorpe, May 2019).
// Here: layouts held in the kernel run nfsd's clock themselves. For any other driver the recall is
// SIGIO to whoever pinned, and the fence disassociates its whole device file, so a pin that cannot
// be taken back is not let in.

import { definePolicy } from '../lease/define-policy.js';
import { lastResort } from '../lease/last-resort.js';
import { seconds } from '../units.js';
import { refuseIrrevocable, shortOnly } from './pins.js';
import { promises } from './promises.js';
import { letPinsIn } from './rules.js';

/** nfsd's lease period; a client has two of them to return a layout. */
export const nfsdLeasePeriodNs = seconds(90);
const recallNs = 2 * nfsdLeasePeriodNs;
const due = lastResort(['fence', 'hang']);

export const recallFence = definePolicy({
  name: 'recall-fence',
  rules: letPinsIn,
  promises: promises['recall-fence'],
  scope: 'range',
  admitPin: refuseIrrevocable,
  async beforeChange(c, leases) {
    await leases.breakLayout(c);
  },
  onBusy(c, pins, waitedNs) {
    if (shortOnly(pins)) return { do: 'wait' };
    if (waitedNs < recallNs) {
      return { do: 'signal', sig: 'SIGIO', whom: 'pinner', untilNs: recallNs };
    }
    const verdict = due(c, waitedNs - recallNs);
    return verdict.do === 'fence' ? { do: 'fence', untilNs: recallNs + verdict.untilNs! } : verdict;
  },
});
