// block-device: a layout lease, and a mapping of the block device beside the file.
//
// Jason Gunthorpe, May 2019: "layout leases and some mmap of the block device could certainly
// address some use cases", if "the lease is not fully released until any GUP on the constituent DAX
// pages of the block device is also released".
// Objections: his own, that this "brings us right back to the start": the file system "is blocked
// on progress because of GUP - just the blocked progress is lease revoke now".
// Here: as `lease-required`, and who has a layout lease may map the file's blocks on the device
// (lib/fs/block-mapping.ts), others meet SIGBUS there and their pins EFAULT. F_UNLCK waits for pins
// of those blocks; a lease that was closed or ran out of time stays with them.

import { definePolicy } from '../lease/define-policy.js';
import { leaseRequired } from './lease-required.js';
import { promises } from './promises.js';
import { withLayoutLeases } from './rules.js';

export const blockDevice = definePolicy({
  ...leaseRequired('hang'),
  name: 'block-device',
  rules: { ...withLayoutLeases, blockMappings: true },
  promises: promises['block-device'],
});
