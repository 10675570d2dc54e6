// What a call that goes from one open file to another asks of both (fs/read_write.c:
// generic_file_rw_checks, fs/remap_range.c:remap_verify_area).

import { shown } from '../arguments.js';
import { Errno } from '../errno.js';
import type { OpenFile } from './open-file.js';

/** The file behind a descriptor; null: it is none of a file system. EBADF. */
export type FileOf = (fd: number) => OpenFile | null;

/** EISDIR, EINVAL: no regular file. EBADF: not open for that, or for appending. */
export function checkReadWrite(call: string, from: OpenFile | null, to: OpenFile | null): void {
  for (const file of [from, to]) {
    if (file?.inode.type === 'dir') throw new Errno('EISDIR', `${call}: ${file.label}`);
  }
  if (from?.inode.isRegular !== true || to?.inode.isRegular !== true) {
    throw new Errno('EINVAL', `${call}: no regular file`);
  }
  if (!from.readable || !to.writable || to.append) {
    throw new Errno('EBADF', `${call}: from ${from.label} to ${to.label}: not open for that`);
  }
}

/** Both on one file system. */
export const onOneMount = (a: OpenFile | null, b: OpenFile | null): boolean =>
  a !== null && b !== null && a.inode.fs === b.inode.fs;

/** EINVAL: positions are whole numbers, before anybody looks whether they are positions. */
export function checkNumbers(call: string, numbers: Readonly<Record<string, unknown>>): void {
  for (const [name, v] of Object.entries(numbers)) {
    if (Number.isSafeInteger(v)) continue;
    throw new Errno('EINVAL', `${call}: ${name}: ${shown(v)} is no whole number`);
  }
}

/** EINVAL: it begins or ends nowhere in a file. */
export function checkArea(call: string, pos: number, len: number): void {
  if (pos >= 0 && len >= 0 && Number.isSafeInteger(pos + len)) return;
  throw new Errno('EINVAL', `${call}: [${pos}, +${len})`);
}
