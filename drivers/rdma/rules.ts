// What the adapter of one kernel does where kernels differ, as rows with the source of each.
//
// 6.1, 6.12 and 7.2 are Soft-RoCE as those kernels have it (drivers/infiniband/sw/rxe); 'proposed'
// is the whole device. [VM]: measured there; 'read': read in the source.

import type { KernelName } from '../../lib/driver/index.js';

export interface RdmaRules {
  /** ON_DEMAND regions: rxe_odp.c, 6.15+. [VM] */
  readonly odp: boolean;
  /** What a device without on-demand paging says (ib_check_mr_access). [VM] */
  readonly odpMissing: 'EINVAL' | 'EOPNOTSUPP';
  /** The region of the whole address space (IB_ODP_SUPPORT_IMPLICIT); rxe: none. read */
  readonly implicitOdp: boolean;
  /** Bits of IB_ACCESS_SUPPORTED: 6.1 ends at HUGETLB, later FLUSH bits follow. read */
  readonly coreAccessBits: number;
  /** RXE_ACCESS_SUPPORTED_MR: other bits are EOPNOTSUPP; 6.1 ignores what it does not know. [VM] */
  readonly driverAccessCheck: boolean;
  /** ZERO_BASED regions: ignored by 6.1, EOPNOTSUPP later, offered by the whole device. [VM] */
  readonly zeroBased: boolean;
  /** rereg_user_mr: absent to 6.3, then PD and ACCESS; TRANSLATION on no rxe. [VM] */
  readonly rereg: 'none' | 'pd-access' | 'all';
  /** A region without remote rights has rkey 0 (6.1 rxe_mr_init) or the lkey's value. read */
  readonly rkeyNeedsRemoteRight: boolean;
  /**
   * A request that fails at the requester (its own keys, a bind) moves the queue pair to ERR
   * before it completes, and the flush replaces its status by WR_FLUSH_ERR (6.5+: rxe_req.c
   * calls rxe_qp_error, rxe_comp.c flush_send_queue). [VM]
   */
  readonly requesterErrorsFlush: boolean;
  /**
   * The requester gathers all packets of a message before an answer to the first is looked at
   * (6.4+: work queues); before that the responder ran inside the sender. [VM]
   */
  readonly requesterRunsAhead: boolean;
  /** An lkey that names nothing: rxe_req.c finish_packet maps EINVAL so, EFAULT to LOC_PROT_ERR. */
  readonly badLkey: 'LOC_QP_OP_ERR' | 'LOC_PROT_ERR';
  /** A receive posted in ERR is flushed; librxe tells nobody, so rxe leaves it lying. [VM] */
  readonly flushLateReceives: boolean;
  /** retry_cnt 7 means for ever (rxe_comp.c: COMPST_ERROR_RETRY); by the standard it is 7. read */
  readonly retryCnt7IsForever: boolean;
  /** Requests through a window are held to its range; rxe holds them to the region's. read */
  readonly windowRange: boolean;
  /** dma-buf regions (reg_user_mr_dmabuf); on no rxe. read */
  readonly dmaBuf: boolean;
  /** advise_mr: rxe 6.16+ with on-demand paging. read */
  readonly adviseMR: boolean;
  /**
   * Which errno a bad lkey of advise_mr has: rxe_ib_prefetch_sg_list looks for a region with
   * LOCAL_WRITE, whatever the advice, and finds none for whatever is wrong with the key;
   * ibv_advise_mr(3) tells unknown, not on-demand and another domain's apart. read
   */
  readonly adviseBadLkey: 'EINVAL' | 'by cause';
  /** regMrLease, a registration that takes a layout lease: a proposal (facts 9.1). */
  readonly regLease: boolean;
}

const rxe61: RdmaRules = Object.freeze({
  odp: false,
  odpMissing: 'EINVAL',
  implicitOdp: false,
  coreAccessBits: 0x3ff000ff,
  driverAccessCheck: false,
  zeroBased: false,
  rereg: 'none',
  rkeyNeedsRemoteRight: true,
  requesterErrorsFlush: false,
  requesterRunsAhead: false,
  badLkey: 'LOC_QP_OP_ERR',
  flushLateReceives: false,
  retryCnt7IsForever: true,
  windowRange: false,
  dmaBuf: false,
  adviseMR: false,
  adviseBadLkey: 'EINVAL',
  regLease: false,
});

const rxe612: RdmaRules = Object.freeze({
  ...rxe61,
  odpMissing: 'EOPNOTSUPP',
  coreAccessBits: 0x3ff003ff,
  driverAccessCheck: true,
  rereg: 'pd-access',
  rkeyNeedsRemoteRight: false,
  requesterErrorsFlush: true,
  requesterRunsAhead: true,
});

const rxe72: RdmaRules = Object.freeze({ ...rxe612, odp: true, adviseMR: true });

const whole: RdmaRules = Object.freeze({
  ...rxe72,
  implicitOdp: true,
  zeroBased: true,
  rereg: 'all',
  requesterErrorsFlush: false,
  badLkey: 'LOC_PROT_ERR',
  flushLateReceives: true,
  retryCnt7IsForever: false,
  windowRange: true,
  dmaBuf: true,
  adviseBadLkey: 'by cause',
  regLease: true,
});

export const rdmaRules: Readonly<Record<KernelName, RdmaRules>> = {
  '6.1': rxe61,
  '6.12': rxe612,
  '7.2': rxe72,
  proposed: whole,
};
