// DaxDevice: a file (or memory without one) as a DAX device: bytes, page counters and page meta in
// one shared mapping. Where everything lies in the file: dax-info-block.ts. Who has it open:
// dax-openers.ts.
//
//   open | memory --> OPEN --close--> CLOSED: every call is EBADF, views stay readable
//                      `--lockMount--> MOUNTED --dispose--> OPEN
//
// Opening is shared by any number of processes (16), mounting is exclusive. Positions are bytes
// from the start of the data; pages are counted from its page 0. Stores of one opener are seen by
// all at once, since it is one memory; flush() is for the disk only. Counts are raised and lowered
// through a native PageSpace (region() says how to add the device to one), never through these
// views.
//
// The meta of pages belongs to whoever has the device mounted; when it is emptied: dax-meta.ts.

import { rmSync } from 'node:fs';

import { constant } from '../constant.js';
import { Errno, isErrno } from '../errno.js';
import { asErrno, type DaxFile, type DaxMapping, native, type NativeRegion } from '../native.js';
import { PAGE_SIZE } from '../units.js';
import {
  checkSize,
  type DaxLayout,
  decodeInfoBlock,
  encodeInfoBlock,
  layoutOf,
  META_WORDS,
  NR_SLOTS,
} from './dax-info-block.js';
import { clearMeta, renewMeta } from './dax-meta.js';
import { type Opener, Openers, type PageRun } from './dax-openers.js';

export interface DaxOpenOptions {
  /** Data bytes: a multiple of 4096, at least 64 KiB. Of an existing device it must be the size. */
  readonly size?: number;
  /**
   * Make the file if it is missing or empty; then size must be given. Never overwrites anything.
   */
  readonly create?: boolean;
}

/**
 * A region of a native PageSpace and the opener row that its counts go to. May be posted to a
 * worker.
 */
export interface DaxRegion extends NativeRegion {
  readonly slot: number;
}

/**
 * Every open device of this thread. One that was forgotten must not be collected: its lock would
 * go, and others would take its pins for a dead opener's while page spaces still count in its slot.
 */
const openDevices = new Set<DaxDevice>();

/** Opening is brief; who waits longer than this waits for a stopped process. */
const openingTimeoutMs = 10_000;

export class DaxDevice implements Disposable {
  /** Where others can open it too: for memory, /proc/<pid>/fd/<fd>. */
  readonly path: string;
  /** Data bytes. */
  readonly len: number;
  readonly nrPages: number;
  /** Whether flush() waits for the disk. Bytes outlive this process either way. */
  flushes = true;
  /** The whole mapping; the data starts at dataPos. */
  readonly buffer: SharedArrayBuffer;
  readonly dataPos: number;
  /**
   * Two u32 a page: references beyond idle at 2 * page, pins at 2 * page + 1. To read with Atomics.
   */
  readonly counters: Uint32Array;
  /** Eight u32 a page, see page-meta.ts. */
  readonly meta: Uint32Array;
  readonly #file: DaxFile;
  readonly #mapping: DaxMapping;
  readonly #layout: DaxLayout;
  readonly #openers: Openers;
  /** pid of who has it mounted; mounts so far. */
  readonly #mountWords: Uint32Array;
  /** Mounts so far when the meta was ours last. */
  #mountsSeen: number;
  #state: 'OPEN' | 'MOUNTED' | 'CLOSED' = 'OPEN';

