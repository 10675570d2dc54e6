// Access flags: enum ib_access_flags, their names, and which sets a region or window may have.

import { Errno } from '../../lib/driver/index.js';
import type { RdmaRules } from './rules.js';

/** include/uapi/rdma/ib_user_ioctl_verbs.h. */
export const accessBits = {
  local_write: 1,
  remote_write: 2,
  remote_read: 4,
  remote_atomic: 8,
  mw_bind: 16,
  zero_based: 32,
  on_demand: 64,
  hugetlb: 128,
  flush_global: 256,
  flush_persistent: 512,
  relaxed_ordering: 1 << 20,
} as const;

export type AccessName = keyof typeof accessBits;
/** Names, or raw bits as the kernel's interface takes them. */
export type AccessFlags = readonly (AccessName | number)[];

const b = accessBits;
/** ib_access_writable(): what makes a region need writable pages. */
const WRITABLE = b.local_write | b.remote_write | b.remote_atomic | b.mw_bind;
export const REMOTE = b.remote_read | b.remote_write | b.remote_atomic;
/** IB_ACCESS_OPTIONAL: a device may ignore them. */
const OPTIONAL = 0x3ff00000;
/** RXE_ACCESS_SUPPORTED_MR (rxe_param.h, rxe_verbs.h): flush bits, no ZERO_BASED, no HUGETLB. */
const DRIVER_MR =
  b.local_write | REMOTE | b.mw_bind | b.flush_global | b.flush_persistent | OPTIONAL;

export const isWritable = (access: number): boolean => (access & WRITABLE) !== 0;
export const hasRemote = (access: number): boolean => (access & REMOTE) !== 0;

/** The bits of a list of names. EINVAL for a name that does not exist, or a bit beyond 32. */
export function accessOf(flags: AccessFlags): number {
  if (!Array.isArray(flags)) throw new Errno('EINVAL', 'access: a list of names is needed');
  let bits = 0;
  for (const flag of flags as readonly unknown[]) {
    const bit = typeof flag === 'number' ? flag : accessBits[flag as AccessName];
    if (bit === undefined || !Number.isInteger(bit) || bit < 0 || bit > 0x7fffffff) {
      throw new Errno('EINVAL', `access: ${String(flag)} is no access flag`);
    }
    bits |= bit;
  }
  return bits;
}

/** The names of known bits; for messages. */
export function accessNames(bits: number): string {
  const names = Object.entries(accessBits).filter(([, bit]) => (bits & bit) !== 0);
  return names.map(([name]) => name).join('|') || 'none';
}

/** ib_check_mr_access(): what the core refuses, in its order (facts 5.1). */
export function checkCoreAccess(access: number, rules: RdmaRules): void {
  if ((access & (b.remote_write | b.remote_atomic)) !== 0 && (access & b.local_write) === 0) {
    throw new Errno('EINVAL', `access ${accessNames(access)}: remote writes need local_write`);
  }
  if ((access & ~rules.coreAccessBits) !== 0) {
    throw new Errno('EINVAL', `access ${access}: bits that do not exist`);
  }
  if ((access & b.on_demand) !== 0 && !rules.odp) {
    throw new Errno(rules.odpMissing, 'access on_demand: the device has no on-demand paging');
  }
}

/** What a region over a dma-buf may have (uverbs_std_types_mr.c: UVERBS_METHOD_REG_DMABUF_MR). */
export const DMABUF_ACCESS = b.local_write | REMOTE | b.relaxed_ordering;

/** What the driver refuses of what the core let through (rxe_reg_user_mr, facts 5.1). */
export function checkDriverAccess(access: number, rules: RdmaRules): void {
  if (!rules.driverAccessCheck) return;
  let supported = DRIVER_MR;
  if (rules.odp) supported |= b.on_demand;
  if (rules.zeroBased) supported |= b.zero_based;
  if ((access & ~supported) !== 0) {
    throw new Errno('EOPNOTSUPP', `access ${accessNames(access & ~supported)}: not supported`);
  }
}
