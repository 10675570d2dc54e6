// One block of a directory: records of variable length that fill it up to its tail. Pure bytes.
//
// A record is long enough for its name; what is left over belongs to the record before it, so that
// removing a record means lengthening its predecessor (as in ext2). The first record of a block
// becomes an unused one instead.

import { Errno } from '../errno.js';
import {
  BLOCK_SIZE,
  DIRECTORY_MAGIC,
  DIRECTORY_TAIL_AT,
  DIRENT_HEADER_LEN,
  decode,
  direntKinds,
  direntLayout,
  directoryTailLayout,
  encode,
  seal,
  sealed,
  type FileKind,
} from './format.js';

const CHECKSUM_AT = directoryTailLayout.checksum.at;
const utf8 = new TextDecoder('utf-8', { fatal: true });
const toUtf8 = new TextEncoder();

export interface Dirent {
  readonly name: string;
  readonly ino: number;
  readonly kind: FileKind;
}

interface Slot {
  readonly at: number;
  readonly recLen: number;
  /** Bytes that the record itself needs; 0 for an unused one. */
  readonly usedLen: number;
  readonly entry: Dirent | null;
}

/** Bytes a record for a name of nameLen bytes takes. */
export const direntLen = (nameLen: number): number => DIRENT_HEADER_LEN + ((nameLen + 3) & ~3);

export const nameBytes = (name: string): Uint8Array => toUtf8.encode(name);

/** Whether a name or a path takes more than max bytes; most need not be encoded to see that. */
export const isLongerThan = (name: string, max: number): boolean =>
  name.length * 3 > max && nameBytes(name).length > max;

/** An empty block of the directory ino. */
export function emptyDirectoryBlock(ino: number): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  writeRecord(block, { at: 0, recLen: DIRECTORY_TAIL_AT, ino: 0, kind: 0, name: new Uint8Array() });
  encode(directoryTailLayout, { magic: DIRECTORY_MAGIC, ino, checksum: 0 }, block);
  seal(block, CHECKSUM_AT);
  return block;
}

interface Record {
  readonly at: number;
  readonly recLen: number;
  readonly ino: number;
  readonly kind: number;
  readonly name: Uint8Array;
}

function writeRecord(block: Uint8Array, r: Record): void {
  const { ino, recLen, kind, name } = r;
  encode(direntLayout, { ino, recLen, kind, nameLen: name.length }, block, r.at);
  block.set(name, r.at + DIRENT_HEADER_LEN);
}

function kindOfCode(code: number): FileKind | undefined {
  return (['file', 'dir', 'link'] as const).find((kind) => direntKinds[kind] === code);
}

/** The records of a block, in order. EUCLEAN: it is no sound block of directory ino. */
function slots(block: Uint8Array, ino: number): Slot[] {
  const bad = (what: string): never => {
    throw new Errno('EUCLEAN', `directory ${ino}: ${what}`);
  };
  const tail = decode(directoryTailLayout, block);
  if (tail.magic !== DIRECTORY_MAGIC || tail.ino !== ino) bad('a block has another tail');
  if (!sealed(block, CHECKSUM_AT)) bad('a block does not match its checksum');
  const out: Slot[] = [];
  for (let at = 0; at < DIRECTORY_TAIL_AT;) {
    const head = decode(direntLayout, block, at);
    const usedLen = head.ino === 0 ? 0 : direntLen(head.nameLen);
    const { recLen } = head;
    if (recLen < Math.max(usedLen, DIRENT_HEADER_LEN) || recLen % 4 !== 0) bad(`record at ${at}`);
    if (at + recLen > DIRECTORY_TAIL_AT) bad(`record at ${at} reaches past the block`);
    out.push({ at, recLen, usedLen, entry: head.ino === 0 ? null : entryAt(block, at, head, bad) });
    at += recLen;
  }
  return out;
}

function entryAt(
  block: Uint8Array,
  at: number,
  head: { ino: number; nameLen: number; kind: number },
  bad: (what: string) => never,
): Dirent {
  const kind = kindOfCode(head.kind) ?? bad(`record at ${at} is of kind ${head.kind}`);
  const bytes = block.subarray(at + DIRENT_HEADER_LEN, at + DIRENT_HEADER_LEN + head.nameLen);
  try {
    const name = utf8.decode(bytes);
    if (name.length === 0 || name.includes('/')) bad(`record at ${at} has no proper name`);
    return { name, ino: head.ino, kind };
  } catch (cause) {
    if (cause instanceof Errno) throw cause;
    return bad(`record at ${at} has a name that is not UTF-8`);
  }
}

/** The entries of a block. EUCLEAN: it is damaged. */
export function readDirectoryBlock(block: Uint8Array, ino: number): Dirent[] {
  return slots(block, ino).flatMap((slot) => (slot.entry === null ? [] : [slot.entry]));
}

/** The longest record, in bytes, that fits into the block. */
export function roomIn(block: Uint8Array, ino: number): number {
  return slots(block, ino).reduce((most, slot) => Math.max(most, slot.recLen - slot.usedLen), 0);
}

/** Whether a name of nameLen bytes fits into the block. */
export function hasRoom(block: Uint8Array, ino: number, nameLen: number): boolean {
  return roomIn(block, ino) >= direntLen(nameLen);
}

/** Add an entry; false: there is no room, and nothing was changed. */
export function addDirent(block: Uint8Array, ino: number, entry: Dirent): boolean {
  const name = nameBytes(entry.name);
  const slot = slots(block, ino).find((s) => s.recLen - s.usedLen >= direntLen(name.length));
  if (slot === undefined) return false;
  const at = slot.at + slot.usedLen;
  if (slot.usedLen > 0) setRecLen(block, slot.at, slot.usedLen);
  const recLen = slot.recLen - slot.usedLen;
  writeRecord(block, { at, recLen, ino: entry.ino, kind: direntKinds[entry.kind], name });
  seal(block, CHECKSUM_AT);
  return true;
}

/** Remove the entry of that name; false: the block has none. */
export function removeDirent(block: Uint8Array, ino: number, name: string): boolean {
  const all = slots(block, ino);
  const i = all.findIndex((slot) => slot.entry?.name === name);
  if (i < 0) return false;
  const slot = all[i]!;
  const before = all[i - 1];
  if (before === undefined) {
    writeRecord(block, { ...slot, ino: 0, kind: 0, name: new Uint8Array() });
  } else {
    setRecLen(block, before.at, before.recLen + slot.recLen);
  }
  seal(block, CHECKSUM_AT);
  return true;
}

/** Let the entry of that name mean another inode; false: the block has no such name. */
export function retargetDirent(block: Uint8Array, ino: number, entry: Dirent): boolean {
  const slot = slots(block, ino).find((s) => s.entry?.name === entry.name);
  if (slot === undefined) return false;
  const name = nameBytes(entry.name);
  const { at, recLen } = slot;
  writeRecord(block, { at, recLen, ino: entry.ino, kind: direntKinds[entry.kind], name });
  seal(block, CHECKSUM_AT);
  return true;
}

function setRecLen(block: Uint8Array, at: number, recLen: number): void {
  encode(direntLayout, { ...decode(direntLayout, block, at), recLen }, block, at);
}
