// Work requests as they are posted, and what posting refuses (rxe_verbs.c: validate_send_wr,
// post_one_recv; providers/rxe: validate_send_wr). Whatever passes here completes with a status.

import { checkPos, Errno } from '../../lib/driver/index.js';
import { accessOf, type AccessFlags } from './access.js';
import { orElse } from './args.js';
import { opcodes, type QPType, type WROpcode } from './opcode.js';

export interface SGE {
  readonly addr: number;
  readonly len: number;
  readonly lkey: number;
}

export type SendFlag = 'signaled' | 'solicited' | 'fence' | 'inline';

export interface SendWR {
  readonly wrId: number;
  readonly opcode: WROpcode;
  readonly sgList?: readonly SGE[];
  readonly flags?: readonly SendFlag[];
  /** RDMA and atomics. */
  readonly remoteAddr?: number;
  readonly rkey?: number;
  readonly compareAdd?: bigint;
  readonly swap?: bigint;
  readonly immData?: number;
  /** SEND_WITH_INV and LOCAL_INV. */
  readonly invalidateRkey?: number;
  readonly bind?: BindInfo;
  /** UD. */
  readonly ah?: number;
  readonly remoteQPN?: number;
  readonly remoteQkey?: number;
}

export interface BindInfo {
  readonly mwRkey: number;
  /** The rkey after the bind: only its low byte, the variant, is taken. */
  readonly newRkey: number;
  readonly mrLkey: number;
  readonly addr: number;
  readonly len: number;
  readonly access: AccessFlags;
}

export interface RecvWR {
  readonly wrId: number;
  readonly sgList?: readonly SGE[];
}

/** Longest message: 2^31 bytes (IBA C9-94). */
const MAX_MESSAGE = 2 ** 31;

function checkU32(name: string, v: unknown): void {
  if (typeof v !== 'number' || !Number.isInteger(v) || v < 0 || v > 0xffffffff) {
    throw new Errno('EINVAL', `${name}: ${String(v)} is no 32-bit number`);
  }
}

function checkU64(name: string, v: unknown): void {
  if (typeof v !== 'bigint' || v < 0n || v > 0xffff_ffff_ffff_ffffn) {
    throw new Errno('EINVAL', `${name}: ${String(v)} is no 64-bit number`);
  }
}

/** The bytes of a list. EINVAL: not a list, too many entries, a bad entry, too long. */
function checkSGList(sgList: unknown, maxSGE: number): number {
  if (!Array.isArray(sgList)) throw new Errno('EINVAL', 'sgList: a list is needed');
  if (sgList.length > maxSGE) {
    throw new Errno('EINVAL', `sgList: ${sgList.length} entries, at most ${maxSGE} fit`);
  }
  let len = 0;
  for (const sge of sgList as readonly Partial<SGE>[]) {
    if (typeof sge !== 'object' || sge === null) throw new Errno('EINVAL', 'sgList: not an entry');
    checkPos('sge address', sge.addr as number);
    checkU32('sge length', sge.len);
    checkU32('sge lkey', sge.lkey);
    len += sge.len as number;
  }
  if (len > MAX_MESSAGE) throw new Errno('EINVAL', `message of ${len} bytes, at most 2^31 fit`);
  return len;
}

const sendFlags = new Set(['signaled', 'solicited', 'fence', 'inline']);

function checkFlags(flags: unknown): void {
  if (!Array.isArray(flags)) throw new Errno('EINVAL', 'flags: a list is needed');
  for (const flag of flags) {
    if (!sendFlags.has(flag as string)) throw new Errno('EINVAL', `flags: ${String(flag)}`);
  }
}

function checkRemote(wr: SendWR): void {
  if (wr.remoteAddr === undefined || wr.rkey === undefined) {
    throw new Errno('EINVAL', `${wr.opcode}: a remote address and an rkey are needed`);
  }
  checkAddr('remote address', wr.remoteAddr);
  checkU32('rkey', wr.rkey);
}

