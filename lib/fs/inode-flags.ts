// Flags of an inode that outlive a mount: FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR (fs/file_attr.c:
// vfs_fileattr_set, fileattr_set_prepare).
//
//   EROFS -> EPERM not the owner's -> EPERM immutable and append take CAP_LINUX_IMMUTABLE
//   -> EINVAL dax is for files and directories -> what the file system has no room for:
//
//   tmpfs   dax: EOPNOTSUPP (mm/shmem.c:shmem_fileattr_set)
//   ext4    of a file that stays immutable nothing else changes: EPERM
//           (fs/ext4/ioctl.c:ext4_ioctl_check_immutable)
//
// FS_XFLAG_DAX is a wish. Of a regular file it takes effect when the file is instantiated anew, so
// whoever changes it where the mount listens marks the inode for that (ext4_dax_dontcache,
// xfs_ioctl_setattr_prepare_dax): nobody who has the file open sees it change.

import { checkList, checkWord } from '../arguments.js';
import { Errno } from '../errno.js';
import type { Caller } from '../mm/caller.js';
import type { Inode } from './inode.js';
import { owns } from './permission.js';

/** FS_IMMUTABLE_FL, FS_APPEND_FL, FS_DAX_FL; the same bits as FS_XFLAG_. */
export interface InodeFlags {
  readonly immutable: boolean;
  readonly append: boolean;
  readonly dax: boolean;
}

/** struct fsxattr: the flags that are set. */
export interface Fsxattr {
  readonly xflags: readonly (keyof InodeFlags)[];
}

const flagNames = ['immutable', 'append', 'dax'] as const satisfies (keyof InodeFlags)[];

export const flagsOf = ({ record }: Inode): InodeFlags => ({
  immutable: record.immutable,
  append: record.append,
  dax: record.daxFlag,
});

/** FS_IOC_FSGETXATTR. */
export const fsxattrOf = (inode: Inode): Fsxattr => {
  const flags = flagsOf(inode);
  return { xflags: flagNames.filter((name) => flags[name]) };
};

function checkChange(caller: Caller, inode: Inode, old: InodeFlags, flags: InodeFlags): void {
  const { cred } = caller.process;
  const { fs, label, type } = inode;
  if (!owns(inode, cred)) throw new Errno('EPERM', `chattr: ${label}`);
  const guarded = old.immutable !== flags.immutable || old.append !== flags.append;
  if (guarded && !cred.caps.has('CAP_LINUX_IMMUTABLE')) {
    throw new Errno('EPERM', `chattr: ${label}: without CAP_LINUX_IMMUTABLE`);
  }
  if (flags.dax && type === 'link') throw new Errno('EINVAL', `chattr: dax: ${label} is a link`);
  if (flags.dax && fs.flavor === 'tmpfs') throw new Errno('EOPNOTSUPP', `chattr: dax: ${label}`);
  const more = old.append !== flags.append || old.dax !== flags.dax;
  if (fs.flavor === 'ext4' && old.immutable && flags.immutable && more) {
    throw new Errno('EPERM', `chattr: ${label} is immutable`);
  }
}

/** Change flags under i_rwsem, which the caller holds for writing; those not named stay. */
export async function changeFlagsLocked(
  caller: Caller,
  inode: Inode,
  change: Partial<InodeFlags>,
): Promise<void> {
  const { record, fs } = inode;
  const old = flagsOf(inode);
  const flags = { ...old, ...change };
  checkChange(caller, inode, old, flags);
  record.immutable = flags.immutable;
  record.append = flags.append;
  record.daxFlag = flags.dax;
  record.ctimeNs = fs.nowNs;
  await fs.writeInode(caller.task, inode);
  if (inode.isRegular && fs.daxMode === 'inode' && old.dax !== flags.dax) inode.dontCache = true;
}

/** FS_IOC_SETFLAGS. EROFS, EPERM, EINVAL, EOPNOTSUPP: see above. */
export async function changeFlags(
  caller: Caller,
  inode: Inode,
  change: Partial<InodeFlags>,
): Promise<void> {
  inode.fs.wantWrite('chattr');
  await inode.iRwsem.downWrite(caller.task);
  try {
    await changeFlagsLocked(caller, inode, change);
  } finally {
    inode.iRwsem.upWrite(caller.task);
  }
}

/** FS_IOC_FSSETXATTR: these flags and no others. */
export async function setFsxattr(caller: Caller, inode: Inode, arg: Fsxattr): Promise<void> {
  const xflags = checkList('ioctl', 'xflags', arg.xflags);
  for (const flag of xflags) checkWord('ioctl', 'xflags', flag, flagNames);
  const has = (name: keyof InodeFlags): boolean => xflags.includes(name);
  await changeFlags(caller, inode, {
    immutable: has('immutable'),
    append: has('append'),
    dax: has('dax'),
  });
}
