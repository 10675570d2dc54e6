// ibv_srq: receive requests shared by queue pairs.

import { Errno } from '../../lib/driver/index.js';
import { checkInt, checkObject, listOf } from './args.js';
import { hcaLimits } from './hca.js';
import type { PD } from './pd.js';
import { RecvQueue } from './recv-queue.js';
import type { UverbsFile } from './uverbs-file.js';
import type { RecvWR } from './work-request.js';

export interface SRQAttr {
  readonly maxWR: number;
  readonly maxSGE: number;
  /** Raise SRQ_LIMIT_REACHED once when fewer requests are left. 0: never. */
  readonly srqLimit: number;
}

export class SRQ {
  readonly pd: PD;
  readonly rq: RecvQueue;
  /** Queue pairs that receive through it. */
  nrUsers = 0;

  constructor(pd: PD, rq: RecvQueue) {
    this.pd = pd;
    this.rq = rq;
    pd.nrUsers++;
  }

  /** EBUSY while a queue pair receives through it. */
  destroy(): void {
    if (this.nrUsers > 0)
      throw new Errno('EBUSY', `${this.nrUsers} queue pairs receive through it`);
    this.rq.drain();
    this.pd.nrUsers--;
  }
}

/** EINVAL: sizes beyond the adapter's, or a limit above the size (rxe_srq_chk_init). */
export function createSRQ(
  file: UverbsFile,
  arg: { pd: number; attr: SRQAttr },
): { handle: number; maxWR: number } {
  using pd = file.objects.use<PD>('pd', arg.pd);
  checkObject('attr', arg.attr);
  const maxWR = checkInt('max_wr', arg.attr.maxWR, 1, hcaLimits.maxSRQWR);
  const maxSGE = checkInt('max_sge', arg.attr.maxSGE, 1, hcaLimits.maxSRQSGE);
  const limit = checkInt('srq_limit', arg.attr.srqLimit, 0, maxWR);
  const srq = new SRQ(pd.object, new RecvQueue(maxWR, maxSGE));
  const handle = file.objects.add('srq', srq);
  srq.rq.limit = limit;
  srq.rq.onLimit = () => file.raise({ type: 'SRQ_LIMIT_REACHED', element: handle });
  return { handle, maxWR: srq.rq.capacity };
}

/** Change the limit. EINVAL: above the number of places. */
export function modifySRQ(file: UverbsFile, arg: { srq: number; srqLimit: number }): void {
  using srq = file.objects.use<SRQ>('srq', arg.srq);
  const { rq } = srq.object;
  rq.limit = checkInt('srq_limit', arg.srqLimit, 0, rq.capacity);
}

export function querySRQ(file: UverbsFile, arg: { srq: number }): SRQAttr {
  using srq = file.objects.use<SRQ>('srq', arg.srq);
  const { capacity, maxSGE, limit } = srq.object.rq;
  return { maxWR: capacity, maxSGE, srqLimit: limit };
}

/** Post one receive request, or several in order up to the first that is refused. */
export function postSRQRecv(
  file: UverbsFile,
  arg: { srq: number; wr: RecvWR | readonly RecvWR[] },
): void {
  using srq = file.objects.use<SRQ>('srq', arg.srq);
  for (const wr of listOf(arg.wr)) srq.object.rq.post(wr);
}

export function destroySRQ(file: UverbsFile, arg: { handle: number }): void {
  using srq = file.objects.own<SRQ>('srq', arg.handle);
  srq.object.destroy();
  file.objects.remove(srq.handle);
}
