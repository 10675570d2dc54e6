// What every policy promises, in one table, taken from facts 11; the row there is named above each.
// The referee holds each policy to its row.
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
  // P1, P2: merged
  linux: promisesOf({ longtermPin: 'refused', mayHang: changes }),
  // P1
  forbid: promisesOf({ longtermPin: 'refused', mayHang: changes }),
  // P9
  odp: promisesOf({ longtermPin: 'refused', mayHang: changes }),
  // P2
  wait: promisesOf({ mayHang: changes }),
  // P2b
  'wait-uninterruptible': promisesOf({ mayHang: changes }),
  // P3
  ebusy: promisesOf({ truncateFails: ['EBUSY'], mayHang: failing }),
  // P4
  etxtbsy: promisesOf({
    longtermPin: 'needs-lease',
    lease: 'F_LAYOUT|F_EXCLUSIVE',
    truncateFails: ['ETXTBSY', 'EDEADLOCK'],
    mayHang: changes,
  }),
  // P5, then P7
  'lease-break': promisesOf({ ...leaseBreak, holder: 'killed' }),
  // P5, then P2
  'lease-break:hang': promisesOf(leaseBreak),
  // P5, then P3
  'lease-break:fail': promisesOf({ ...leaseBreak, truncateFails: ['EBUSY'] }),
  // P5, then P6
  'lease-break:sigbus': promisesOf({ ...leaseBreak, holder: 'killed' }),
  // P5, then P8
  'lease-break:revoke': promisesOf({ ...leaseBreak, holder: 'revoked' }),
  // P5, then P10
  'lease-break:orphan': promisesOf({ ...leaseBreak, blocks: 'orphan' }),
  // P5, then P6, P7, P8
  'lease-break:ladder': promisesOf({ ...leaseBreak, holder: 'killed' }),
  // P5 as of April 2019, then P6
  'lease-break:implicit': promisesOf({ ...leaseBreak, longtermPin: 'granted', holder: 'killed' }),
  // P12
  'lease-required': promisesOf({
    longtermPin: 'needs-lease',
    holder: 'signalled',
    leaseOutlivesPin: true,
    mayHang: [...changes, 'unlock'],
  }),
  // P12
  'lease-required:fail': promisesOf({
    longtermPin: 'needs-lease',
    holder: 'signalled',
    leaseOutlivesPin: true,
    truncateFails: ['EBUSY'],
    mayHang: changes,
  }),
  // S3, Jason Gunthorpe; P12
  'block-device': promisesOf({
    longtermPin: 'needs-lease',
    holder: 'signalled',
    leaseOutlivesPin: true,
    mayHang: [...changes, 'unlock'],
  }),
  // 9.1
  'map-direct': promisesOf({
    longtermPin: 'needs-lease',
    lease: 'MAP_DIRECT',
    holder: 'revoked',
    mayHang: changes,
  }),
  // P8
  revoke: promisesOf({ holder: 'revoked', mayHang: changes }),
  // P10
  orphan: promisesOf({ blocks: 'orphan' }),
  // P10, 9.2
  'busy-extent': promisesOf({ blocks: 'busy' }),
  // P11
  immutable: promisesOf({
    longtermPin: 'needs-lease',
    lease: 'SEAL',
    truncateFails: ['EPERM'],
    mayHang: changes,
  }),
  // P16
  'recall-fence': promisesOf({ holder: 'revoked', mayHang: changes }),
  // P13
  bounce: promisesOf({ longtermPin: 'refused', snapshot: 'whole', mayHang: changes }),
  // P14
  'hold-unmap': promisesOf({
    longtermPin: 'refused',
    snapshot: 'whole',
    mayHang: [...changes, 'fsync'],
  }),
  // P15
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
