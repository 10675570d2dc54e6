// Registering memory: the calls, and their checks in the order of core/uverbs_cmd.c and umem.c.
//
//   reg_mr    page offset of the iova EINVAL · access (core) · domain ENOENT · access (driver)
//             EOPNOTSUPP · then umem.ts, or odp-umem.ts for ON_DEMAND
//   failure   leaves no charge, no pin, no key

import {
  type Caller,
  DmaBuf,
  Errno,
  PAGE_SIZE,
  type RevokeReason,
  slabAlloc,
  type Task,
} from '../../lib/driver/index.js';
import {
  accessBits,
  accessOf,
  type AccessFlags,
  checkCoreAccess,
  checkDriverAccess,
  DMABUF_ACCESS,
} from './access.js';
import { checkAddr, orElse, SIZE_MAX } from './args.js';
import { hcaLimits } from './hca.js';
import { DmaBufUmem } from './dmabuf-umem.js';
import { MR, type MRInit } from './mr.js';
import { OdpUmem } from './odp-umem.js';
import type { PD } from './pd.js';
import { type RegionMemory, Umem } from './umem.js';
import type { UverbsFile } from './uverbs-file.js';

export interface RegMRArg {
  readonly pd: number;
  readonly addr: number;
  readonly len: number;
  /** Where the region begins in the addresses of requests; addr if not given. */
  readonly iova?: number;
  readonly access: AccessFlags;
}

export interface RegMRResult {
  readonly handle: number;
  readonly lkey: number;
  readonly rkey: number;
}

/** (start ^ hca_va) & ~PAGE_MASK: the offsets in a page must agree. EINVAL. */
export function checkOffsets(addr: number, iova: number): void {
  if (addr % PAGE_SIZE !== iova % PAGE_SIZE) {
    throw new Errno('EINVAL', `reg_mr: address ${addr} and iova ${iova} differ within their pages`);
  }
}

const isImplicit = (arg: RegMRArg, access: number): boolean =>
  arg.addr === 0 && arg.len === SIZE_MAX && (access & accessBits.on_demand) !== 0;

/** EINVAL ENOENT EOPNOTSUPP EPERM ENOMEM EFAULT EINTR: facts 5.2. */
export async function regMR(file: UverbsFile, arg: RegMRArg, caller: Caller): Promise<RegMRResult> {
  const { device } = file;
  const access = accessOf(arg.access);
  const implicit = isImplicit(arg, access);
  const addr = checkAddr('address', arg.addr);
  const len = implicit ? hcaLimits.maxMRSize : checkAddr('length', arg.len);
  const iova = checkAddr('iova', orElse(arg.iova, addr));
  checkOffsets(addr, iova);
  slabAlloc(caller.task, 'a uobject');
  checkCoreAccess(access, device.rules);
  using pd = file.objects.use<PD>('pd', arg.pd);
  checkDriverAccess(access, device.rules);
  if (implicit && !device.rules.implicitOdp) {
    throw new Errno('EOPNOTSUPP', 'reg_mr: no implicit on-demand paging'); // facts 5.5: rxe_odp.c
  }
  slabAlloc(caller.task, 'a region');
  const held: { mr: MR | null } = { mr: null };
  const memory = await takeMemory(file, caller, { addr, len, access }, held);
  const based = device.rules.zeroBased && (access & accessBits.zero_based) !== 0 ? 0 : iova;
  const kind = (access & accessBits.on_demand) !== 0 ? 'odp' : 'user';
  const init: MRInit = { kind, pd: pd.object, addr, len, iova: based, access, memory };
  return addMR(file, caller, held, init);
}

interface Range {
  readonly addr: number;
  readonly len: number;
  readonly access: number;
}

async function takeOdp(file: UverbsFile, caller: Caller, range: Range): Promise<RegionMemory> {
  const odp = new OdpUmem(file.device.dev, caller, range);
  try {
    if (range.len < hcaLimits.maxMRSize) await odp.snapshot(caller.task);
  } catch (e) {
    await odp.release(caller.task);
    throw e;
  }
  return odp;
}

function takeMemory(
  file: UverbsFile,
  caller: Caller,
  range: Range,
  held: { readonly mr: MR | null },
): Promise<RegionMemory> {
  if ((range.access & accessBits.on_demand) !== 0) return takeOdp(file, caller, range);
  const { dev } = file.device;
  const { addr, len, access } = range;
  const revoke = async (why: RevokeReason, task: Task): Promise<void> => {
    await held.mr?.revoke(why, task);
  };
  return Umem.get(dev, caller, { addr, len, access, revoke });
}

