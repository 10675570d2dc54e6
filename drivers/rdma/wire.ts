// What travels between two adapters: requests of a queue pair, and the answers to them.
//
// One request is one message, whatever its length; `mtu` is where the sender would have cut it
// into packets, and errors fall on those cuts. A message of a local neighbour carries its bytes by
// reference to the region they lie in; one that leaves the machine carries the bytes.

import type { Payload } from './payload.js';

export type Syndrome = 'ACK' | 'RNR' | 'NAK_SEQ' | 'NAK_INVALID' | 'NAK_ACCESS' | 'NAK_OP';

export interface WireRequest {
  readonly kind: 'send' | 'write' | 'read' | 'atomic';
  readonly srcGid: string;
  readonly srcQPN: number;
  readonly destGid: string;
  readonly destQPN: number;
  /** Number of its first packet on the queue pair, of 24 bits; see psnAfter(). */
  readonly seq: number;
  /** Length the header claims (RETH); the payload may end before it, at a packet's end. */
  readonly len: number;
  readonly mtu: number;
  /** Bytes of a send or write; null for the others. */
  readonly payload: Payload | null;
  /** False: the sender failed before the last packet. */
  readonly complete: boolean;
  readonly remoteAddr: number;
  readonly rkey: number;
  readonly solicited: boolean;
  readonly compare: bigint;
  readonly swapOrAdd: bigint;
  readonly atomic?: 'FETCH_AND_ADD' | 'CMP_AND_SWP';
  readonly immData?: number;
  readonly invalidateRkey?: number;
  /** UD. */
  readonly qkey?: number;
}

export interface WireResponse {
  readonly syndrome: Syndrome;
  /** RNR: how long to wait before the next try. */
  readonly rnrTimer?: number;
  /**
   * READ: the bytes. They may turn out to be unreadable while they are fetched: then NAK_ACCESS.
   */
  readonly payload?: Payload;
  /** Atomics: what was there before. */
  readonly old?: bigint;
  /** NAK_SEQ: the number that was expected. */
  readonly expected?: number;
  /** The bytes of a READ could not be fetched after all: the responder wants to know. */
  failed?(): void;
}

/** The greatest number of a packet: 24 bits. */
export const MAX_PSN = 0xffffff;

/** The number after a message: each packet has one, and a message of no bytes is one packet. */
export const psnAfter = (psn: number, len: number, mtu: number): number =>
  (psn + Math.max(1, Math.ceil(len / mtu))) & MAX_PSN;

/** Whether a comes before b, on the shorter way round the 24 bits (rxe_hdr.h: psn_compare). */
export const psnBefore = (a: number, b: number): boolean => (a - b) << 8 < 0;

/** rxe_comp.c: rnrnak_usec, in nanoseconds by the 5-bit timer code (IBA table 45). */
const rnrTimerUs = [
  655360, 10, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 640, 960, 1280, 1920, 2560, 3840, 5120,
  7680, 10240, 15360, 20480, 30720, 40960, 61410, 81920, 122880, 163840, 245760, 327680, 491520,
];

export const rnrTimerNs = (code: number): number => rnrTimerUs[code & 31]! * 1000;

/** Local ACK timeout: 4.096 us * 2^timeout; 0: never (IBA 11.2.4.2). */
export const ackTimeoutNs = (timeout: number): number =>
  timeout === 0 ? Infinity : 4096 * 2 ** timeout;
