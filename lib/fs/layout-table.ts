// Which operation waits for what before it changes a file's layout: facts 3.3 as a table, one row
// per flavor and operation, and the rows of kernelRules that bear on it.
//
//   ext4   fs/ext4/inode.c:ext4_setattr, ext4_punch_hole; extents.c:ext4_zero_range and others
//   xfs    fs/xfs/xfs_file.c:xfs_file_fallocate, xfs_break_layouts; xfs_iops.c:xfs_vn_setattr
//   tmpfs  mm/shmem.c: nothing waits for anybody

import type { KernelRules } from '../kernel-rules.js';
import type { LayoutOp, LayoutPolicy } from '../lease/layout.js';

export type Flavor = 'ext4' | 'xfs' | 'tmpfs';

export interface LayoutBreak {
  /** Wait until no page of the file is referenced. On DAX mounts only. */
  readonly pages: boolean;
  /** Break FL_LAYOUT leases, after the pages (BREAK_UNMAP; a write is BREAK_WRITE: leases only). */
  readonly leases: boolean;
}

const both: LayoutBreak = { pages: true, leases: true };
const pages: LayoutBreak = { pages: true, leases: false };
const leases: LayoutBreak = { pages: false, leases: true };
const none: LayoutBreak = { pages: false, leases: false };

const rows: Readonly<Record<Flavor, Readonly<Record<LayoutOp, LayoutBreak>>>> = {
  ext4: {
    truncate: pages,
    punch: pages,
    zero: pages,
    collapse: pages,
    insert: pages,
    fallocate: none,
    write: none,
    evict: pages,
  },
  xfs: {
    truncate: both,
    punch: both,
    zero: both,
    collapse: both,
    insert: both,
    fallocate: both,
    write: leases,
    evict: pages,
  },
  tmpfs: {
    truncate: none,
    punch: none,
    zero: none,
    collapse: none,
    insert: none,
    fallocate: none,
    write: none,
    evict: none,
  },
};

/** What op breaks on a mount of this flavor, under these rules. */
export function layoutBreakOf(
  flavor: Flavor,
  dax: boolean,
  rules: KernelRules,
  op: LayoutOp,
): LayoutBreak {
  const row = rows[flavor][op];
  const waits = row.pages && dax && (op !== 'evict' || rules.evictWaits);
  return { pages: waits, leases: row.leases };
}

/** Which pages a break is about: the whole file, as Linux does, or only what moves or goes. */
export function breakScopeOf(policy: LayoutPolicy): 'file' | 'range' {
  return policy.rules.breakScope ?? policy.scope;
}

/**
 * Whether fallocate looks at its arguments before it waits for pages. xfs never does
 * (xfs_file_fallocate breaks layouts first). ext4 did until 6.1 (ext4_collapse_range checks under
 * i_rwsem, then ext4_break_layouts); in 6.12.107 ext4_fallocate breaks layouts for every mode but
 * allocation before it calls the mode's own function (measured: a collapse up to the end waits).
 */
export const checksBeforeBreak = (flavor: Flavor, rules: KernelRules): boolean =>
  flavor === 'tmpfs' || (flavor === 'ext4' && rules.ext4FallocateChecksFirst);
