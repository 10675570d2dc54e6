// kernelRules: what one kernel does where kernels differ, as rows of data with the source of each.
//
// A room asks a row; no code compares versions. `proposed` is 7.2 with the overrides of proposals
// that were never merged. `[VM]`: measured on that kernel; `read`: read in the source, not
// measured.

import { constant } from './constant.js';
export type KernelName = '6.1' | '6.12' | '7.2' | 'proposed';

export const kernelNames: readonly KernelName[] = ['6.1', '6.12', '7.2', 'proposed'];

export interface KernelRules {
  readonly name: KernelName;

  // -- pages --
  /** References an idle fsdax page shows: 1 to 6.14, 0 after. fs/dax.c:dax_page_is_idle. */
  readonly idleRefcount: 0 | 1;
  /** Whether a PTE of an fsdax page is a reference. 6.15+: folio_add_file_rmap on DAX folios. */
  readonly mappingsAreReferences: boolean;
  /**
   * What wakes a layout breaker: `refs` when the last reference beyond mappings goes (put makes
   * _refcount 1, mm/memremap.c), `refs-and-maps` only when mappings are gone as well (refcount 0,
   * free_zone_device_folio): 7.2 loses a wake-up when the page was faulted back in. [VM]
   */
  readonly idleWakes: 'refs' | 'refs-and-maps';
  /**
   * With 'refs-and-maps': a page that a store faulted back in still wakes at the last put, one that
   * a load faulted back in does not. [VM daxpin/*-store-while-blocked; the cause is not traced]
   */
  readonly writeRefaultWakes: boolean;

  // -- get_user_pages --
  /** A long-term pin of an fsdax page. mm/gup.c:check_vma_flags. [VM] */
  readonly longtermFsdax: 'EOPNOTSUPP' | 'lease' | 'allow';
  /** FOLL_LONGTERM|FOLL_WRITE on a shared mapping of a dirty-tracked file (6.5+: EFAULT). [VM] */
  readonly longtermWriteDirtyTracked: 'allow' | 'EFAULT';
  /**
   * A read-only long-term pin of a private mapping first gives it a page of its own (6.2+:
   * mm/internal.h:gup_must_unshare, FAULT_FLAG_UNSHARE). read
   */
  readonly readLongtermUnshares: boolean;
  /** ib_umem_get pins read-only regions with FOLL_WRITE|FOLL_FORCE (6.1) or without WRITE. [VM] */
  readonly umemForcesWrite: boolean;
  /** vb2 user pointers: FOLL_FORCE|FOLL_WRITE always (6.1), WRITE for capture only. [VM] */
  readonly frameVectorForcesWrite: boolean;
  /** io_uring registered buffers on a file mapping that is neither shmem nor hugetlb. [VM] */
  readonly uringFileBacked: 'EOPNOTSUPP' | 'gup';

  // -- layout breaks (fs/dax.c:dax_layout_busy_page_range, ext4/xfs break_layouts) --
  /** The busy scan is skipped when nobody maps the file (trap 2; gone in 7.2). [VM] */
  readonly busyScanNeedsMapping: boolean;
  /** Eviction of an unlinked file waits, uninterruptibly (dax_break_layout_final). [VM] */
  readonly evictWaits: boolean;
  /** Whole file as ext4 and xfs do, or the range that goes (Ira Weiny's 2019 RFC). */
  readonly breakScope: 'file' | 'range';
  /** ext4 page cache uses large folios: a punch inside one zeroes in place. [VM] */
  readonly ext4LargeFolios: boolean;
  /**
   * ext4's collapse and insert look at their range before they break layouts (6.1
   * fs/ext4/extents.c:ext4_collapse_range) or after (6.12.107 ext4_fallocate breaks for all). [VM]
   */
  readonly ext4FallocateChecksFirst: boolean;

  // -- copies --
  /**
   * A clone looks at its positions before it looks whether the file system can (6.8).
   * fs/remap_range.c:vfs_clone_file_range. read
   */
  readonly remapVerifiesFirst: boolean;
  /** xfs has XFS_IOC_EXCHANGE_RANGE, whether or not a file system was made for it: 6.10+. read */
  readonly xfsExchangeRange: boolean;

  // -- direct I/O --
  /**
   * Its buffer is taken by FOLL_PIN (iov_iter_extract_pages, 6.3) or by FOLL_GET. Facts 7; read.
   */
  readonly directIOPins: boolean;
  /** tmpfs takes O_DIRECT (6.6, mm/shmem.c:shmem_file_open) or answers EINVAL. Read. */
  readonly tmpfsDirectIO: boolean;

