// The native addon: the types of what native/ exports, and the only place that loads it.
//
// Bytes and counters only; what they mean is decided above. Arguments are checked for type and
// range (TypeError, RangeError naming the argument); a refusing system call throws a SystemError. A
// call that throws has changed nothing. Positions and lengths are bytes unless the name says pages.

import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Errno, type ErrnoCode, errnoNumbers } from './errno.js';

/** What a system call's refusal looks like when it comes from the addon. */
export interface SystemError extends Error {
  readonly code: string;
  /** Negative, as Node.js has it. */
  readonly errno: number;
  readonly syscall: string;
}

/**
 * A page whose count refused: ENOMEM at the limit, ERR_PAGE_UNDERFLOW when nothing is to give back.
 */
export interface PageCountError extends Error {
  readonly code: 'ENOMEM' | 'ERR_PAGE_UNDERFLOW';
  /** The page's place in the range or list of the call. */
  readonly index: number;
  readonly pfn: number;
}

/**
 * One open file description. Its locks (F_OFD_SETLK) exclude every other description, also of this
 * process, and go with close() or the process, however it dies. Closed: EBADF.
 */
export interface DaxFile {
  close(): void;
  /** This call made the file. */
  readonly created: boolean;
  readonly fd: number;
  /** Lock bytes [pos, pos + len), trying for so long; false if another holds them. At most 1 h. */
  lock(pos: number, len: number, timeoutMs: number): boolean;
  lockedByOther(pos: number, len: number): boolean;
  /** Map the whole file. The second mapping of a file in a process is the first one's memory. */
  map(): DaxMapping;
  /** pread of all of target; EIO when the file ends before. */
  read(pos: number, target: Uint8Array): void;
  /** Memory files only: nobody may change the size any more. */
  seal(): void;
  setSize(len: number): void;
  readonly size: number;
  unlock(pos: number, len: number): void;
  /** pwrite of all of source, then fdatasync. */
  write(pos: number, source: Uint8Array): void;
}

/** A mapped file. Closing drops this share; the memory stays while a buffer over it is alive. */
export interface DaxMapping {
  /** A touch of a page of the range reads that page from the file, and none ahead of it. */
  adviseRandom(pos: number, len: number): void;
  /** The same object at every call while it is alive; what workers are sent shares the memory. */
  readonly buffer: SharedArrayBuffer;
  close(): void;
  /** Index of the first byte that differs from the mapping at pos, or -1. */
  compare(pos: number, bytes: Uint8Array): number;
  /** memmove to another mapping, or within this one. */
  copyTo(pos: number, target: DaxMapping, targetPos: number, len: number): void;
  fill(pos: number, len: number, byte: number): void;
  fillAsync(pos: number, len: number, byte: number): Promise<void>;
  /** msync(MS_SYNC). */
  flush(pos: number, len: number): void;
  flushAsync(pos: number, len: number): Promise<void>;
  readonly len: number;
  /** Pages that the file lost under us, which read as private zeroes since. */
  readonly poisonedCount: number;
  /** Which those are, counted from the start of the mapping, ascending. */
  poisonedPages(): number[];
  /** fallocate(PUNCH_HOLE): reads as zero afterwards. Whole blocks are given back to the host. */
  punch(pos: number, len: number): void;
  read(pos: number, target: Uint8Array): void;
  readAsync(pos: number, target: Uint8Array): Promise<void>;
  write(pos: number, source: Uint8Array): void;
  writeAsync(pos: number, source: Uint8Array): Promise<void>;
}

/**
 * Where the pages and counters of a region lie in a buffer. Plain data: it may be posted to a
 * worker.
 */
export interface NativeRegion {
  readonly buffer: SharedArrayBuffer;
  readonly basePfn: number;
  readonly nrPages: number;
  /** Page words, 8 bytes a page; a multiple of 8. */
  readonly countersPos: number;
  /** Summary counters, 8 bytes per 512 pages. */
  readonly summaryPos: number;
  /** nrSlots rows of 8 bytes per 512 pages. Left out with nrSlots: nobody keeps a tally. */
  readonly talliesPos?: number;
  readonly nrSlots?: number;
  readonly dataPos: number;
}

