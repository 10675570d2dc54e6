// advise_mr: fault pages of on-demand regions in before they are used (core: ib_uverbs_advise_mr;
// rxe_odp.c: rxe_ib_advise_mr; ibv_advise_mr(3)).
//
//   no such verb, or no such advice EOPNOTSUPP · flags EINVAL · a window's key EINVAL · a key that
//   names no region EFAULT, one of another domain EPERM, of a region that is not on-demand, or has
//   another key by now ENOENT (Soft-RoCE: EINVAL for each of them, and for a region without
//   local_write) · a range outside it or unmapped EFAULT · PREFETCH_WRITE of a region that is not
//   writable EPERM · no memory for the call itself ENOMEM; a page that cannot be had is EFAULT
//   (hmm_vma_fault), and in the background nobody's

import {
  type Caller,
  type Device,
  Errno,
  isErrno,
  slabAlloc,
  type Task,
} from '../../lib/driver/index.js';
import { accessBits } from './access.js';
import { checkAddr, checkInt, checkOneOf } from './args.js';
import { indexOf, isWindowKey } from './keys.js';
import type { MR } from './mr.js';
import { OdpUmem } from './odp-umem.js';
import type { PD } from './pd.js';
import type { UverbsFile } from './uverbs-file.js';
import type { SGE } from './work-request.js';

export type Advice = 'PREFETCH' | 'PREFETCH_WRITE' | 'PREFETCH_NO_FAULT';

export interface AdviseMRArg {
  readonly pd: number;
  readonly advice: Advice;
  /** 'flush': answer when the pages are there; else they come in the background. */
  readonly flags: readonly 'flush'[];
  readonly sgList: readonly SGE[];
}

export async function adviseMR(file: UverbsFile, arg: AdviseMRArg, caller: Caller): Promise<void> {
  const { device } = file;
  const nrSge = Array.isArray(arg.sgList) ? arg.sgList.length : 0;
  if (nrSge > 0) slabAlloc(caller.task, 'the list of ranges'); // uverbs_process_attr
  if (!device.rules.adviseMR) throw new Errno('EOPNOTSUPP', 'advise_mr: no such verb');
  if (!['PREFETCH', 'PREFETCH_WRITE', 'PREFETCH_NO_FAULT'].includes(arg.advice)) {
    throw new Errno('EOPNOTSUPP', `advise_mr: advice ${String(arg.advice)}`);
  }
  if (!Array.isArray(arg.flags)) throw new Errno('EINVAL', 'advise_mr: a list of flags is needed');
  for (const flag of arg.flags) checkOneOf('flag', flag, ['flush']);
  if (!Array.isArray(arg.sgList)) throw new Errno('EINVAL', 'advise_mr: a list is needed');
  using pd = file.objects.use<PD>('pd', arg.pd);
  const flush = arg.flags.includes('flush');
  if (!flush) slabAlloc(caller.task, 'prefetch work'); // rxe_ib_advise_mr_prefetch
  const parts = arg.sgList.map((sge) => checkPart(file, pd.object, arg.advice, sge));
  if (flush) await fetchParts(caller.task, parts, arg.advice);
  else fetchLater(device.dev, parts, arg.advice);
}

interface Part {
  readonly odp: OdpUmem;
  readonly addr: number;
  readonly len: number;
}

async function fetchParts(task: Task, parts: readonly Part[], advice: Advice): Promise<void> {
  for (const { odp, addr, len } of parts) {
    if (advice === 'PREFETCH_NO_FAULT') await odp.snapshot(task);
    else await odp.prefetch(task, addr, len, advice === 'PREFETCH_WRITE');
  }
}

/** In the background: nobody is told of a page that cannot be had. The regions stay until then. */
function fetchLater(dev: Device, parts: readonly Part[], advice: Advice): void {
  for (const { odp } of parts) odp.hold();
  dev.queueWork(0, 'prefetch', async (task) => {
    try {
      await fetchParts(task, parts, advice);
    } catch (e) {
      if (!isErrno(e)) throw e;
    } finally {
      for (const { odp } of parts) odp.letGo();
    }
  });
}

function checkPart(file: UverbsFile, pd: PD, advice: Advice, sge: SGE): Part {
  const lkey = checkInt('lkey', sge?.lkey, 0, 0xffffffff);
  const addr = checkAddr('address', sge.addr);
  const len = checkAddr('length', sge.len);
  if (isWindowKey(lkey)) throw new Errno('EINVAL', `advise_mr: ${lkey} is a window`);
  const { mr, odp } = lookUp(file, pd, lkey);
  if (!mr.key.covers(addr - mr.addr + mr.key.iova, len)) {
    throw new Errno('EFAULT', `advise_mr: [${addr}, +${len}) is not in region ${lkey}`);
  }
  if (advice === 'PREFETCH_WRITE' && !odp.writable) {
    throw new Errno('EPERM', `advise_mr: region ${lkey} is not writable`);
  }
  return { odp, addr, len };
}

/** The on-demand region of the domain that an lkey names; else the errno that the rules say. */
function lookUp(file: UverbsFile, pd: PD, lkey: number): { mr: MR; odp: OdpUmem } {
  const { rules } = file.device;
  const regions = file.objects.ofKind<MR>('mr');
  const mr = regions.find(({ key }) => indexOf(key.lkey) === indexOf(lkey));
  const byCause = rules.adviseBadLkey === 'by cause';
  const refused = (code: 'EFAULT' | 'ENOENT' | 'EPERM', why: string): Errno =>
    new Errno(byCause ? code : 'EINVAL', `advise_mr: ${lkey} ${why}`);
  if (mr === undefined) throw refused('EFAULT', 'names no region');
  if (mr.pd !== pd) throw refused('EPERM', 'is of another domain');
  const { memory, key } = mr;
  if (key.lkey !== lkey) throw refused('ENOENT', 'is no longer the key of its region');
  if (!(memory instanceof OdpUmem)) throw refused('ENOENT', 'is of no on-demand region');
  if (!byCause && (mr.access & accessBits.local_write) === 0) {
    throw new Errno('EINVAL', `advise_mr: ${lkey} is of a region without local_write`);
  }
  return { mr, odp: memory };
}