  // -- leases (fs/locks.c) --
  /**
   * A file without ->setlease has leases all the same (generic_setlease), or, since 7.0, none:
   * EINVAL. fs/locks.c:kernel_setlease. Facts 4.2, read in 7.3.
   */
  readonly leasesAreOptIn: boolean;
  /**
   * security_file_lock() is asked before the kind of file is looked at: since generic_setlease
   * takes delegations of directories (6.19). fs/locks.c:vfs_setlease. read
   */
  readonly leaseModulesFirst: boolean;
  /**
   * A file's f_owner is allocated by its first user, a lease among them, and may not be had: 6.12+.
   * fs/fcntl.c:file_f_owner_allocate, fs/locks.c:generic_add_lease. read
   */
  readonly ownerAllocated: boolean;
  /** An in-kernel server may hold a write delegation. fs/locks.c:generic_add_lease, 6.6+. read */
  readonly writeDelegations: boolean;
  /**
   * fcntl(F_SETDELEG) and (F_GETDELEG), delegations of directories, and names in a directory that
   * break them: 6.19+. fs/locks.c:fcntl_setdeleg, generic_setlease; fs/namei.c. read
   */
  readonly userDelegations: boolean;
  /** Layout leases for user space, F_LAYOUT and F_EXCLUSIVE: proposal, facts 9.4. */
  readonly userLayoutLeases: boolean;
  /** mmap MAP_DIRECT: proposal, facts 9.1. */
  readonly mapDirect: boolean;
  /** A file's block map can be sealed for DMA: proposal, facts 11, P11; lib/fs/file-ioctls.ts. */
  readonly sealBlockMap: boolean;
  /** Who has a layout lease may map the blocks on the device: proposal; lib/fs/block-mapping.ts. */
  readonly blockMappings: boolean;
}

/** Every set of rules is one, so that all look alike to the engine: they are asked all the time. */
class RuleSet {
  constructor(rules: KernelRules) {
    Object.assign(this, rules);
  }
}

const ruleSet = (rules: KernelRules): KernelRules =>
  constant(new RuleSet(rules) as unknown as KernelRules);

const linux61: KernelRules = ruleSet({
  name: '6.1',
  idleRefcount: 1,
  mappingsAreReferences: false,
  idleWakes: 'refs',
  writeRefaultWakes: true,
  longtermFsdax: 'EOPNOTSUPP',
  longtermWriteDirtyTracked: 'allow',
  readLongtermUnshares: false,
  umemForcesWrite: true,
  frameVectorForcesWrite: true,
  uringFileBacked: 'EOPNOTSUPP',
  busyScanNeedsMapping: true,
  evictWaits: false,
  breakScope: 'file',
  ext4LargeFolios: false,
  ext4FallocateChecksFirst: true,
  remapVerifiesFirst: false,
  xfsExchangeRange: false,
  directIOPins: false,
  tmpfsDirectIO: false,
  leasesAreOptIn: false,
  leaseModulesFirst: false,
  ownerAllocated: false,
  writeDelegations: false,
  userDelegations: false,
  userLayoutLeases: false,
  mapDirect: false,
  sealBlockMap: false,
  blockMappings: false,
});

const linux612: KernelRules = ruleSet({
  ...linux61,
  name: '6.12',
  ext4FallocateChecksFirst: false,
  remapVerifiesFirst: true,
  xfsExchangeRange: true,
  directIOPins: true,
  tmpfsDirectIO: true,
  longtermWriteDirtyTracked: 'EFAULT',
  readLongtermUnshares: true,
  umemForcesWrite: false,
  frameVectorForcesWrite: false,
  uringFileBacked: 'gup',
  ownerAllocated: true,
  writeDelegations: true,
});

const linux72: KernelRules = ruleSet({
  ...linux612,
  name: '7.2',
  idleRefcount: 0,
  mappingsAreReferences: true,
  idleWakes: 'refs-and-maps',
  busyScanNeedsMapping: false,
  evictWaits: true,
  ext4LargeFolios: true,
  leasesAreOptIn: true,
  leaseModulesFirst: true,
  userDelegations: true,
});

const proposed: KernelRules = ruleSet({
  ...linux72,
  name: 'proposed',
  idleWakes: 'refs',
  longtermFsdax: 'allow',
  breakScope: 'range',
  userLayoutLeases: true,
  mapDirect: true,
  sealBlockMap: true,
  blockMappings: true,
});

/** The profiles by name. */
export const kernelRules: Readonly<Record<KernelName, KernelRules>> = {
  '6.1': linux61,
  '6.12': linux612,
  '7.2': linux72,
  proposed,
};

const changed = new WeakMap<Partial<KernelRules>, Map<KernelRules, KernelRules>>();

/** The rules with those that `instead` has, which stays as it is; one set for the same two. */
export function rulesUnder(rules: KernelRules, instead: Partial<KernelRules>): KernelRules {
  if (Object.keys(instead).length === 0) return rules;
  let known = changed.get(instead);
  if (known === undefined) changed.set(instead, (known = new Map()));
  let set = known.get(rules);
  if (set === undefined) known.set(rules, (set = ruleSet({ ...rules, ...instead })));
  return set;
}
