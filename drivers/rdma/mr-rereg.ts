// rereg_mr: change the domain, the access or the memory of a region under its key
// (core/uverbs_cmd.c: ib_uverbs_rereg_mr; rxe_verbs.c: rxe_rereg_user_mr; facts 5.4).
//
//   no such verb EOPNOTSUPP, before any check · flags 0 EINVAL · unknown flag EOPNOTSUPP · offsets
//   EINVAL · region ENOENT EBUSY · access EINVAL · domain ENOENT · then the driver: flags it does
//   not have EOPNOTSUPP · read-only pages made writable EACCES · access EOPNOTSUPP · the new
//   memory as in reg_mr
//
// A rereg that is refused changes nothing. Changing the domain to the one it has does nothing.

import { type Caller, Errno } from '../../lib/driver/index.js';
import {
  accessOf,
  type AccessFlags,
  checkCoreAccess,
  checkDriverAccess,
  hasRemote,
  isWritable,
} from './access.js';
import { checkAddr, checkInt, orElse } from './args.js';
import { withVariant } from './keys.js';
import type { MR } from './mr.js';
import { checkOffsets } from './mr-registration.js';
import type { PD } from './pd.js';
import { Umem } from './umem.js';
import type { UverbsFile } from './uverbs-file.js';

/** enum ib_mr_rereg_flags. */
export const reregBits = { translation: 1, pd: 2, access: 4 } as const;
export type ReregFlag = keyof typeof reregBits;

export interface ReregMRArg {
  readonly mr: number;
  /** Names, or raw bits. */
  readonly flags: readonly (ReregFlag | number)[];
  readonly pd?: number;
  readonly addr?: number;
  readonly len?: number;
  readonly iova?: number;
  readonly access?: AccessFlags;
}

function flagsOf(flags: unknown): number {
  if (!Array.isArray(flags)) throw new Errno('EINVAL', 'rereg_mr: a list of flags is needed');
  let bits = 0;
  for (const flag of flags as readonly unknown[]) {
    const bit = typeof flag === 'number' ? flag : reregBits[flag as ReregFlag];
    bits |= checkInt(`rereg flag ${String(flag)}`, bit, 0, 0x7fffffff);
  }
  return bits;
}

/** The keys afterwards: they may have changed with the translation. */
export async function reregMR(
  file: UverbsFile,
  arg: ReregMRArg,
  caller: Caller,
): Promise<{ lkey: number; rkey: number }> {
  const { rules } = file.device;
  if (rules.rereg === 'none')
    throw new Errno('EOPNOTSUPP', 'rereg_mr: the device has no such verb');
  const flags = flagsOf(arg.flags);
  if (flags === 0) throw new Errno('EINVAL', 'rereg_mr: nothing to change');
  if ((flags & ~7) !== 0) throw new Errno('EOPNOTSUPP', `rereg_mr: flags ${flags}`);
  const addr = checkAddr('address', orElse(arg.addr, 0));
  const iova = checkAddr('iova', orElse(arg.iova, addr));
  if ((flags & reregBits.translation) !== 0) checkOffsets(addr, iova);
  using mr = file.objects.own<MR>('mr', arg.mr);
  const access =
    (flags & reregBits.access) !== 0
      ? accessOf(arg.access === undefined ? [] : arg.access)
      : mr.object.access;
  if ((flags & reregBits.access) !== 0) checkCoreAccess(access, rules);
  using pd =
    (flags & reregBits.pd) !== 0 ? file.objects.use<PD>('pd', orElse(arg.pd, 0xffffffff)) : null;
  checkDriver(file, mr.object, flags, access);
  if ((flags & reregBits.translation) !== 0) {
    const len = checkAddr('length', orElse(arg.len, 0));
    await translate(file, caller, mr.object, { addr, len, iova, access });
  }
  if (pd !== null) movePD(mr.object, pd.object);
  if ((flags & reregBits.access) !== 0) setAccess(file, mr.object, access);
  return { lkey: mr.object.key.lkey, rkey: mr.object.key.rkey };
}

function checkDriver(file: UverbsFile, mr: MR, flags: number, access: number): void {
  const { rules } = file.device;
  const translating = (flags & reregBits.translation) !== 0;
  if (translating && rules.rereg !== 'all') {
    throw new Errno('EOPNOTSUPP', 'rereg_mr: the device cannot change the translation');
  }
  if (mr.kind === 'dma-buf') throw new Errno('EOPNOTSUPP', 'rereg_mr of a dma-buf region');
  if (mr.state !== 'VALID') throw new Errno('EINVAL', 'rereg_mr: the region was revoked');
  if ((flags & reregBits.access) === 0) return;
  if (!translating && isWritable(access) && !mr.memory.writable) {
    throw new Errno('EACCES', 'rereg_mr: its pages were taken for reading'); // ib_umem_check_rereg
  }
  checkDriverAccess(access, rules);
}

interface Translation {
  readonly addr: number;
  readonly len: number;
  readonly iova: number;
  readonly access: number;
}

/** New memory first, so that a failure leaves the old region as it was; new keys with it. */
async function translate(file: UverbsFile, caller: Caller, mr: MR, to: Translation): Promise<void> {
  if (mr.kind !== 'user') throw new Errno('EOPNOTSUPP', 'rereg_mr: translation of such a region');
  const { dev } = file.device;
  const memory = await Umem.get(dev, caller, {
    addr: to.addr,
    len: to.len,
    access: to.access,
    revoke: (why, task) => mr.revoke(why, task),
  });
  try {
    await mr.replaceMemory(caller.task, memory, to.addr, to.len);
  } catch (e) {
    memory.release();
    throw e;
  }
  mr.key.iova = to.iova;
  mr.key.renew(withVariant(mr.key.lkey, mr.key.lkey + 1));
}

function movePD(mr: MR, pd: PD): void {
  mr.pd.nrUsers--;
  mr.pd = pd;
  mr.key.pd = pd.pdn;
  pd.nrUsers++;
}

function setAccess(file: UverbsFile, mr: MR, access: number): void {
  mr.key.access = access;
  if (!file.device.rules.rkeyNeedsRemoteRight) return;
  mr.key.rkey = hasRemote(access) ? mr.key.lkey : 0;
}
