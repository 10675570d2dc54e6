// etxtbsy: an exclusive layout lease makes layout changes fail before they start.
//
// Proposed by Ira Weiny (RFC v2, August 2019, "V1,000,002"): ETXTBSY for others, EDEADLOCK for the
// process that holds the lease itself; Dave Chinner: "fail before it is started"; Jan Kara took it
// as the like of a file being executed.
// Objections: leases that only an unpin or a kill ends ("zombies"); two holders of what is called
// exclusive cannot be, yet two processes that know nothing of each other will register one file, so
// that it "is rather more like a 'shared' lock" (Matthew Wilcox, June 2019); who may remove it?
// Here: as in the patch several processes can hold one, and each stands in the way of all changes,
// write(2) among them ("this is interchangeable", Dave Chinner; ext4's part of the patch lets it
// pass); nobody is told of a change that fails (there, shared holders are). A long-term pin without
// the process's own exclusive lease is EPERM. A lease given up under pins is gone, and the pins
// alone answer ETXTBSY (Ira, June 2019); closed, it stays with them.

import { Errno } from '../errno.js';
import { definePolicy } from '../lease/define-policy.js';
import { failOrWait, pinsUnder, requireLease, shortOnly } from './pins.js';
import { promises } from './promises.js';
import { withLayoutLeases } from './rules.js';

export const etxtbsy = definePolicy({
  name: 'etxtbsy',
  rules: withLayoutLeases,
  promises: promises.etxtbsy,
  scope: 'range',
  admitPin(pin, leases) {
    return pin.longterm ? { lease: requireLease(pin, leases, true) } : undefined;
  },
  async beforeChange(c, leases) {
    const held = c.mayFail ? leases.layoutLeases().filter((l) => l.exclusive) : [];
    const what = `${c.op}: ${c.inode.label}`;
    if (held.some((l) => l.pid === c.caller?.process.pid)) {
      throw new Errno('EDEADLOCK', `${what} is under an exclusive layout lease of your own`);
    }
    if (held.length > 0) {
      throw new Errno('ETXTBSY', `${what} is under an exclusive layout lease of ${held[0]!.pid}`);
    }
    await leases.breakLayout(c);
  },
  onBusy: (c, pins) => (shortOnly(pins) ? { do: 'wait' } : failOrWait(c, 'ETXTBSY')),
  onLeaseEnd: (lease, why, pins) =>
    why !== 'unlock' && lease.exclusive && pinsUnder(lease, pins).length > 0
      ? 'keep-until-unpin'
      : 'release',
});
