// libibverbs: what an application holds after opening the node. Every call goes through the
// process's system-call path; what the kernel refuses is an Errno, what the adapter refuses later
// is the status of a completion.
//
// Objects carry the handle that the kernel gave them. One that is not of this library, or not of
// the kind that is asked for, is EINVAL before the kernel is asked.

import { type DmaBuf, Errno, type NodeIO } from '../../lib/driver/index.js';
import { accessBits, accessOf, type AccessFlags } from './access.js';
import { checkObject, orElse, SIZE_MAX } from './args.js';
import type { Advice } from './advise-mr.js';
import type { WindowType } from './memory-window.js';
import type { MRInfo, RegMRResult } from './mr-registration.js';
import type { AHAttr, QPAttr, QPState } from './qp-state.js';
import { checkReregInput, kernelRefused } from './rereg-error.js';
import type { DeviceInfo, VerbsRequests } from './requests.js';
import type { SRQAttr } from './srq.js';
import type { AsyncEvent } from './uverbs-file.js';
import {
  AH,
  CompChannel,
  CQ,
  handleOf,
  type Kind,
  MR,
  MW,
  PD,
  QP,
  SRQ,
  type VerbsObject,
} from './verbs-objects.js';
import type { WC } from './wc.js';
import type { RecvWR, SendFlag, SendWR, SGE } from './work-request.js';
import { withVariant } from './keys.js';
import type { BindRequest, CreateQPAttr, RegMRExAttr, ReregRequest } from './verbs-args.js';

export type * from './verbs-args.js';
export type { AH, CompChannel, CQ, MR, MW, PD, QP, SRQ } from './verbs-objects.js';
export type { AccessFlags, AccessName } from './access.js';
export type { QPAttr, QPState } from './qp-state.js';
export type { AsyncEvent } from './uverbs-file.js';
export type { RecvWR, SendWR, SGE } from './work-request.js';

/** Requests that destroy one object. */
type Destroyer = {
  [R in keyof VerbsRequests]: VerbsRequests[R] extends { arg: { handle: number }; ret: void }
    ? R
    : never;
}[keyof VerbsRequests];

export class VerbsContext {
  readonly #io: NodeIO<VerbsRequests>;
  #closed = false;
  #fork: 'not asked' | 'ready' | 'too late' = 'not asked';

  constructor(io: NodeIO<VerbsRequests>) {
    this.#io = io;
  }

  /** ibv_close_device(): everything made through the context is destroyed, newest first. */
  async close(): Promise<void> {
    await this.#io.close();
    this.#closed = true;
  }

  /** The object is destroyed by this request, by its own close() as well. */
  #made<T extends VerbsObject>(request: Destroyer, kind: Kind<T>, object: T): T {
    object.endsBy(async () => {
      if (!this.#closed) await this.#destroy(request, kind, object);
    });
    return object;
  }

