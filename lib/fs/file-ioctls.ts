// Requests of a regular file: where its blocks lie, and the flags that keep them there.
//
//   FS_IOC_FIEMAP            extents: bytes of the file and of the device (fs/ioctl.c:ioctl_fiemap)
//   FS_IOC_GETFLAGS          the flags of inode-flags.ts; SETFLAGS changes those it names
//   FS_IOC_FSGETXATTR        the names of those that are set; FSSETXATTR sets these and no others
//   FS_IOC_SEAL_BLOCK_MAP    proposal: holes are filled, unwritten blocks zeroed, and the file is
//                            immutable from then on, in one step; UNSEAL undoes the last part
//
// The seal is the preparation that Dave Chinner and Christoph Lameter spoke of in February 2019
// (facts 11, P11: prepare, set FS_IMMUTABLE_FL, then map and register), in the form that Dan
// Williams gave it: FALLOC_FL_SEAL_BLOCK_MAP (v3, August 2017). Holes first, then the flag, which
// outlives a crash; sealing twice is no error; it takes CAP_LINUX_IMMUTABLE. Afterwards everything
// is EPERM as for any immutable file; stores through mappings that are there, and DMA, go on.

import { Errno } from '../errno.js';
import { shown } from '../arguments.js';
import type { Caller } from '../mm/caller.js';
import { checkRange, pagesFor, pgoffOf, posOf } from '../units.js';
import type { Inode } from './inode.js';
import { changeFlags, changeFlagsLocked, flagsOf, fsxattrOf, setFsxattr } from './inode-flags.js';
import { makeWritten } from './layout-service.js';
import { assertDisk } from './store-kinds.js';

/** An extent of FIEMAP. `physical` is a byte of the block device that the file system lies on. */
export interface FileExtent {
  readonly pos: number;
  readonly len: number;
  readonly physical: number;
  readonly unwritten: boolean;
}

interface Range {
  readonly pos?: number;
  readonly len?: number;
}

/** FS_IOC_FIEMAP of the pages that [pos, pos + len) touches. EOPNOTSUPP: it is on no device. */
export async function fiemap(caller: Caller, inode: Inode, range: Range): Promise<FileExtent[]> {
  const { pos = 0, len = inode.size() } = range;
  checkRange('fiemap', pos, len);
  const { fs } = inode;
  if (fs.disk === null) throw new Errno('EOPNOTSUPP', `fiemap: ${fs.label} is on no device`);
  const { partition } = assertDisk(fs);
  const { task } = caller;
  await inode.iRwsem.downRead(task, 'killable');
  try {
    const { regions } = fs.env.mm.pages;
    return inode.extents.within(pgoffOf(pos), pagesFor(pos + len)).map((e) => {
      const pfn = partition.pfnOf(e.block);
      const region = regions.find((r) => r.has(pfn))!;
      const physical = posOf(pfn - region.basePfn);
      return { pos: posOf(e.pgoff), len: posOf(e.nrPages), physical, unwritten: e.unwritten };
    });
  } finally {
    inode.iRwsem.upRead(task);
  }
}

/**
 * Seal the block map, or unseal it. EOPNOTSUPP: no such call on this kernel, or no DAX. EINVAL: no
 * regular file, or an empty one. EPERM without CAP_LINUX_IMMUTABLE. ENOSPC, EROFS, EINTR.
 */
export async function sealBlockMap(caller: Caller, inode: Inode, on: boolean): Promise<void> {
  const { fs, label } = inode;
  if (!fs.rules.sealBlockMap || !inode.dax) throw new Errno('EOPNOTSUPP', `seal: ${label}`);
  if (!inode.isRegular || inode.size() === 0) throw new Errno('EINVAL', `seal: ${label} is empty`);
  if (!caller.process.cred.caps.has('CAP_LINUX_IMMUTABLE')) {
    throw new Errno('EPERM', `seal: ${label}: without CAP_LINUX_IMMUTABLE`);
  }
  fs.wantWrite('seal');
  const { task } = caller;
  await inode.iRwsem.downWrite(task, 'killable');
  try {
    if (on) await makeWritten(task, inode, 0, pagesFor(inode.size()));
    await changeFlagsLocked(caller, inode, { immutable: on });
  } finally {
    inode.iRwsem.upWrite(task);
  }
  assertDisk(fs).journal.commit();
}

type Request = (caller: Caller, inode: Inode, arg: never) => Promise<unknown>;

const requests: Readonly<Record<string, Request>> = {
  FS_IOC_FIEMAP: (caller, inode, arg: Range | undefined) => fiemap(caller, inode, arg ?? {}),
  FS_IOC_FSGETXATTR: async (_caller, inode) => fsxattrOf(inode),
  FS_IOC_FSSETXATTR: setFsxattr,
  FS_IOC_GETFLAGS: async (_caller, inode) => flagsOf(inode),
  FS_IOC_SETFLAGS: changeFlags,
  FS_IOC_SEAL_BLOCK_MAP: (caller, inode) => sealBlockMap(caller, inode, true),
  FS_IOC_UNSEAL_BLOCK_MAP: (caller, inode) => sealBlockMap(caller, inode, false),
};

const needsStruct: readonly string[] = ['FS_IOC_FSSETXATTR', 'FS_IOC_SETFLAGS'];

/** ioctl(2) of a file. ENOTTY: it knows no such request. EINVAL: the argument is no structure. */
export function fileIoctl(
  caller: Caller,
  inode: Inode,
  request: string,
  arg: unknown,
): Promise<unknown> {
  if (!Object.hasOwn(requests, request)) {
    throw new Errno('ENOTTY', `ioctl: request: ${inode.label} knows no ${shown(request)}`);
  }
  const isStruct = typeof arg === 'object' && arg !== null;
  if (needsStruct.includes(request) ? !isStruct : arg !== undefined && !isStruct) {
    throw new Errno('EINVAL', `ioctl: arg: ${shown(arg)} is no structure of ${request}`);
  }
  return requests[request]!(caller, inode, arg as never);
}
