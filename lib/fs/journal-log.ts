// The redo log on the device: records in the reserved blocks, used in a circle.
//
//   journalStart        header block, two slots (journalHeaderLayout), written in turn
//   journalStart + 1    the area: records one after the other, from its end on at its start again
//
//   record   begin (32 bytes) | body: writes, padded to 32 | commit (32 bytes)
//   write    block u32, offset u16, len u16, then len bytes, padded to 8
//
// One flush lies between body and commit, one after it; the next record is begun after that.
//
//   begin and body   commit mark   what follows      the record
//   sound            any           any               counts: whole, promised or not
//   damaged          damaged       no later record   torn, the end of the log
//   damaged          sound         any               was committed: EUCLEAN
//   damaged          damaged       a later record    was committed: EUCLEAN
//
// Sound is what its checksum says so of, with the next sequence number, which no record of an
// earlier lap has. The header says where the oldest record that is still needed begins; it is
// flushed before that space is used again. Positions count bytes of the area and never wrap in
// memory; on the device they are taken modulo its length.

import { Errno } from '../errno.js';
import { posOf } from '../units.js';
import { crc32c } from './crc32c.js';
import {
  BLOCK_SIZE,
  JOURNAL_ALIGN,
  JOURNAL_BEGIN_MAGIC,
  JOURNAL_COMMIT_MAGIC,
  JOURNAL_HEADER_MAGIC,
  JOURNAL_SLOT_LEN,
  decode,
  encode,
  journalHeaderLayout,
  journalMarkLayout,
  seal,
  sealed,
  type SuperblockValues,
} from './format.js';
import type { Partition } from './partition.js';
import type { Persistence } from './persistence.js';

/** Bytes that a transaction puts at a place of the partition. */
export interface LoggedWrite {
  readonly block: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const WRITE_HEADER = 8;
const HEADER_CHECKSUM = journalHeaderLayout.checksum.at;
const MARK_CHECKSUM = journalMarkLayout.checksum.at;
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Bytes that writes take in the log, begin and commit included. */
export function recordLen(writes: Iterable<LoggedWrite>): number {
  let len = 0;
  for (const { bytes } of writes) len += WRITE_HEADER + roundUp(bytes.length, 8);
  return roundUp(len, JOURNAL_ALIGN) + 2 * JOURNAL_ALIGN;
}

function bodyOf(writes: readonly LoggedWrite[]): Uint8Array {
  const body = new Uint8Array(recordLen(writes) - 2 * JOURNAL_ALIGN);
  const view = new DataView(body.buffer);
  let at = 0;
  for (const { block, offset, bytes } of writes) {
    view.setUint32(at, block, true);
    view.setUint16(at + 4, offset, true);
    view.setUint16(at + 6, bytes.length, true);
    body.set(bytes, at + WRITE_HEADER);
    at += WRITE_HEADER + roundUp(bytes.length, 8);
  }
  return body;
}

/** The writes of a body whose checksum matched. EUCLEAN: they lead out of the partition. */
function writesIn(body: Uint8Array, nrWrites: number, nrBlocks: number): LoggedWrite[] {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const writes: LoggedWrite[] = [];
  for (let at = 0; writes.length < nrWrites;) {
    const fits = at + WRITE_HEADER <= body.length;
    const block = fits ? view.getUint32(at, true) : nrBlocks;
    const offset = fits ? view.getUint16(at + 4, true) : 0;
    const len = fits ? view.getUint16(at + 6, true) : 0;
    const end = at + WRITE_HEADER + len;
    if (block >= nrBlocks || offset + len > BLOCK_SIZE || end > body.length) {
      throw new Errno('EUCLEAN', `journal: a write to block ${block} + ${offset}`);
    }
    writes.push({ block, offset, bytes: body.slice(at + WRITE_HEADER, end) });
    at = at + WRITE_HEADER + roundUp(len, 8);
  }
  return writes;
}

interface Found {
  readonly writes: LoggedWrite[];
  readonly len: number;
}

export class JournalLog {
  readonly #partition: Partition;
  readonly #persistence: Persistence;
  readonly #start: number;
  /** Bytes of the area. */
  readonly #areaLen: number;
  #headerWrites = 0;
  /** Both slots of the header name the same record. */
  #slotsAgree = false;
  /** Where the oldest record still needed begins, and the end of the newest. */
  #tail = 0;
  #head = 0;
  #sequence = 1;

