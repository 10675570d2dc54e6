// S_DAX: whether a file's pages are the device's own, or copies in a page cache over its blocks
// (Documentation/filesystems/dax.rst; fs/ext4/inode.c:ext4_should_enable_dax, fs/xfs/xfs_iops.c:
// xfs_inode_should_enable_dax).
//
//   mount option   S_DAX of a regular file
//   always         set, whatever its FS_XFLAG_DAX says
//   inode          its FS_XFLAG_DAX, as it was when the inode was made in memory
//   never          clear, whatever its FS_XFLAG_DAX says
//
// Only regular files have it. The flag is kept, inherited and told under every option.

import type { FileKind } from './format.js';

export type DaxMode = 'always' | 'inode' | 'never';

/** -o dax=..., or as a yes or no: always, which is what `-o dax` stands for, or never. */
export type DaxOption = DaxMode | boolean;

export const daxModes: readonly DaxOption[] = ['always', 'inode', 'never', true, false];

export const daxModeOf = (option: DaxOption): DaxMode =>
  typeof option === 'string' ? option : option ? 'always' : 'never';

/** What S_DAX is of an inode that is made in memory now. */
export function shouldEnableDax(
  mode: DaxMode,
  { kind, daxFlag }: { readonly kind: FileKind; readonly daxFlag: boolean },
): boolean {
  if (mode === 'never' || kind !== 'file') return false;
  return mode === 'always' || daxFlag;
}