/** A remote address travels in 64 bits and is judged by the responder: below 0 it wraps. */
function checkAddr(name: string, v: unknown): void {
  if (typeof v !== 'number' || !Number.isSafeInteger(v)) {
    throw new Errno('EINVAL', `${name}: ${String(v)} is no address`);
  }
}

function checkLocal(wr: SendWR, len: number): void {
  if (len > 0 || (wr.sgList?.length ?? 0) > 0) {
    throw new Errno('EINVAL', `${wr.opcode}: it takes no data`);
  }
  if (wr.opcode === 'LOCAL_INV') {
    checkU32('rkey to invalidate', wr.invalidateRkey);
    return;
  }
  const bind = wr.bind;
  if (typeof bind !== 'object' || bind === null)
    throw new Errno('EINVAL', 'BIND_MW: bind is needed');
  checkU32('rkey of the window', bind.mwRkey);
  checkU32('new rkey', bind.newRkey);
  checkU32('lkey of the region', bind.mrLkey);
  checkPos('window address', bind.addr);
  checkPos('window length', bind.len);
  accessOf(bind.access);
}

function checkAtomic(wr: SendWR, len: number): void {
  if (len !== 8) throw new Errno('EINVAL', `${wr.opcode}: ${len} bytes instead of 8`);
  if (wr.remoteAddr! % 8 !== 0) {
    throw new Errno('EINVAL', `${wr.opcode}: address ${wr.remoteAddr} is not aligned to 8`);
  }
  checkU64('compareAdd', orElse(wr.compareAdd, 0n));
  checkU64('swap', orElse(wr.swap, 0n));
}

export interface SendLimits {
  readonly type: QPType;
  readonly maxSGE: number;
  readonly maxInline: number;
}

/** Check a send request; its length in bytes. EINVAL names what is wrong. */
export function checkSendWR(wr: SendWR, limits: SendLimits): number {
  if (typeof wr !== 'object' || wr === null) throw new Errno('EINVAL', 'not a work request');
  const op = opcodes[wr.opcode];
  if (op === undefined || !op.qpTypes.includes(limits.type)) {
    throw new Errno('EINVAL', `opcode ${String(wr.opcode)} on a ${limits.type} queue pair`);
  }
  checkPos('wrId', wr.wrId);
  checkFlags(orElse(wr.flags, []));
  const len = checkSGList(orElse(wr.sgList, []), limits.maxSGE);
  if (op.kind === 'local') checkLocal(wr, len);
  if (op.kind === 'write' || op.kind === 'read' || op.kind === 'atomic') checkRemote(wr);
  if (op.kind === 'atomic') checkAtomic(wr, len);
  if (op.imm) checkU32('immediate data', orElse(wr.immData, 0));
  if (wr.opcode === 'SEND_WITH_INV') checkU32('rkey to invalidate', wr.invalidateRkey);
  if (wr.flags?.includes('inline')) {
    if (!op.inline) throw new Errno('EINVAL', `${wr.opcode} cannot be inline`);
    if (len > limits.maxInline) {
      throw new Errno('EINVAL', `${len} bytes inline, at most ${limits.maxInline} fit`);
    }
  }
  if (limits.type === 'UD') checkDatagram(wr);
  return len;
}

function checkDatagram(wr: SendWR): void {
  if (wr.ah === undefined) throw new Errno('EINVAL', 'UD: an address handle is needed');
  checkU32('remote QPN', wr.remoteQPN);
  checkU32('remote qkey', wr.remoteQkey);
}

/** Check a receive request; its length in bytes. EINVAL. */
export function checkRecvWR(wr: RecvWR, maxSGE: number): number {
  if (typeof wr !== 'object' || wr === null) throw new Errno('EINVAL', 'not a receive request');
  checkPos('wrId', wr.wrId);
  return checkSGList(orElse(wr.sgList, []), maxSGE);
}