/** A list of global page frame numbers. */
export type PfnList = Uint32Array | Int32Array;

/**
 * Up to 8 regions under one numbering. get/put count references, pin/unpin pins (each is a
 * reference too); all sequentially consistent. A refused count throws PageCountError and leaves
 * none changed.
 */
export interface NativePageSpace {
  /** The index of the region. */
  addRegion(region: NativeRegion): number;
  /** Keep the tally of this region in the row of slot. Until then it is row 0. */
  setOpener(regionIndex: number, slot: number): void;

  getRange(pfn: number, nrPages: number): void;
  putRange(pfn: number, nrPages: number): void;
  pinRange(pfn: number, nrPages: number): void;
  unpinRange(pfn: number, nrPages: number): void;
  getList(pfns: PfnList, pos: number, nrPages: number): void;
  putList(pfns: PfnList, pos: number, nrPages: number): void;
  pinList(pfns: PfnList, pos: number, nrPages: number): void;
  unpinList(pfns: PfnList, pos: number, nrPages: number): void;
  /** Index from pfn of the first page that is not idle, or -1. */
  firstBusy(pfn: number, nrPages: number): number;
  /** Index from pos of the first page that is not idle, or -1. */
  firstBusyList(pfns: PfnList, pos: number, nrPages: number): number;
  /** References beyond idle, pins included. */
  refcount(pfn: number): number;
  pincount(pfn: number): number;

  /**
   * gup_fast: take the pages of entries index, index + 1, ... until one is not present, not
   * writable though write, NOGUP, changed meanwhile or at its limit. The pages taken, their pfns in
   * out.
   */
  gupFast(
    ptes: Int32Array,
    index: number,
    nr: number,
    write: boolean,
    pin: boolean,
    out: Uint32Array,
    outPos: number,
  ): number;
  /** Step 1 of gupFast: entries that may be taken, before the first that may not; copied. */
  gupRead(
    ptes: Int32Array,
    index: number,
    nr: number,
    write: boolean,
    entries: Uint32Array,
    entriesPos: number,
  ): number;
  /** Step 2: raise the pages of entries; how many were, before the first that refused. */
  gupRaise(entries: Uint32Array, entriesPos: number, nr: number, pin: boolean): number;
  /**
   * Step 3: how many entries still stand, their pfns in out. The pages of the rest are put back.
   */
  gupRecheck(
    ptes: Int32Array,
    index: number,
    nr: number,
    entries: Uint32Array,
    entriesPos: number,
    pin: boolean,
    out: Uint32Array,
    outPos: number,
  ): number;

  // Bytes are counted from the start of the first page of the list. Adjacent pages are copied at
  // once.
  compareBytes(
    pfns: PfnList,
    byteOffset: number,
    bytes: Uint8Array,
    bytesPos: number,
    len: number,
  ): number;
  comparePages(a: PfnList, aOffset: number, b: PfnList, bOffset: number, len: number): number;
  copyFrom(
    pfns: PfnList,
    byteOffset: number,
    target: Uint8Array,
    targetPos: number,
    len: number,
  ): void;
  copyFromAsync(
    pfns: PfnList,
    byteOffset: number,
    target: Uint8Array,
    targetPos: number,
    len: number,
  ): Promise<void>;
  /** Like memmove, also when the two lists share pages. */
  copyPages(
    target: PfnList,
    targetOffset: number,
    source: PfnList,
    sourceOffset: number,
    len: number,
  ): void;
  copyTo(
    pfns: PfnList,
    byteOffset: number,
    source: Uint8Array,
    sourcePos: number,
    len: number,
  ): void;
  copyToAsync(
    pfns: PfnList,
    byteOffset: number,
    source: Uint8Array,
    sourcePos: number,
    len: number,
  ): Promise<void>;
  fillPages(pfns: PfnList, byteOffset: number, len: number, byte: number): void;
  fillPagesAsync(pfns: PfnList, byteOffset: number, len: number, byte: number): Promise<void>;
  zeroPage(pfn: number): void;

  // 64-bit atomics at a multiple of 8 within a page. Values are taken modulo 2^64; the old one
  // returned.
  fetchAdd(pfn: number, byteOffset: number, value: bigint): bigint;
  compareSwap(pfn: number, byteOffset: number, expected: bigint, desired: bigint): bigint;
}

