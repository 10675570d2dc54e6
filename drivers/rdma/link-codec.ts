// Messages between processes as bytes: a JSON head with everything but the payload, then the
// payload. The other process is not trusted: every field is looked at before the adapter is.
//
// Requests and answers have a number, by which an answer finds who waits for it.

import { Errno } from '../../lib/driver/index.js';
import { bytesPayload } from './payload.js';
import { MAX_PSN, type Syndrome, type WireRequest, type WireResponse } from './wire.js';

type Head = Record<string, unknown>;

function encode(head: Head, payload: Uint8Array | null): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(head));
  const len = Buffer.alloc(4);
  len.writeUInt32BE(text.length);
  return payload === null ? [len, text] : [len, text, payload];
}

function decode(body: Uint8Array): { head: Head; payload: Uint8Array } {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (buffer.length < 4) throw new Errno('EPROTO', 'a message without a head');
  const end = 4 + buffer.readUInt32BE(0);
  if (end > buffer.length) throw new Errno('EPROTO', 'a head longer than its message');
  let head: unknown;
  try {
    head = JSON.parse(buffer.toString('utf8', 4, end));
  } catch (e) {
    throw new Errno('EPROTO', 'a head that is no JSON', { cause: e });
  }
  if (typeof head !== 'object' || head === null) throw new Errno('EPROTO', 'no head');
  const payload = new Uint8Array(body.buffer, body.byteOffset + end, body.length - end);
  return { head: head as Head, payload };
}

const bad = (name: string, v: unknown): Errno => new Errno('EPROTO', `${name}: ${String(v)}`);

function int(head: Head, name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const v = head[name];
  if (typeof v !== 'number' || !Number.isInteger(v) || v < min || v > max) throw bad(name, v);
  return v;
}

function u64(head: Head, name: string): bigint {
  const v = head[name];
  if (typeof v !== 'string' || !/^\d{1,20}$/.test(v)) throw bad(name, v);
  return BigInt.asUintN(64, BigInt(v));
}

function text(head: Head, name: string): string {
  const v = head[name];
  if (typeof v !== 'string' || v.length > 64) throw bad(name, v);
  return v;
}

function flag(head: Head, name: string): boolean {
  const v = head[name];
  if (typeof v !== 'boolean') throw bad(name, v);
  return v;
}

function oneOf<T extends string>(head: Head, name: string, values: readonly T[]): T {
  const v = head[name];
  if (!values.includes(v as T)) throw bad(name, v);
  return v as T;
}

const U32 = 0xffffffff;

export const encodeHello = (gid: string): Uint8Array[] => encode({ gid }, null);

/** EPROTO, as for all of these. */
export const decodeHello = (body: Uint8Array): string => text(decode(body).head, 'gid');

/** The payload of a request that leaves the machine is bytes. */
export function encodeRequest(id: number, request: WireRequest): Uint8Array[] {
  const { payload, compare, swapOrAdd, ...rest } = request;
  const head = { ...rest, id, compare: compare.toString(), swapOrAdd: swapOrAdd.toString() };
  return encode(head, payload?.kind === 'bytes' ? payload.bytes : null);
}

export function decodeRequest(body: Uint8Array): { id: number; request: WireRequest } {
  const { head, payload } = decode(body);
  const kind = oneOf(head, 'kind', ['send', 'write', 'read', 'atomic']);
  const carries = kind === 'send' || kind === 'write';
  const len = int(head, 'len', 0, 2 ** 31);
  const complete = flag(head, 'complete');
  const fits = !carries ? payload.length === 0 : complete ? payload.length === len : true;
  if (!fits || payload.length > len) throw bad('payload', `${payload.length} bytes of ${len}`);
  const request: WireRequest = {
    ...{ kind, len, complete },
    srcGid: text(head, 'srcGid'),
    srcQPN: int(head, 'srcQPN', 0, U32),
    destGid: text(head, 'destGid'),
    destQPN: int(head, 'destQPN', 0, U32),
    seq: int(head, 'seq', 0, MAX_PSN),
    mtu: int(head, 'mtu', 256, 4096),
    payload: carries ? bytesPayload(payload) : null,
    remoteAddr: int(head, 'remoteAddr', Number.MIN_SAFE_INTEGER),
    rkey: int(head, 'rkey', 0, U32),
    solicited: flag(head, 'solicited'),
    compare: u64(head, 'compare'),
    swapOrAdd: u64(head, 'swapOrAdd'),
    ...(kind === 'atomic' && { atomic: oneOf(head, 'atomic', ['FETCH_AND_ADD', 'CMP_AND_SWP']) }),
    ...(head['immData'] !== undefined && { immData: int(head, 'immData', 0, U32) }),
    ...(head['invalidateRkey'] !== undefined && {
      invalidateRkey: int(head, 'invalidateRkey', 0, U32),
    }),
    ...(head['qkey'] !== undefined && { qkey: int(head, 'qkey', 0, U32) }),
  };
  return { id: int(head, 'id'), request };
}

/** null: nothing is answered, and the sender's time runs out. */
export function encodeResponse(id: number, answer: WireResponse): Uint8Array[] {
  const { payload, old, syndrome, rnrTimer, expected } = answer;
  const head = { id, syndrome, rnrTimer, expected, carries: payload !== undefined };
  const bytes = payload?.kind === 'bytes' ? payload.bytes : null;
  return encode(old === undefined ? head : { ...head, old: old.toString() }, bytes);
}

const syndromes = ['ACK', 'RNR', 'NAK_SEQ', 'NAK_INVALID', 'NAK_ACCESS', 'NAK_OP'] as const;

export function decodeResponse(body: Uint8Array): { id: number; answer: WireResponse } {
  const { head, payload } = decode(body);
  const answer: WireResponse = {
    syndrome: oneOf<Syndrome>(head, 'syndrome', syndromes),
    ...(head['rnrTimer'] !== undefined && { rnrTimer: int(head, 'rnrTimer', 0, 31) }),
    ...(head['expected'] !== undefined && { expected: int(head, 'expected', 0, MAX_PSN) }),
    ...(head['old'] !== undefined && { old: u64(head, 'old') }),
    ...(flag(head, 'carries') && { payload: bytesPayload(payload) }),
  };
  return { id: int(head, 'id'), answer };
}
