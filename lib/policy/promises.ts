// What every policy promises, in one table. The referee holds each policy to its row.
//
// A row says what differs from promisesOf(): safe, ends everything, never fails, holder untouched,
// blocks idle before they are freed. A short pin may last for ever too (a pipe nobody reads), so
// whoever waits for pins may hang.

import type { KernelRules } from '../kernel-rules.js';
import { layoutOps, promisesOf } from '../lease/define-policy.js';
import type { HangingOp, LayoutPolicy, Promises } from '../lease/layout.js';

/** Everything that changes a layout: it waits for pins, so it may hang. */
const changes: readonly HangingOp[] = layoutOps;
const failing: readonly HangingOp[] = ['evict'];

const leaseBreak = { longtermPin: 'needs-lease', holder: 'signalled', mayHang: changes } as const;

export const promises = {
  linux: promisesOf({ longtermPin: 'refused', mayHang: changes }),
  forbid: promisesOf({ longtermPin: 'refused', mayHang: changes }),
  odp: promisesOf({ longtermPin: 'refused', mayHang: changes }),
  wait: promisesOf({ mayHang: changes }),
  'wait-uninterruptible': promisesOf({ mayHang: changes }),
  ebusy: promisesOf({ truncateFails: ['EBUSY'], mayHang: failing }),
  etxtbsy: promisesOf({
    longtermPin: 'needs-lease',
    lease: 'F_LAYOUT|F_EXCLUSIVE',
    truncateFails: ['ETXTBSY', 'EDEADLOCK'],
    mayHang: changes,
  }),
  'lease-break': promisesOf({ ...leaseBreak, holder: 'killed' }),
  'lease-break:hang': promisesOf(leaseBreak),
  'lease-break:fail': promisesOf({ ...leaseBreak, truncateFails: ['EBUSY'] }),
  'lease-break:sigbus': promisesOf({ ...leaseBreak, holder: 'killed' }),
  'lease-break:revoke': promisesOf({ ...leaseBreak, holder: 'revoked' }),
  'lease-break:orphan': promisesOf({ ...leaseBreak, blocks: 'orphan' }),
  'lease-break:ladder': promisesOf({ ...leaseBreak, holder: 'killed' }),
  'lease-break:implicit': promisesOf({ ...leaseBreak, longtermPin: 'granted', holder: 'killed' }),
  'lease-required': promisesOf({
    longtermPin: 'needs-lease',
    holder: 'signalled',
    leaseOutlivesPin: true,
    mayHang: [...changes, 'unlock'],
  }),
  'lease-required:fail': promisesOf({
    longtermPin: 'needs-lease',
    holder: 'signalled',
    leaseOutlivesPin: true,
    truncateFails: ['EBUSY'],
    mayHang: changes,
  }),
  'map-direct': promisesOf({
    longtermPin: 'needs-lease',
    lease: 'MAP_DIRECT',
    holder: 'revoked',
    mayHang: changes,
  }),
  revoke: promisesOf({ holder: 'revoked', mayHang: changes }),
  orphan: promisesOf({ blocks: 'orphan' }),
  'busy-extent': promisesOf({ blocks: 'busy' }),
  immutable: promisesOf({
    longtermPin: 'needs-lease',
    leaseOutlivesPin: true,
    truncateFails: ['EPERM'],
    mayHang: changes,
  }),
  'recall-fence': promisesOf({ holder: 'revoked', mayHang: changes }),
  bounce: promisesOf({ longtermPin: 'refused', snapshot: 'whole', mayHang: changes }),
  'hold-unmap': promisesOf({
    longtermPin: 'refused',
    snapshot: 'whole',
    mayHang: [...changes, 'fsync'],
  }),
  none: promisesOf({ stray: 'expected', blocks: 'free' }),
} as const satisfies Record<string, Promises>;

export type PolicyId = keyof typeof promises;

/**
 * What a policy promises on one kernel. A kernel that skips the busy scan when nobody maps the
 * file, or at eviction, frees blocks under references (6.1 and 6.12, where `linux` changes nothing
 * about it); one that does not refuse long-term pins by itself grants them under `linux`.
 */
export function promisesUnder(policy: LayoutPolicy, kernel: KernelRules): Promises {
  const rules = { ...kernel, ...policy.rules };
  const promised = { ...policy.promises };
  if (promised.longtermPin === 'refused' && rules.longtermFsdax !== 'EOPNOTSUPP') {
    promised.longtermPin = 'granted';
  }
  if (!rules.busyScanNeedsMapping && rules.evictWaits) return promised;
  return { ...promised, stray: 'expected', blocks: 'free' };
}