  constructor(partition: Partition, sb: SuperblockValues, persistence: Persistence) {
    this.#partition = partition;
    this.#persistence = persistence;
    this.#start = sb.journalStart;
    this.#areaLen = (sb.journalBlocks - 1) * BLOCK_SIZE;
  }

  /** The longest record that fits. */
  get capacity(): number {
    return this.#areaLen;
  }

  get free(): number {
    return this.#areaLen - (this.#head - this.#tail);
  }

  /** Write an empty log: what mkfs and a repair do. No old record may look like the next one. */
  format(): void {
    this.#partition.zero(this.#start, 1 + this.#areaLen / BLOCK_SIZE);
    this.#persistence.flush(posOf(this.#start), posOf(1) + this.#areaLen);
    this.#writeHeader();
  }

  /**
   * The transactions that are in the log whole and may not be in their places, oldest first; they
   * are durable there, and the log goes on behind them. EUCLEAN: neither header slot is sound, or a
   * record that was committed is not. Where the file system was unmounted no record was begun since
   * the log was emptied, and what lies in it is not looked through for one.
   */
  recover(wasUnmounted = false): LoggedWrite[][] {
    this.#readHeader();
    const found: LoggedWrite[][] = [];
    for (;;) {
      const record = this.#recordAt(this.#head, this.#sequence);
      if (record === null) break;
      found.push(record.writes);
      this.#head += record.len;
      this.#sequence += 1;
      if (this.#head - this.#tail > this.#areaLen) throw damaged('its records overlap');
    }
    if (!wasUnmounted || found.length > 0) this.#checkEnd();
    // Where only the process died, a record may be seen that is not on the disk yet; it must be
    // before any part of it is in its place.
    if (found.length > 0) this.#flush(this.#tail, this.#head - this.#tail);
    return found;
  }

  /**
   * A record that does not count is the torn end, unless it was committed or another follows it:
   * its commit mark is flushed after its body, and the next one is written after that.
   */
  #checkEnd(): void {
    const end = this.#tail + this.#areaLen;
    for (let pos = this.#head; pos < end; pos += BLOCK_SIZE) {
      const bytes = this.#read(pos, Math.min(BLOCK_SIZE, end - pos));
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let at = 0; at < bytes.length; at += JOURNAL_ALIGN) {
        const magic = view.getUint32(at, true);
        if (magic !== JOURNAL_COMMIT_MAGIC && magic !== JOURNAL_BEGIN_MAGIC) continue;
        const sequence = this.#mark(pos + at, magic)?.sequence ?? 0;
        if (sequence < this.#sequence + (magic === JOURNAL_BEGIN_MAGIC ? 1 : 0)) continue;
        throw damaged(`record ${this.#sequence} is damaged, and was committed`);
      }
    }
  }