  private constructor(path: string, file: DaxFile, mapping: DaxMapping, layout: DaxLayout) {
    this.path = path;
    this.len = layout.size;
    this.nrPages = layout.nrPages;
    this.buffer = mapping.buffer;
    this.dataPos = layout.dataPos;
    this.counters = new Uint32Array(this.buffer, layout.countersPos, 2 * layout.nrPages);
    this.meta = new Uint32Array(this.buffer, layout.metaPos, META_WORDS * layout.nrPages);
    this.#file = file;
    this.#mapping = mapping;
    // Counters are touched here and there: reading ahead would fill holes of the file with zeros.
    mapping.adviseRandom(0, layout.dataPos);
    this.#layout = layout;
    this.#mountWords = new Uint32Array(this.buffer, layout.mountPos, 2);
    this.#mountsSeen = Atomics.load(this.#mountWords, 1);
    this.#openers = new Openers(file, this.buffer, layout);
    if (this.#openers.recover()) clearMeta(mapping, layout, this.meta);
    else this.#mountsSeen--; // whoever mounts now comes after another machine
    this.#openers.claim();
    openDevices.add(this);
  }

  /**
   * Open a device file. EINVAL for a bad size (also one that is not the device's); ENOENT; EISDIR;
   * EUCLEAN naming path for a file that is no device, damaged or too short; EBUSY when 16 have it
   * open. Pins left by openers that died are taken back now if no other opener lives.
   */
  static open(path: string, opts: DaxOpenOptions = {}): DaxDevice {
    const { size, create = false } = opts;
    if (typeof path !== 'string' || path === '' || path.includes('\0')) {
      throw new Errno('EINVAL', `path ${JSON.stringify(path)}: must name a file`);
    }
    if (size !== undefined) checkSize(size);
    const file = openFile(path, size, create);
    try {
      return startUnderLock(file, path, () => {
        const layout = existingOrNew(file, path, size, create);
        return mapped(file, path, layout, (mapping) => new DaxDevice(path, file, mapping, layout));
      });
    } catch (e) {
      if (file.created) rmSync(path, { force: true });
      file.close();
      throw e;
    }
  }

  /** A device of `size` data bytes in memory, gone with its last opener. */
  static memory(size: number): DaxDevice {
    checkSize(size);
    const layout = layoutOf(size);
    const file = asErrno('memory', () => native.memoryFile('leasehold'));
    const path = `/proc/${process.pid}/fd/${file.fd}`;
    try {
      return startUnderLock(file, path, () => {
        asErrno(`memory of ${size} bytes`, () => file.setSize(layout.fileLen));
        file.seal();
        return mapped(file, path, layout, (mapping) => {
          mapping.write(0, encodeInfoBlock(layout));
          return new DaxDevice(path, file, mapping, layout);
        });
      });
    } catch (e) {
      file.close();
      throw e;
    }
  }

  get closed(): boolean {
    return this.#state === 'CLOSED';
  }

  /** The opener slot that this device counts in. */
  get slot(): number {
    return this.#openers.slot;
  }

  read(pos: number, target: Uint8Array): void {
    this.#check('read', pos, lengthOf('read', target));
    this.#mapping.read(this.dataPos + pos, target);
  }

  write(pos: number, source: Uint8Array): void {
    this.#check('write', pos, lengthOf('write', source));
    this.#mapping.write(this.dataPos + pos, source);
  }

  fill(pos: number, len: number, byte: number): void {
    this.#check('fill', pos, len);
    checkByte(byte);
    this.#mapping.fill(this.dataPos + pos, len, byte);
  }

  /** The same on another thread. The bytes change at any time until it resolves. */
  async fillAsync(pos: number, len: number, byte: number): Promise<void> {
    this.#check('fill', pos, len);
    checkByte(byte);
    await this.#mapping.fillAsync(this.dataPos + pos, len, byte);
  }

  /** Make bytes read as zero and give whole blocks back to the host file system. */
  punch(pos: number, len: number): void {
    this.#check('punch', pos, len);
    asErrno(`punch ${this.path}`, () => this.#mapping.punch(this.dataPos + pos, len));
  }

  /** The bytes themselves. Longer than a typed array may be (4 GiB on Node.js 20): EINVAL. */
  view(pos: number, len: number): Uint8Array {
    this.#check('view', pos, len);
    try {
      return new Uint8Array(this.buffer, this.dataPos + pos, len);
    } catch (cause) {
      throw new Errno('EINVAL', `view: len ${len} is more than a view can have`, { cause });
    }
  }

  /**
   * Return when these bytes are on the disk (msync). EIO as the disk has it. With flushes false
   * they are left to the host, which writes them unless its power fails.
   */
  flush(pos: number, len: number): void {
    this.#check('flush', pos, len);
    if (!this.flushes) return;
    asErrno(`flush ${this.path}`, () => this.#mapping.flush(this.dataPos + pos, len));
  }

  /** How to add this device to a native PageSpace at basePfn; then setOpener(index, slot). */
  region(basePfn: number): DaxRegion {
    this.#checkOpen('region');
    const { nrPages, countersPos, summaryPos, talliesPos, dataPos } = this.#layout;
    const where = { nrPages, countersPos, summaryPos, talliesPos, nrSlots: NR_SLOTS, dataPos };
    return constant({ buffer: this.buffer, basePfn, ...where, slot: this.slot });
  }

  /** Hold the device alone, for mounting, until disposed of. EBUSY naming the pid of who has it. */
  lockMount(): Disposable {
    this.#checkOpen('mount');
    const pos = this.#layout.mountPos;
    if (this.#state === 'MOUNTED' || !asErrno('mount', () => this.#file.lock(pos, 1, 0))) {
      const pid = Atomics.load(this.#mountWords, 0);
      throw new Errno('EBUSY', `mount ${this.path}: it is mounted by pid ${pid || 'unknown'}`);
    }
    Atomics.store(this.#mountWords, 0, process.pid);
    if (Atomics.load(this.#mountWords, 1) !== this.#mountsSeen) {
      renewMeta(this.#mapping, this.#layout, this.counters, this.meta);
    }
    this.#mountsSeen = Atomics.add(this.#mountWords, 1, 1) + 1;
    this.#state = 'MOUNTED';
    return { [Symbol.dispose]: () => this.#unlockMount() };
  }

  /** Who has the device open, and dead openers whose references were not taken back yet. */
  openers(): Opener[] {
    this.#checkOpen('openers');
    return this.#openers.list();
  }

  /** Pages that a dead opener may still hold, while another lives. Nobody should give them out. */
  quarantined(): PageRun[] {
    this.#checkOpen('quarantined');
    return this.#openers.quarantined();
  }

  /** Data pages that the file lost under us and that read as zeroes here; ascending. */
  poisonedPages(): number[] {
    this.#checkOpen('poisonedPages');
    const first = this.dataPos / PAGE_SIZE;
    return this.#mapping
      .poisonedPages()
      .filter((page) => page >= first)
      .map((page) => page - first);
  }

  /**
   * Leave the device. Harmless when closed. Pins not given back stay, as those of a dead opener.
   */
  close(): void {
    if (this.#state === 'CLOSED') return;
    if (this.#state === 'MOUNTED') this.#unlockMount();
    this.#openers.leave();
    this.#state = 'CLOSED';
    openDevices.delete(this);
    this.#mapping.close();
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #unlockMount(): void {
    if (this.#state !== 'MOUNTED') return;
    Atomics.store(this.#mountWords, 0, 0);
    this.#file.unlock(this.#layout.mountPos, 1);
    this.#state = 'OPEN';
  }

  #checkOpen(what: string): void {
    if (this.#state === 'CLOSED') throw new Errno('EBADF', `${what}: ${this.path} is closed`);
  }

  #check(what: string, pos: number, len: number): void {
    this.#checkOpen(what);
    const whole = Number.isSafeInteger(pos) && Number.isSafeInteger(len);
    if (!whole || pos < 0 || len < 0 || pos > this.len || len > this.len - pos) {
      throw new Errno(
        'EINVAL',
        `${what}: pos ${String(pos)}, len ${String(len)} is outside of ${this.len} bytes of data`,
      );
    }
  }
}

function lengthOf(what: string, bytes: Uint8Array): number {
  if (bytes instanceof Uint8Array) return bytes.length;
  throw new Errno('EINVAL', `${what}: data: ${String(bytes)} is no Uint8Array`);
}

function checkByte(byte: number): void {
  if (!Number.isInteger(byte) || byte < 0 || byte > 255) {
    throw new Errno('EINVAL', `fill: byte ${String(byte)} must be a whole number from 0 to 255`);
  }
}

function openFile(path: string, size: number | undefined, create: boolean): DaxFile {
  try {
    return asErrno('open', () => native.openFile(path, create && size !== undefined));
  } catch (e) {
    if (create && size === undefined && isErrno(e, 'ENOENT')) {
      throw new Errno('EINVAL', `open ${path}: size must be given to create it`, { cause: e });
    }
    throw e;
  }
}

// The opening lock keeps others from formatting, recovering or claiming a slot at the same time.
function startUnderLock<T>(file: DaxFile, path: string, start: () => T): T {
  if (!asErrno(`open ${path}`, () => file.lock(0, 1, openingTimeoutMs))) {
    throw new Errno('EBUSY', `open ${path}: another process has been opening it for 10 s`);
  }
  try {
    return start();
  } finally {
    file.unlock(0, 1);
  }
}

// Map the file for as long as use() does not throw.
function mapped<T>(
  file: DaxFile,
  path: string,
  layout: DaxLayout,
  use: (mapping: DaxMapping) => T,
): T {
  const mapping = asErrno(`map ${path}`, () => file.map());
  try {
    if (mapping.len !== layout.fileLen) {
      throw new Errno('ESTALE', `map ${path}: ${mapping.len} bytes, not ${layout.fileLen}`);
    }
    return asErrno(`map ${path}`, () => use(mapping));
  } catch (e) {
    mapping.close();
    throw e;
  }
}

// The info block goes first, into a file of one page, which then grows with zeroes to its full
// length. A creator killed in between leaves just that page, and the next one to create goes on
// from there.
function existingOrNew(
  file: DaxFile,
  path: string,
  size: number | undefined,
  create: boolean,
): DaxLayout {
  if (file.size === 0 && create && size !== undefined) {
    asErrno(`create ${path}`, () => file.write(0, encodeInfoBlock(layoutOf(size))));
  }
  const block = new Uint8Array(PAGE_SIZE);
  if (file.size < PAGE_SIZE) {
    throw new Errno('EUCLEAN', `${path}: ${file.size} bytes are too short for a device`);
  }
  file.read(0, block);
  const layout = decodeInfoBlock(block, path);
  if (size !== undefined && size !== layout.size) {
    throw new Errno(
      'EINVAL',
      `open ${path}: size ${size}, but the device has ${layout.size} bytes`,
    );
  }
  if (file.size === PAGE_SIZE && create) {
    asErrno(`create ${path}`, () => file.setSize(layout.fileLen));
  }
  if (file.size !== layout.fileLen) {
    throw new Errno('EUCLEAN', `${path}: ${file.size} bytes, but the device has ${layout.fileLen}`);
  }
  return layout;
}