export type FutexResult = 'ok' | 'not-equal' | 'timed-out';

/** A pending wait. `id` is for futexCancel, after which the result is 'cancelled'. */
export interface FutexPending {
  readonly id: number;
  readonly result: Promise<'ok' | 'timed-out' | 'cancelled'>;
}

export interface NativeAddon {
  readonly PageSpace: new () => NativePageSpace;
  /** Open for reading and writing. ENOENT unless create; EISDIR; EINVAL if not a regular file. */
  openFile(path: string, create: boolean): DaxFile;
  /** Memory without a file (memfd), size 0; others of this user open it as /proc/<pid>/fd/<fd>. */
  memoryFile(name: string): DaxFile;
  memcpy(
    target: Uint8Array,
    targetPos: number,
    source: Uint8Array,
    sourcePos: number,
    len: number,
  ): void;
  /**
   * Index of the first page of pfns[from..to) that is not in the region whose words (page-meta.ts)
   * begin with basePfn, or whose owner is not the one of `owners`; `to` if there is none.
   */
  firstStranger(
    meta: Uint32Array,
    basePfn: number,
    pfns: Uint32Array,
    owners: Uint32Array,
    from: number,
    to: number,
  ): number;
  /** Block this thread while the word is as expected. Also across processes. */
  futexWait(
    words: Int32Array | Uint32Array,
    index: number,
    expected: number,
    timeoutMs: number,
  ): FutexResult;
  /** The same without blocking. A wake that changed nothing may be missed. */
  futexWaitAsync(
    words: Int32Array | Uint32Array,
    index: number,
    expected: number,
    timeoutMs?: number,
  ): FutexPending | 'not-equal';
  futexCancel(id: number): boolean;
  /** Wake up to nr waiters; how many were woken. */
  futexWake(words: Int32Array | Uint32Array, index: number, nr: number): number;
}

const fileName = 'leasehold.node';
const places = [
  join('build', 'Release', fileName),
  join('prebuilds', `${process.platform}-${process.arch}`, fileName),
];

// From source this is lib/, from a bundle dist/ or below: the package is the first folder upwards
// that has a binary. In a CommonJS bundle import.meta is empty, but there is __dirname (which must
// not be asked first: a script that a worker evaluates has a global of that name, '.').
function* foldersUpwards(): Generator<string> {
  const url: string | undefined = import.meta.url;
  let folder = url === undefined ? __dirname : dirname(fileURLToPath(url));
  for (;;) {
    yield folder;
    const parent = dirname(folder);
    if (parent === folder) return;
    folder = parent;
  }
}

function loadAddon(): NativeAddon {
  const failures: string[] = [];
  for (const folder of foldersUpwards()) {
    for (const place of places) {
      const path = join(folder, place);
      if (!existsSync(path)) continue;
      try {
        return createRequire(path)(path) as NativeAddon;
      } catch (e) {
        failures.push(`${path}: ${e instanceof Error ? e.message : String(e)}`);
      }
    }
  }
  const why =
    process.platform !== 'linux'
      ? `Leasehold needs Linux; this is ${process.platform}.`
      : failures.length === 0
        ? `No ${places.join(' and no ')} was found. Build it: npm run build:native`
        : `It does not load here. Build it anew: npm run build:native\n  ${failures.join('\n  ')}`;
  throw new Error(`The native addon of leasehold is missing. ${why}`);
}

export const native: NativeAddon = loadAddon();

/** Whether e is a refused system call of the addon. */
export function isSystemError(e: unknown): e is SystemError {
  return e instanceof Error && 'syscall' in e && 'errno' in e && 'code' in e;
}

/** Run fn; a system call that it was refused becomes an Errno saying what was being done. */
export function asErrno<T>(what: string, fn: () => T): T {
  try {
    return fn();
  } catch (e) {
    if (!isSystemError(e) || e instanceof Errno) throw e;
    const code: ErrnoCode = e.code in errnoNumbers ? (e.code as ErrnoCode) : 'EIO';
    const reason = e.message.replace(/^[^:]*: /, '');
    throw new Errno(code, `${what}: ${reason}`, { syscall: e.syscall, cause: e });
  }
}