  /** Make writes one durable record. There must be room for it. EIO. */
  append(writes: readonly LoggedWrite[]): void {
    const body = bodyOf(writes);
    const bodyCrc = crc32c(body);
    const common = { sequence: this.#sequence, bodyLen: body.length, nrWrites: writes.length };
    const mark = (magic: number): Uint8Array => {
      const bytes = new Uint8Array(JOURNAL_ALIGN);
      encode(journalMarkLayout, { magic, ...common, bodyCrc, checksum: 0 }, bytes);
      seal(bytes, MARK_CHECKSUM);
      return bytes;
    };
    const commitAt = this.#head + JOURNAL_ALIGN + body.length;
    this.#write(this.#head, mark(JOURNAL_BEGIN_MAGIC));
    this.#write(this.#head + JOURNAL_ALIGN, body);
    this.#flush(this.#head, JOURNAL_ALIGN + body.length);
    this.#write(commitAt, mark(JOURNAL_COMMIT_MAGIC));
    this.#flush(commitAt, JOURNAL_ALIGN);
    this.#head = commitAt + JOURNAL_ALIGN;
    this.#sequence += 1;
  }

  /**
   * No record is needed any more: everything they say is in its place, durably. `forGood`: none may
   * be replayed again, not even when the newer slot of the header is damaged.
   */
  release(forGood = false): void {
    if (this.#tail !== this.#head) {
      this.#tail = this.#head;
      this.#writeHeader();
      this.#slotsAgree = false;
    }
    if (!forGood || this.#slotsAgree) return;
    this.#writeHeader();
    this.#slotsAgree = true;
  }

  #writeHeader(): void {
    this.#headerWrites += 1;
    const bytes = new Uint8Array(JOURNAL_SLOT_LEN);
    const tailPos = this.#tail % this.#areaLen;
    const words = { writes: this.#headerWrites, tailPos, tailSequence: this.#sequence };
    const head = { magic: JOURNAL_HEADER_MAGIC, areaLen: this.#areaLen };
    encode(journalHeaderLayout, { ...head, ...words, checksum: 0 }, bytes);
    seal(bytes, HEADER_CHECKSUM);
    const offset = (this.#headerWrites % 2) * (BLOCK_SIZE / 2);
    this.#partition.write(this.#start, offset, bytes);
    this.#persistence.flush(posOf(this.#start) + offset, JOURNAL_SLOT_LEN);
  }

  #readHeader(): void {
    const slots = [0, BLOCK_SIZE / 2].flatMap((offset) => {
      const bytes = this.#partition.read(this.#start, offset, JOURNAL_SLOT_LEN);
      const v = decode(journalHeaderLayout, bytes);
      const sound =
        v.magic === JOURNAL_HEADER_MAGIC &&
        sealed(bytes, HEADER_CHECKSUM) &&
        v.areaLen === this.#areaLen &&
        v.tailPos < this.#areaLen &&
        v.tailPos % JOURNAL_ALIGN === 0;
      return sound ? [v] : [];
    });
    const newest = slots.sort((a, b) => b.writes - a.writes)[0];
    if (newest === undefined) throw damaged('no slot of its header is sound');
    const [a, b] = slots;
    this.#slotsAgree = b !== undefined && a?.tailSequence === b.tailSequence;
    this.#headerWrites = newest.writes;
    this.#tail = newest.tailPos;
    this.#head = newest.tailPos;
    this.#sequence = newest.tailSequence;
  }

  #lenOf(bodyLen: number): number {
    return bodyLen + 2 * JOURNAL_ALIGN;
  }

  #mark(pos: number, magic: number) {
    const bytes = this.#read(pos, JOURNAL_ALIGN);
    if (!sealed(bytes, MARK_CHECKSUM)) return null;
    const v = decode(journalMarkLayout, bytes);
    const sound = v.magic === magic && v.bodyLen % JOURNAL_ALIGN === 0;
    return sound && this.#lenOf(v.bodyLen) <= this.#areaLen ? v : null;
  }

  #recordAt(pos: number, sequence: number): Found | null {
    const begin = this.#mark(pos, JOURNAL_BEGIN_MAGIC);
    if (begin === null || begin.sequence !== sequence) return null;
    const body = this.#read(pos + JOURNAL_ALIGN, begin.bodyLen);
    if (crc32c(body) !== begin.bodyCrc) return null;
    const writes = writesIn(body, begin.nrWrites, this.#partition.nrBlocks);
    return { writes, len: this.#lenOf(begin.bodyLen) };
  }

  /** The pieces of [pos, pos + len) on the device: two where it goes round the end. */
  #pieces(pos: number, len: number): { readonly at: number; readonly len: number }[] {
    const at = pos % this.#areaLen;
    const first = Math.min(len, this.#areaLen - at);
    const whole = { at, len: first };
    return first === len ? [whole] : [whole, { at: 0, len: len - first }];
  }

  #read(pos: number, len: number): Uint8Array {
    const out = new Uint8Array(len);
    let done = 0;
    for (const piece of this.#pieces(pos, len)) {
      out.set(this.#partition.read(this.#start + 1, piece.at, piece.len), done);
      done += piece.len;
    }
    return out;
  }

  #write(pos: number, bytes: Uint8Array): void {
    let done = 0;
    for (const { at, len } of this.#pieces(pos, bytes.length)) {
      this.#partition.write(this.#start + 1, at, bytes.subarray(done, done + len));
      done += len;
    }
  }

  #flush(pos: number, len: number): void {
    for (const piece of this.#pieces(pos, len)) {
      this.#persistence.flush(posOf(this.#start + 1) + piece.at, piece.len);
    }
  }
}

const damaged = (what: string): Errno => new Errno('EUCLEAN', `journal: ${what}`);