/** Make the region. ENOMEM: no key is left, and its memory is given back. */
function addMR(
  file: UverbsFile,
  caller: Caller,
  held: { mr: MR | null },
  init: MRInit,
): RegMRResult | Promise<never> {
  let mr: MR;
  try {
    held.mr = mr = new MR(file.device, init);
  } catch (e) {
    return giveBack(init.memory, caller.task, e);
  }
  const handle = file.objects.add('mr', mr);
  mr.onRevoked = () => file.raise({ type: 'MR_REVOKED', element: handle });
  return { handle, lkey: mr.key.lkey, rkey: mr.key.rkey };
}

async function giveBack(memory: RegionMemory, task: Task, why: unknown): Promise<never> {
  await memory.release(task);
  throw why;
}

/**
 * reg_user_mr_dmabuf. EOPNOTSUPP where the device has none; EINVAL: no buffer, or not inside it.
 */
export async function regDmaBufMR(
  file: UverbsFile,
  arg: RegMRArg & { readonly buf: DmaBuf; readonly offset: number },
  caller: Caller,
): Promise<RegMRResult> {
  const { device } = file;
  if (!device.rules.dmaBuf) throw new Errno('EOPNOTSUPP', 'reg_mr: no dma-buf regions');
  if (!(arg.buf instanceof DmaBuf)) throw new Errno('EINVAL', 'reg_mr: not a dma-buf');
  const access = accessOf(arg.access);
  const offset = checkAddr('offset', arg.offset);
  const len = checkAddr('length', arg.len);
  const iova = checkAddr('iova', orElse(arg.iova, offset));
  checkOffsets(offset, iova);
  if ((access & ~DMABUF_ACCESS) !== 0) {
    throw new Errno('EINVAL', `reg_mr: access ${access} of a dma-buf region`);
  }
  checkCoreAccess(access, device.rules);
  using pd = file.objects.use<PD>('pd', arg.pd);
  checkDriverAccess(access, device.rules);
  const held: { mr: MR | null } = { mr: null };
  const memory = new DmaBufUmem(device.dev, {
    buf: arg.buf,
    offset,
    len,
    access,
    revoke: async (task) => {
      await held.mr?.revoke('the exporter wants its buffer back', task);
    },
  });
  const init = { kind: 'dma-buf', pd: pd.object, addr: offset, len, iova, access, memory } as const;
  return addMR(file, caller, held, init);
}

/**
 * A registration that takes a layout lease with it: MR_LEASE_BREAK is raised when somebody breaks
 * it, dereg gives it back. EOPNOTSUPP where there are none; else as takeLayoutLease and regMR.
 */
export async function regMRLease(
  file: UverbsFile,
  arg: RegMRArg,
  caller: Caller,
): Promise<RegMRResult> {
  const { dev, rules } = file.device;
  if (!rules.regLease) throw new Errno('EOPNOTSUPP', 'reg_mr_lease: not on this kernel');
  const broken: { handle: number | null; early: boolean } = { handle: null, early: false };
  const raise = (handle: number): void => file.raise({ type: 'MR_LEASE_BREAK', element: handle });
  const lease = await dev.takeLayoutLease(caller, {
    addr: checkAddr('address', arg.addr),
    len: checkAddr('length', arg.len),
    onBreak: () => {
      if (broken.handle === null) broken.early = true;
      else raise(broken.handle);
    },
  });
  try {
    const result = await regMR(file, arg, caller);
    using mr = file.objects.use<MR>('mr', result.handle);
    mr.object.lease = lease;
    broken.handle = result.handle;
    if (broken.early) raise(result.handle);
    return result;
  } catch (e) {
    lease.release();
    throw e;
  }
}

/** Hand the pages of a region back without giving its key away: the region is REVOKED then. */
export async function returnMR(
  file: UverbsFile,
  arg: { mr: number },
  caller: Caller,
): Promise<void> {
  using mr = file.objects.own<MR>('mr', arg.mr);
  await mr.object.revoke('the application handed it back', caller.task);
  mr.object.lease?.release();
}

/** EINVAL while windows are bound; waits for the adapter, and joins a revocation. */
export async function deregMR(
  file: UverbsFile,
  arg: { handle: number },
  caller: Caller,
): Promise<void> {
  using mr = file.objects.own<MR>('mr', arg.handle);
  await mr.object.dereg(caller.task);
  file.objects.remove(mr.handle);
}

export interface MRInfo {
  readonly state: MR['state'];
  readonly addr: number;
  readonly len: number;
  readonly lkey: number;
  readonly rkey: number;
  readonly access: number;
}

export function queryMR(file: UverbsFile, arg: { mr: number }): MRInfo {
  using guard = file.objects.use<MR>('mr', arg.mr);
  const { state, addr, len, access, key } = guard.object;
  return { state, addr, len, access, lkey: key.lkey, rkey: key.rkey };
}
