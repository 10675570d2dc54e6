// The door of the room: every policy by its id. The default is `linux`.

import { Errno } from '../errno.js';
import type { LayoutPolicy } from '../lease/layout.js';
import { blockDevice } from './block-device.js';
import { bounce } from './bounce.js';
import { busyExtent } from './busy-extent.js';
import { ebusy } from './ebusy.js';
import { etxtbsy } from './etxtbsy.js';
import { forbid } from './forbid.js';
import { holdUnmap } from './hold-unmap.js';
import { immutable } from './immutable.js';
import { leaseBreak } from './lease-break.js';
import { leaseRequired } from './lease-required.js';
import { linux } from './linux.js';
import { mapDirect } from './map-direct.js';
import { none } from './none.js';
import { odp } from './odp.js';
import { orphan } from './orphan.js';
import type { PolicyId } from './promises.js';
import { recallFence } from './recall-fence.js';
import { revoke } from './revoke.js';
import { wait } from './wait.js';
import { waitUninterruptible } from './wait-uninterruptible.js';

export { leaseBreak, type LeaseBreakOptions } from './lease-break.js';
export { leaseRequired } from './lease-required.js';
export { type PolicyId, promises, promisesUnder } from './promises.js';

const variant = (name: PolicyId, lastResort: Parameters<typeof leaseBreak>[0]['lastResort']) =>
  leaseBreak({ name, lastResort });

/** Every policy by its id; `lease-break` and `lease-required` with their variants. */
export const policies: Readonly<Record<PolicyId, LayoutPolicy>> = Object.freeze({
  linux,
  forbid,
  wait,
  'wait-uninterruptible': waitUninterruptible,
  ebusy,
  etxtbsy,
  'lease-break': variant('lease-break', ['sigkill', 'hang']),
  'lease-break:hang': variant('lease-break:hang', ['hang']),
  'lease-break:fail': variant('lease-break:fail', ['fail']),
  'lease-break:sigbus': variant('lease-break:sigbus', ['sigbus', 'hang']),
  'lease-break:revoke': variant('lease-break:revoke', ['revoke', 'hang']),
  'lease-break:orphan': variant('lease-break:orphan', ['orphan']),
  'lease-break:ladder': variant('lease-break:ladder', ['sigbus', 'sigkill', 'revoke', 'hang']),
  'lease-break:implicit': leaseBreak({
    name: 'lease-break:implicit',
    lastResort: ['sigbus', 'sigkill', 'hang'],
    implicit: true,
  }),
  'lease-required': leaseRequired('hang'),
  'lease-required:fail': leaseRequired('fail'),
  'block-device': blockDevice,
  'map-direct': mapDirect,
  revoke,
  odp,
  orphan,
  'busy-extent': busyExtent,
  immutable,
  'recall-fence': recallFence,
  bounce,
  'hold-unmap': holdUnmap,
  none,
});

export const policyIds = Object.keys(policies) as readonly PolicyId[];

/** The policy of that id. EINVAL, naming all there are. */
export function policyNamed(id: string): LayoutPolicy {
  if (Object.hasOwn(policies, id)) return policies[id as PolicyId];
  throw new Errno('EINVAL', `no policy is called ${String(id)}; there are ${policyIds.join(', ')}`);
}
