// lseek(SEEK_DATA, SEEK_HOLE): where a file has bytes of its own (fs/iomap/seek.c, mm/shmem.c).
//
// Written blocks are data, and pages of the cache that are dirty. Unwritten blocks are holes until
// then. Behind the last byte lies a hole that is never reported past the end.

import { checkWord, shown } from '../arguments.js';
import { Errno } from '../errno.js';
import { pagesFor, pgoffOf, posOf, type Pgoff } from '../units.js';
import type { Inode } from './inode.js';

export type Whence = 'data' | 'hole';

function hasData(inode: Inode, pgoff: Pgoff): boolean {
  if (inode.fs.disk === null) return inode.mapping.lookup(pgoff) !== undefined;
  if (inode.extents.lookup(pgoff)?.unwritten === false) return true;
  return !inode.dax && inode.mapping.isDirty(pgoff);
}

/** The first byte from pos on that is data, or lies in a hole. ENXIO: there is none. */
export function seekData(inode: Inode, whence: Whence, pos: number): number {
  checkWord('lseek', 'whence', whence, ['data', 'hole']);
  const size = inode.size();
  if (!Number.isSafeInteger(pos) || pos < 0 || pos >= size) {
    throw new Errno('ENXIO', `lseek: position ${shown(pos)} is not inside ${inode.label}`);
  }
  const wanted = whence === 'data';
  for (let pgoff = pgoffOf(pos); pgoff < pagesFor(size); pgoff++) {
    if (hasData(inode, pgoff) === wanted) return Math.max(pos, posOf(pgoff));
  }
  if (wanted) throw new Errno('ENXIO', `lseek: no data after ${pos} in ${inode.label}`);
  return size;
}
