// immutable: the layout of a file that was prepared for DMA cannot change: EPERM.
//
// Proposed by Dave Chinner (February 2019, an aside) and Christoph Lameter: write the file in full,
// set FS_IMMUTABLE_FL, then map and register it. The call that prepares: lib/fs/file-ioctls.ts.
// Objections: "the file can't be sparse", nor preallocated, nor extended (Dave Chinner himself); it
// takes an administrator, or a capability to pin it (Jan Kara, February 2019); and whoever clears
// the flag pulls the blocks from under those who rely on it (Andy Lutomirski, August 2017).
// Here: a long-term pin of a file whose block map is not sealed is EPERM. Of a sealed file every
// change is EPERM, as the kernel has it for immutable files; stores through mappings and DMA go on.
// Unsealed under pins, the pins alone answer EPERM.

import { Errno } from '../errno.js';
import { definePolicy } from '../lease/define-policy.js';
import { failOrWait, shortOnly } from './pins.js';
import { promises } from './promises.js';
import { letPinsIn } from './rules.js';

export const immutable = definePolicy({
  name: 'immutable',
  rules: { ...letPinsIn, sealBlockMap: true },
  promises: promises.immutable,
  scope: 'file',
  admitPin(pin, leases) {
    if (!pin.longterm || leases.immutable) return;
    throw new Errno('EPERM', 'pin: the block map of the file is not sealed');
  },
  async beforeChange(c, leases) {
    if (c.mayFail && leases.immutable) {
      throw new Errno('EPERM', `${c.op}: the block map of ${c.inode.label} is sealed`);
    }
    await leases.breakLayout(c);
  },
  onBusy: (c, pins) => (shortOnly(pins) ? { do: 'wait' } : failOrWait(c, 'EPERM')),
});