  async #destroy<T extends VerbsObject>(
    request: Destroyer,
    kind: Kind<T>,
    object: T,
  ): Promise<void> {
    await this.#io.ioctl(request, { handle: handleOf(kind, object) });
    object.endsBy(null);
  }

  /**
   * ibv_fork_init(): regions registered from now on would not be inherited by a fork. EINVAL: there
   * has been a region already (libibverbs/memory.c: too_late).
   */
  forkInit(): void {
    if (this.#fork === 'too late') throw new Errno('EINVAL', 'fork_init: there are regions');
    this.#fork = 'ready';
  }

  queryDevice(): Promise<DeviceInfo> {
    return this.#io.ioctl('QUERY_DEVICE', {});
  }

  /** The next asynchronous event; waits for one. */
  getAsyncEvent(): Promise<AsyncEvent> {
    return this.#io.ioctl('GET_ASYNC_EVENT', {});
  }

  // -- protection domains, address handles --

  async allocPD(): Promise<PD> {
    const { handle } = await this.#io.ioctl('ALLOC_PD', {});
    return this.#made('DEALLOC_PD', PD, new PD(handle));
  }

  deallocPD(pd: PD): Promise<void> {
    return this.#destroy('DEALLOC_PD', PD, pd);
  }

  async createAH(pd: PD, attr: AHAttr): Promise<AH> {
    const { handle } = await this.#io.ioctl('CREATE_AH', { pd: handleOf(PD, pd), attr });
    return this.#made('DESTROY_AH', AH, new AH(handle));
  }

  destroyAH(ah: AH): Promise<void> {
    return this.#destroy('DESTROY_AH', AH, ah);
  }

  // -- memory --

  /** ibv_reg_mr(): [addr, addr + len) of the caller's memory. */
  regMR(pd: PD, addr: number, len: number, access: AccessFlags = ['local_write']): Promise<MR> {
    return this.regMRIova(pd, addr, len, addr, access);
  }

  /** ibv_reg_mr_iova(): requests name the region's first byte by iova. */
  async regMRIova(
    pd: PD,
    addr: number,
    len: number,
    iova: number,
    access: AccessFlags,
  ): Promise<MR> {
    const arg = { pd: handleOf(PD, pd), addr, len, iova, access };
    const mr = this.#mr(pd, addr, len, await this.#io.ioctl('REG_MR', arg));
    this.#dontFork(access);
    return mr;
  }

  /** ibv_reg_dmabuf_mr(). */
  async regDmaBufMR(
    pd: PD,
    buf: DmaBuf,
    offset: number,
    len: number,
    iova: number,
    access: AccessFlags,
  ): Promise<MR> {
    const arg = { pd: handleOf(PD, pd), addr: 0, buf, offset, len, iova, access };
    return this.#mr(pd, iova, len, await this.#io.ioctl('REG_DMABUF_MR', arg), 'dma-buf');
  }

  /**
   * ibv_reg_mr_ex(): one call for every kind. EINVAL: implicit together with a dma-buf or range.
   */
  async regMREx(pd: PD, attr: RegMRExAttr): Promise<MR> {
    checkObject('reg_mr_ex', attr);
    const { implicit = false, buf, offset = 0, addr, len, iova, access = ['local_write'] } = attr;
    if (implicit && (buf !== undefined || addr !== undefined || len !== undefined)) {
      throw new Errno('EINVAL', 'reg_mr_ex: implicit on-demand paging names no range and no file');
    }
    if (implicit) return this.regMR(pd, 0, SIZE_MAX, access);
    if (len === undefined) throw new Errno('EINVAL', 'reg_mr_ex: a length is needed');
    if (buf !== undefined)
      return this.regDmaBufMR(pd, buf, offset, len, orElse(iova, offset), access);
    if (addr === undefined) throw new Errno('EINVAL', 'reg_mr_ex: an address is needed');
    return this.regMRIova(pd, addr, len, orElse(iova, addr), access);
  }

  /** Register and take a layout lease with it: MR_LEASE_BREAK tells that somebody wants it. */
  async regMRLease(pd: PD, addr: number, len: number, access: AccessFlags): Promise<MR> {
    const arg = { pd: handleOf(PD, pd), addr, len, access };
    const mr = this.#mr(pd, addr, len, await this.#io.ioctl('REG_MR_LEASE', arg));
    this.#dontFork(access);
    return mr;
  }

  /** ibv_dontfork_range(): pages that stay pinned are lost to a fork that nobody prepared. */
  #dontFork(access: AccessFlags): void {
    const pinned = (accessOf(access) & accessBits.on_demand) === 0;
    if (pinned && this.#fork === 'not asked') this.#fork = 'too late';
  }

  #mr(pd: PD, addr: number, len: number, keys: RegMRResult, kind: MR['kind'] = 'user'): MR {
    const mr = new MR(keys.handle, pd, addr, len, keys.lkey, keys.rkey, kind);
    return this.#made('DEREG_MR', MR, mr);
  }

  deregMR(mr: MR): Promise<void> {
    return this.#destroy('DEREG_MR', MR, mr);
  }

  /** Hand the pages back and keep the key: what a program does when its lease is broken. */
  async returnMR(mr: MR): Promise<void> {
    await this.#io.ioctl('RETURN_MR', { mr: handleOf(MR, mr) });
  }

  queryMR(mr: MR): Promise<MRInfo> {
    return this.#io.ioctl('QUERY_MR', { mr: handleOf(MR, mr) });
  }

  /**
   * ibv_rereg_mr(). A ReregError says which region is good afterwards: the old one, the new one,
   * or none that may be used, which must still be deregistered.
   */
  async reregMR(mr: MR, request: ReregRequest): Promise<void> {
    checkReregInput(mr, request);
    try {
      await this.cmdReregMR(mr, request);
    } catch (e) {
      throw kernelRefused(e);
    }
  }

  /** The kernel's own command, without the library's checks. */
  async cmdReregMR(mr: MR, request: ReregRequest): Promise<void> {
    checkObject('rereg_mr', request);
    const { pd, ...rest } = request;
    const keys = await this.#io.ioctl('REREG_MR', {
      ...rest,
      mr: handleOf(MR, mr),
      ...(pd !== undefined && { pd: handleOf(PD, pd) }),
    });
    mr.lkey = keys.lkey;
    mr.rkey = keys.rkey;
    if (pd !== undefined) mr.pd = pd;
    if (request.flags.includes('translation')) {
      mr.addr = request.addr ?? mr.addr;
      mr.len = request.len ?? mr.len;
    }
  }

  /** ibv_advise_mr(). */
  async adviseMR(
    pd: PD,
    advice: Advice,
    flags: readonly 'flush'[],
    sgList: readonly SGE[],
  ): Promise<void> {
    await this.#io.ioctl('ADVISE_MR', { pd: handleOf(PD, pd), advice, flags, sgList });
  }

  async allocMW(pd: PD, type: WindowType = 1): Promise<MW> {
    const { handle, rkey } = await this.#io.ioctl('ALLOC_MW', { pd: handleOf(PD, pd), type });
    return this.#made('DEALLOC_MW', MW, new MW(handle, pd, type, rkey));
  }

  deallocMW(mw: MW): Promise<void> {
    return this.#destroy('DEALLOC_MW', MW, mw);
  }

  /**
   * ibv_bind_mw(), type 1: posts the bind, and the window goes by its next rkey from then on,
   * whether the bind succeeds or not (the completion says which). EINVAL: a type 2 window, or a
   * zero-based bind; EPERM: window and region of different domains.
   */
  async bindMW(qp: QP, mw: MW, request: BindRequest): Promise<void> {
    handleOf(MW, mw);
    checkObject('bind_mw', request);
    if (mw.type !== 1) throw new Errno('EINVAL', 'bind_mw: a type 2 window is bound by a request');
    if ((accessOf(request.access) & accessBits.zero_based) !== 0) {
      throw new Errno('EINVAL', 'bind_mw: zero-based');
    }
    const { mr } = request;
    if (mr !== null && handleOf(MR, mr) >= 0 && mr.pd !== mw.pd) {
      throw new Errno('EPERM', 'bind_mw: window and region are of different domains');
    }
    const newRkey = withVariant(mw.rkey, mw.rkey + 1);
    const { addr, len, access } = request;
    await this.postSend(qp, {
      wrId: orElse(request.wrId, 0),
      opcode: 'BIND_MW',
      flags: orElse<readonly SendFlag[]>(request.flags, ['signaled']),
      bind: { mwRkey: mw.rkey, newRkey, mrLkey: mr?.lkey ?? 0, addr, len, access },
    });
    mw.rkey = newRkey;
  }

  // -- completion queues --

  async createCompChannel(): Promise<CompChannel> {
    const { handle } = await this.#io.ioctl('CREATE_COMP_CHANNEL', {});
    return this.#made('DESTROY_COMP_CHANNEL', CompChannel, new CompChannel(handle));
  }

  destroyCompChannel(channel: CompChannel): Promise<void> {
    return this.#destroy('DESTROY_COMP_CHANNEL', CompChannel, channel);
  }

  async createCQ(cqe: number, channel?: CompChannel, compVector = 0): Promise<CQ> {
    const made = await this.#io.ioctl('CREATE_CQ', {
      cqe,
      compVector,
      ...(channel !== undefined && { channel: handleOf(CompChannel, channel) }),
    });
    return this.#made('DESTROY_CQ', CQ, new CQ(made.handle, made.cqe));
  }

  async resizeCQ(cq: CQ, cqe: number): Promise<void> {
    cq.cqe = (await this.#io.ioctl('RESIZE_CQ', { cq: handleOf(CQ, cq), cqe })).cqe;
  }

  /** Completions that are there, at most max, oldest first. */
  pollCQ(cq: CQ, max = 1): Promise<readonly WC[]> {
    return this.#io.ioctl('POLL_CQ', { cq: handleOf(CQ, cq), max });
  }

  /** Wait for completions; an empty list when timeoutNs are over. */
  async waitCQ(cq: CQ, opts: { max?: number; timeoutNs?: number } = {}): Promise<readonly WC[]> {
    checkObject('wait_cq', opts);
    const { max = 1, timeoutNs } = opts;
    const arg = { cq: handleOf(CQ, cq), max };
    return this.#io.ioctl('WAIT_CQ', timeoutNs === undefined ? arg : { ...arg, timeoutNs });
  }

  async reqNotifyCQ(cq: CQ, solicitedOnly = false): Promise<void> {
    await this.#io.ioctl('REQ_NOTIFY_CQ', { cq: handleOf(CQ, cq), solicitedOnly });
  }

  /** The handle of the completion queue that had an event; waits for one. */
  async getCQEvent(channel: CompChannel): Promise<number> {
    const arg = { channel: handleOf(CompChannel, channel) };
    return (await this.#io.ioctl('GET_CQ_EVENT', arg)).cq;
  }

  destroyCQ(cq: CQ): Promise<void> {
    return this.#destroy('DESTROY_CQ', CQ, cq);
  }

  // -- shared receive queues --

  async createSRQ(pd: PD, attr: SRQAttr): Promise<SRQ> {
    const { handle } = await this.#io.ioctl('CREATE_SRQ', { pd: handleOf(PD, pd), attr });
    return this.#made('DESTROY_SRQ', SRQ, new SRQ(handle));
  }

  async modifySRQ(srq: SRQ, srqLimit: number): Promise<void> {
    await this.#io.ioctl('MODIFY_SRQ', { srq: handleOf(SRQ, srq), srqLimit });
  }

  querySRQ(srq: SRQ): Promise<SRQAttr> {
    return this.#io.ioctl('QUERY_SRQ', { srq: handleOf(SRQ, srq) });
  }

  async postSRQRecv(srq: SRQ, wr: RecvWR | readonly RecvWR[]): Promise<void> {
    await this.#io.ioctl('POST_SRQ_RECV', { srq: handleOf(SRQ, srq), wr });
  }

  destroySRQ(srq: SRQ): Promise<void> {
    return this.#destroy('DESTROY_SRQ', SRQ, srq);
  }

  // -- queue pairs --

  async createQP(attr: CreateQPAttr): Promise<QP> {
    checkObject('create_qp', attr);
    const { pd, sendCQ, recvCQ, srq, type = 'RC', cap = {}, sqSigAll = false } = attr;
    const made = await this.#io.ioctl('CREATE_QP', {
      pd: handleOf(PD, pd),
      sendCQ: handleOf(CQ, sendCQ),
      recvCQ: handleOf(CQ, recvCQ),
      type,
      cap,
      sqSigAll,
      ...(srq !== undefined && { srq: handleOf(SRQ, srq) }),
    });
    return this.#made('DESTROY_QP', QP, new QP(made.handle, made.qpNum, type, pd));
  }

  async modifyQP(qp: QP, attr: QPAttr): Promise<void> {
    await this.#io.ioctl('MODIFY_QP', { qp: handleOf(QP, qp), attr });
  }

  queryQP(qp: QP): Promise<VerbsRequests['QUERY_QP']['ret']> {
    return this.#io.ioctl('QUERY_QP', { qp: handleOf(QP, qp) });
  }

  async qpState(qp: QP): Promise<QPState> {
    return (await this.queryQP(qp)).state;
  }

  destroyQP(qp: QP): Promise<void> {
    return this.#destroy('DESTROY_QP', QP, qp);
  }

  /** Post one request, or several in order up to the first that is refused. */
  async postSend(qp: QP, wr: SendWR | readonly SendWR[]): Promise<void> {
    await this.#io.ioctl('POST_SEND', { qp: handleOf(QP, qp), wr });
  }

  async postRecv(qp: QP, wr: RecvWR | readonly RecvWR[]): Promise<void> {
    await this.#io.ioctl('POST_RECV', { qp: handleOf(QP, qp), wr });
  }
}
