// files_struct: the descriptors of one process, each a reference to an open file.
//
//   free -> reserve() -> fill() -> take() -> free
//              `-> unreserve() -> free
//
// A descriptor is reserved before the file is opened, so that EMFILE comes before anything is
// created or truncated (linux fs/open.c:do_sys_openat2). A reserved one answers EBADF. No call
// here waits, and none drops a reference: whoever take()s a file puts it.

import assert from 'node:assert/strict';
import { Errno } from '../errno.js';
import type { Access } from '../sched/index.js';
import type { File } from './file.js';

export class FdTable {
  /** undefined: free; null: reserved. */
  readonly #slots: (File | null | undefined)[] = [];
  readonly #limit: () => number;
  readonly #touch: (access: Access) => void;

  /** limit() is RLIMIT_NOFILE: descriptors are below it. touch() records looks and changes. */
  constructor(limit: () => number, touch: (access: Access) => void = () => {}) {
    this.#limit = limit;
    this.#touch = touch;
  }

  /** The open file behind fd. EBADF. */
  get(fd: number): File {
    this.#touch('read');
    const file = Number.isSafeInteger(fd) ? this.#slots[fd] : undefined;
    if (file === undefined || file === null)
      throw new Errno('EBADF', `descriptor ${String(fd)} is not open`);
    return file;
  }

  has(fd: number): boolean {
    return (this.#slots[fd] ?? null) !== null;
  }

  /** Hold back the lowest free descriptor from min up. EMFILE; EINVAL if min is past the limit. */
  reserve(min = 0): number {
    this.#touch('write');
    const limit = this.#limit();
    if (!Number.isSafeInteger(min) || min < 0 || (min > 0 && min >= limit))
      throw new Errno('EINVAL', `descriptor ${String(min)} is not below the limit ${limit}`);
    let fd = min;
    while (this.#slots[fd] !== undefined) fd++;
    if (fd >= limit) throw new Errno('EMFILE', `all ${limit} descriptors are in use`);
    this.#slots[fd] = null;
    return fd;
  }

  /** Put a file under a reserved descriptor; the table takes over the caller's reference. */
  fill(fd: number, file: File): void {
    this.#touch('write');
    if (this.#slots[fd] !== null) assert.fail(`descriptor ${fd} was not reserved`);
    this.#slots[fd] = file;
  }

  /** The file could not be opened. */
  unreserve(fd: number): void {
    if (this.#slots[fd] !== null) assert.fail(`descriptor ${fd} was not reserved`);
    this.#free(fd);
  }

  /** reserve() and fill() at once. EMFILE; the reference stays the caller's then. */
  install(file: File, min = 0): number {
    const fd = this.reserve(min);
    this.fill(fd, file);
    return fd;
  }

  /**
   * dup2(): put file under fd; the file that was there, whose reference is now the caller's, or
   * null. EBADF past the limit, EBUSY while an open() holds fd back (linux fs/file.c:do_dup2).
   */
  replace(fd: number, file: File): File | null {
    this.#touch('write');
    const limit = this.#limit();
    if (!Number.isSafeInteger(fd) || fd < 0 || fd >= limit) {
      throw new Errno('EBADF', `descriptor ${String(fd)} is not below the limit ${limit}`);
    }
    const old = this.#slots[fd];
    if (old === null) throw new Errno('EBUSY', `descriptor ${fd} is being opened`);
    this.#slots[fd] = file;
    return old ?? null;
  }

  /** Free fd; the reference is the caller's. EBADF. */
  take(fd: number): File {
    const file = this.get(fd);
    this.#free(fd);
    return file;
  }

  /** Open descriptors in ascending order. */
  *entries(): IterableIterator<[number, File]> {
    for (let fd = 0; fd < this.#slots.length; fd++) {
      const file = this.#slots[fd];
      if (file) yield [fd, file];
    }
  }

  /** The descriptors under which file is open, ascending. */
  fdsOf(file: File): number[] {
    return [...this.entries()].filter(([, f]) => f === file).map(([fd]) => fd);
  }

  /** How many descriptors are open. */
  get nrOpen(): number {
    return [...this.entries()].length;
  }

  #free(fd: number): void {
    this.#touch('write');
    this.#slots[fd] = undefined;
    while (this.#slots.length > 0 && this.#slots.at(-1) === undefined) this.#slots.pop();
  }
}
