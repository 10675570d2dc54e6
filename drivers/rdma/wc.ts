// Work completions: what the adapter says of a request that is over, one way or the other.

/** enum ib_wc_status (include/uapi/rdma/ib_user_verbs.h). */
export const wcStatusNumbers = {
  SUCCESS: 0,
  LOC_LEN_ERR: 1,
  LOC_QP_OP_ERR: 2,
  LOC_EEC_OP_ERR: 3,
  LOC_PROT_ERR: 4,
  WR_FLUSH_ERR: 5,
  MW_BIND_ERR: 6,
  BAD_RESP_ERR: 7,
  LOC_ACCESS_ERR: 8,
  REM_INV_REQ_ERR: 9,
  REM_ACCESS_ERR: 10,
  REM_OP_ERR: 11,
  RETRY_EXC_ERR: 12,
  RNR_RETRY_EXC_ERR: 13,
} as const;

export type WCStatus = keyof typeof wcStatusNumbers;

/** wc_status_to_str() of rdma-core's tests (tests/utils.py): the texts that they look for. */
export const wcStatusText: Readonly<Record<WCStatus, string>> = {
  SUCCESS: 'Success',
  LOC_LEN_ERR: 'Local length error',
  LOC_QP_OP_ERR: 'local QP operation error',
  LOC_EEC_OP_ERR: 'Local EEC operation error',
  LOC_PROT_ERR: 'Local protection error',
  WR_FLUSH_ERR: 'WR flush error',
  MW_BIND_ERR: 'Memory window bind error',
  BAD_RESP_ERR: 'Bad response error',
  LOC_ACCESS_ERR: 'Local access error',
  REM_INV_REQ_ERR: 'Remote invalidate request error',
  REM_ACCESS_ERR: 'Remote access error',
  REM_OP_ERR: 'Remote operation error',
  RETRY_EXC_ERR: 'Retry exceeded',
  RNR_RETRY_EXC_ERR: 'RNR retry exceeded',
};

export type WCOpcode =
  | 'SEND'
  | 'RDMA_WRITE'
  | 'RDMA_READ'
  | 'COMP_SWAP'
  | 'FETCH_ADD'
  | 'BIND_MW'
  | 'LOCAL_INV'
  | 'RECV'
  | 'RECV_RDMA_WITH_IMM';

/** opcode, byteLen and what follows mean something only when status is SUCCESS. */
export interface WC {
  readonly wrId: number;
  readonly status: WCStatus;
  readonly qpNum: number;
  readonly opcode?: WCOpcode;
  readonly byteLen?: number;
  readonly immData?: number;
  /** The rkey that a SEND with invalidate made invalid. */
  readonly invalidatedRkey?: number;
  /** UD: who sent it. */
  readonly srcQP?: number;
  /** UD: the first 40 bytes received are a routing header. */
  readonly grh?: true;
}
