// Frames of a wire between processes: length, type and checksum before the bytes.
//
//   'LHW1'  type  length  crc32 of the body    4 bytes each, big endian, then the body
//
// A body whose checksum is wrong is dropped, as a network drops a packet: who sent it tries again.
// What is no frame at all ends the stream: there is no way to find the next one.

import { crc32 } from 'node:zlib';
import { Errno } from '../../lib/driver/index.js';

export const frameTypes = ['hello', 'request', 'response'] as const;
export type FrameType = (typeof frameTypes)[number];

export interface Frame {
  readonly type: FrameType;
  readonly body: Uint8Array;
}

const MAGIC = 0x4c485731;
const HEADER_LEN = 16;
/** A message of 2^31 bytes, and what is said about it. */
const MAX_BODY = 2 ** 31 + 65536;

/** The parts of a frame, to be written one after the other. */
export function frameParts(type: FrameType, body: readonly Uint8Array[]): Uint8Array[] {
  const header = new DataView(new ArrayBuffer(HEADER_LEN));
  let crc = 0;
  let len = 0;
  for (const part of body) {
    crc = crc32(part, crc);
    len += part.length;
  }
  header.setUint32(0, MAGIC);
  header.setUint32(4, frameTypes.indexOf(type));
  header.setUint32(8, len);
  header.setUint32(12, crc);
  return [new Uint8Array(header.buffer), ...body];
}

/** Makes frames of a stream of bytes that comes in pieces of any size. */
export class FrameReader {
  /** Frames dropped because of their checksum. */
  corrupted = 0;
  #chunks: Uint8Array[] = [];
  #buffered = 0;

  /** The frames that are whole now. EPROTO: this is no stream of frames. */
  *push(chunk: Uint8Array): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    for (;;) {
      if (this.#buffered < HEADER_LEN) return;
      const head = this.#joined(HEADER_LEN);
      const view = new DataView(head.buffer, head.byteOffset, HEADER_LEN);
      const type = frameTypes[view.getUint32(4)];
      const len = view.getUint32(8);
      if (view.getUint32(0) !== MAGIC || type === undefined || len > MAX_BODY) {
        throw new Errno('EPROTO', 'what came is no frame');
      }
      if (this.#buffered < HEADER_LEN + len) return;
      const crc = view.getUint32(12);
      const body = this.#take(HEADER_LEN + len).subarray(HEADER_LEN);
      if (crc32(body) === crc) yield { type, body };
      else this.corrupted++;
    }
  }

  /** At least len bytes in one piece, from the first on; they stay. */
  #joined(len: number): Uint8Array {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= len) return first;
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }

  #take(len: number): Uint8Array {
    const all = this.#joined(len);
    this.#buffered -= len;
    if (all.length > len) this.#chunks[0] = all.subarray(len);
    else this.#chunks.shift();
    return all.subarray(0, len);
  }
}
