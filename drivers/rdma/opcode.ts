// Work request opcodes: what each one is, and which queue pairs take it (rxe_opcode.c:
// rxe_wr_opcode_info; include/uapi/rdma/ib_user_verbs.h: enum ib_uverbs_wr_opcode).

import type { WCOpcode } from './wc.js';

export type QPType = 'RC' | 'UC' | 'UD';

export type WROpcode =
  | 'SEND'
  | 'SEND_WITH_IMM'
  | 'SEND_WITH_INV'
  | 'RDMA_WRITE'
  | 'RDMA_WRITE_WITH_IMM'
  | 'RDMA_READ'
  | 'ATOMIC_FETCH_AND_ADD'
  | 'ATOMIC_CMP_AND_SWP'
  | 'LOCAL_INV'
  | 'BIND_MW';

export interface OpcodeInfo {
  readonly kind: 'send' | 'write' | 'read' | 'atomic' | 'local';
  readonly wc: WCOpcode;
  readonly qpTypes: readonly QPType[];
  readonly inline: boolean;
  readonly imm: boolean;
}

const info = (
  kind: OpcodeInfo['kind'],
  wc: WCOpcode,
  qpTypes: readonly QPType[],
  more: Partial<OpcodeInfo> = {},
): OpcodeInfo => ({
  kind,
  wc,
  qpTypes,
  inline: kind === 'send' || kind === 'write',
  imm: false,
  ...more,
});

export const opcodes: Readonly<Record<WROpcode, OpcodeInfo>> = {
  SEND: info('send', 'SEND', ['RC', 'UC', 'UD']),
  SEND_WITH_IMM: info('send', 'SEND', ['RC', 'UC', 'UD'], { imm: true }),
  SEND_WITH_INV: info('send', 'SEND', ['RC', 'UC']),
  RDMA_WRITE: info('write', 'RDMA_WRITE', ['RC', 'UC']),
  RDMA_WRITE_WITH_IMM: info('write', 'RDMA_WRITE', ['RC', 'UC'], { imm: true }),
  RDMA_READ: info('read', 'RDMA_READ', ['RC']),
  ATOMIC_FETCH_AND_ADD: info('atomic', 'FETCH_ADD', ['RC']),
  ATOMIC_CMP_AND_SWP: info('atomic', 'COMP_SWAP', ['RC']),
  LOCAL_INV: info('local', 'LOCAL_INV', ['RC', 'UC']),
  BIND_MW: info('local', 'BIND_MW', ['RC', 'UC']),
};
