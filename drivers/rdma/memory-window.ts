// Memory windows, as the adapter sees them: a key that opens a part of a region (rxe_mw.c).
//
//   type 1   VALID, unbound -> bound -> bound elsewhere -> …      (a bind of length 0 unbinds)
//   type 2   FREE -> VALID, bound to one queue pair -> FREE by LOCAL_INV or SEND_WITH_INV
//
// Every refusal of a bind is one and the same to the application: MW_BIND_ERR.

import { accessBits, accessOf } from './access.js';
import { withVariant } from './keys.js';
import type { MemoryKey } from './memory-key.js';
import type { BindInfo } from './work-request.js';

export type WindowType = 1 | 2;

export class MemoryWindow {
  readonly type: WindowType;
  readonly pd: number;
  rkey: number;
  state: 'FREE' | 'VALID' | 'INVALID';
  region: MemoryKey | null = null;
  access = 0;
  addr = 0;
  len = 0;
  /** Type 2: the queue pair it is bound through, which alone may use it. */
  qpn: number | null = null;

  constructor(type: WindowType, pd: number, rkey: number) {
    this.type = type;
    this.pd = pd;
    this.rkey = rkey;
    this.state = type === 2 ? 'FREE' : 'VALID';
  }

  /** The window is gone or unbound: its region may be deregistered. */
  release(state: MemoryWindow['state']): void {
    if (this.region !== null) this.region.nrWindows--;
    this.region = null;
    this.qpn = null;
    this.access = 0;
    this.addr = 0;
    this.len = 0;
    this.state = state;
  }
}

/** Who binds: a queue pair and its protection domain. */
export interface Binder {
  readonly qpn: number;
  readonly pd: number;
}

/** rxe_check_bind_mw: why the bind is refused, or null. Facts 5.3. */
export function bindRefusal(
  mw: MemoryWindow,
  region: MemoryKey | null,
  bind: BindInfo,
  binder: Binder,
): string | null {
  const access = accessOf(bind.access);
  if (mw.type === 1) {
    if (mw.state !== 'VALID') return 'a type 1 window that is not VALID';
    if ((access & accessBits.zero_based) !== 0) return 'a zero-based type 1 window';
  } else {
    if (mw.state !== 'FREE') return 'a type 2 window that is not FREE';
    if (binder.pd !== mw.pd) return 'a type 2 window of another protection domain';
    if (region === null || bind.len === 0) return 'a type 2 window bound to nothing';
  }
  return region === null ? null : regionRefusal(region, bind, access);
}

function regionRefusal(region: MemoryKey, bind: BindInfo, access: number): string | null {
  const { zero_based, mw_bind, remote_write, remote_atomic, local_write } = accessBits;
  if (region.state !== 'VALID') return 'the region was revoked';
  if ((region.access & zero_based) !== 0) return 'the region is zero-based';
  if ((region.access & mw_bind) === 0) return 'the region does not allow windows';
  if ((access & (remote_write | remote_atomic)) !== 0 && (region.access & local_write) === 0) {
    return 'a writable window on a region without local_write';
  }
  if ((access & zero_based) !== 0) return bind.len > region.len ? 'longer than the region' : null;
  return region.covers(bind.addr, bind.len) ? null : 'outside the region';
}

/** rxe_do_bind_mw: after bindRefusal() answered null. */
export function doBind(
  mw: MemoryWindow,
  region: MemoryKey | null,
  bind: BindInfo,
  binder: Binder,
): void {
  mw.release('VALID');
  mw.rkey = withVariant(mw.rkey, bind.newRkey);
  mw.access = accessOf(bind.access);
  mw.addr = bind.addr;
  mw.len = bind.len;
  if (bind.len > 0 && region !== null) {
    mw.region = region;
    region.nrWindows++;
  }
  if (mw.type === 2) mw.qpn = binder.qpn;
}
