// From a path to an inode (fs/namei.c). Paths are relative to the root of the mount; `..` of the
// root is the root. Directories are read in one turn, without their lock: who changes one then
// looks the name up again under it.

import { checkPath as checkString } from '../arguments.js';
import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import { isLongerThan, nameBytes } from './directory-block.js';
import { BLOCK_SIZE, NAME_MAX, PATH_MAX } from './format.js';
import type { Inode } from './inode.js';
import type { Mount } from './mount.js';
import { checkPermission, MAY_EXEC } from './permission.js';

/** MAXSYMLINKS: how many links one walk follows. */
const MAX_LINKS = 40;

/** Where a path leads: its directory, its last name, and the inode there if there is one. */
export interface Located {
  readonly dir: Inode;
  /** '.' or '..' when the path ends in one, or is the root. */
  readonly name: string;
  readonly inode: Inode | undefined;
  /** The path ended in a slash: only a directory will do. */
  readonly mustBeDir: boolean;
}

interface Walk {
  readonly fs: Mount;
  readonly caller: Caller;
  nrLinks: number;
}

/** The target of a symbolic link. */
export function linkTarget(inode: Inode): string {
  const { record, fs } = inode;
  if (record.target !== null) return record.target;
  const block = inode.extents.blockOf(0);
  const disk = fs.disk;
  if (block === undefined || disk === null || record.size > BLOCK_SIZE) {
    throw new Errno('EUCLEAN', `${inode.label}: a link without a target`);
  }
  return new TextDecoder().decode(disk.journal.read(block, 0, record.size));
}

function checkPath(path: string): void {
  checkString('path walk', path);
  if (path === '') throw new Errno('ENOENT', 'an empty path');
  if (isLongerThan(path, PATH_MAX - 1)) throw new Errno('ENAMETOOLONG', 'the path is too long');
}

/** One step down, or up; undefined: the directory has no such name. ENOTDIR, EACCES. */
function step(walk: Walk, dir: Inode, name: string): Inode | undefined {
  if (dir.type !== 'dir') throw new Errno('ENOTDIR', `path: ${dir.label} is no directory`);
  checkPermission(dir, walk.caller.process.cred, MAY_EXEC, 'path walk');
  if (name === '.') return dir;
  if (name === '..') return walk.fs.inode(dir.record.parent);
  if (isLongerThan(name, NAME_MAX)) {
    throw new Errno('ENAMETOOLONG', `path: a name of ${nameBytes(name).length} bytes`);
  }
  const entry = dir.directory.lookup(name);
  return entry === undefined ? undefined : walk.fs.inode(entry.ino);
}

function follow(walk: Walk, dir: Inode, link: Inode, mustBeDir: boolean): Located {
  walk.nrLinks += 1;
  if (walk.nrLinks > MAX_LINKS) throw new Errno('ELOOP', `more than ${MAX_LINKS} links`);
  const target = linkTarget(link);
  const start = target.startsWith('/') ? walk.fs.inode(walk.fs.store.rootIno) : dir;
  const found = walkFrom(walk, start, target, true);
  return { ...found, mustBeDir: mustBeDir || found.mustBeDir };
}

function walkFrom(walk: Walk, start: Inode, path: string, followLast: boolean): Located {
  const names = path.split('/').filter((name) => name !== '');
  const mustBeDir = path.endsWith('/');
  let dir = start;
  for (const [i, name] of names.entries()) {
    const last = i === names.length - 1;
    const inode = step(walk, dir, name);
    if (last) {
      const through = inode?.type === 'link' && (followLast || mustBeDir);
      return through ? follow(walk, dir, inode, mustBeDir) : { dir, name, inode, mustBeDir };
    }
    if (inode === undefined) throw new Errno('ENOENT', `path: no ${name} in ${dir.label}`);
    dir = inode.type === 'link' ? target(follow(walk, dir, inode, true)) : inode;
  }
  return { dir: start, name: '.', inode: start, mustBeDir: false };
}

function target(found: Located): Inode {
  const { inode, name, dir } = found;
  if (inode === undefined) throw new Errno('ENOENT', `path: no ${name} in ${dir.label}`);
  return inode;
}

/**
 * Walk a path to its last name, which need not exist. `follow`: a link at the end is followed.
 * ENOENT, ENOTDIR, EACCES, ENAMETOOLONG, ELOOP.
 */
export function locate(fs: Mount, caller: Caller, path: string, followLast = true): Located {
  checkPath(path);
  const walk = { fs, caller, nrLinks: 0 };
  const found = walkFrom(walk, fs.inode(fs.store.rootIno), path, followLast);
  if (found.mustBeDir && found.inode !== undefined && found.inode.type !== 'dir') {
    throw new Errno('ENOTDIR', `path: ${found.inode.label} is no directory`);
  }
  return found;
}

/** The inode that a path names. ENOENT if there is none. */
export function lookup(fs: Mount, caller: Caller, path: string, followLast = true): Inode {
  return target(locate(fs, caller, path, followLast));
}
