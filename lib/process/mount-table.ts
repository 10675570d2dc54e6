// The mounts of a machine, and which of them a path leads to.
//
// A path is absolute, or taken from the root. The longest mount point that is a prefix of it
// wins; '.', '..' and doubled slashes go first, so that '..' climbs out of a mount. What is left
// is resolved by that file system, whose symbolic links stay inside it.

import { Errno } from '../errno.js';
import { checkPath } from '../arguments.js';
import type { FileSystemOps } from './file.js';

const PATH_MAX = 4096;

export interface Resolved {
  readonly fs: FileSystemOps;
  /** The mount point, '/' for the root. */
  readonly mountPoint: string;
  /** The path inside the mount, from its root: '/', '/dir/file', '/dir/' if one was asked for. */
  readonly path: string;
}

/** Component by component; a trailing slash is kept, since it asks for a directory. */
export function normalPath(path: string): string {
  checkPath('walk', path);
  if (path.length === 0) throw new Errno('ENOENT', 'the path is empty');
  if (path.length >= PATH_MAX) throw new Errno('ENAMETOOLONG', `a path of ${path.length} bytes`);
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const trailing = parts.length > 0 && /\/\.{0,2}$/.test(path) ? '/' : '';
  return `/${parts.join('/')}${trailing}`;
}

export class MountTable {
  /** Sorted by mount point, the longest first. */
  readonly #mounts: { readonly point: string; readonly fs: FileSystemOps }[] = [];

  /** EBUSY if something is mounted at that very point. */
  mount(point: string, fs: FileSystemOps): void {
    const normal = pointOf(point);
    if (this.#mounts.some((m) => m.point === normal)) {
      throw new Errno('EBUSY', `mount: ${normal} is a mount point already`);
    }
    this.#mounts.push({ point: normal, fs });
    this.#mounts.sort((a, b) => b.point.length - a.point.length || (a.point < b.point ? -1 : 1));
  }

  /** Take the mount out of the table. EINVAL if nothing is mounted there. */
  umount(point: string): FileSystemOps {
    const at = this.#mounts.findIndex((m) => m.point === pointOf(point));
    if (at < 0) throw new Errno('EINVAL', `umount: ${point} is no mount point`);
    return this.#mounts.splice(at, 1)[0]!.fs;
  }

  /** Mount points and what is mounted there. */
  *entries(): IterableIterator<[string, FileSystemOps]> {
    for (const { point, fs } of this.#mounts) yield [point, fs];
  }

  /** ENOENT for an empty path or when nothing is mounted above it, ENAMETOOLONG. */
  resolve(path: string): Resolved {
    const normal = normalPath(path);
    for (const { point, fs } of this.#mounts) {
      if (point === '/') return { fs, mountPoint: point, path: normal };
      if (normal === point) return { fs, mountPoint: point, path: '/' };
      if (normal.startsWith(`${point}/`)) {
        return { fs, mountPoint: point, path: normal.slice(point.length) };
      }
    }
    throw new Errno('ENOENT', `nothing is mounted above ${path}`);
  }
}

function pointOf(point: string): string {
  const normal = normalPath(point);
  return normal.length > 1 ? normal.replace(/\/$/, '') : normal;
}
