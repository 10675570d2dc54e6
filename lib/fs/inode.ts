// struct inode: a file while somebody knows it. What outlives the mount is in `record`.
//
//   guarded by        fields
//   i_rwsem           size, extents (with invalidate_lock), times; DAX reads hold it shared
//   invalidate_lock   extents against faults; entries of `mapping` leave only under it
//   one turn          refs, writers, readers: changed in one synchronous step
//
// An inode lives while it has a name or a reference; an open file is a reference, and mappings hold
// their open file. When the last reference of a nameless inode goes it is evicted (evict.ts).

import { constant } from '../constant.js';
import { LeaseContext } from '../lease/lease-context.js';
import type { LayoutInode, LayoutOp, LayoutPolicy } from '../lease/layout.js';
import type { LeasedInode } from '../lease/leased-inode.js';
import { AddressSpace, type AddressSpaceHost, type AddressSpaceKind } from '../mm/address-space.js';
import type { PinnedPages } from '../mm/pinned-pages.js';
import { Guard, lockClasses, RwSem, type Task } from '../sched/index.js';
import type { Pfn } from '../units.js';
import { shouldEnableDax } from './dax-mode.js';
import { Directory } from './directory.js';
import type { ExtentList } from './extent.js';
import type { FileData } from './file-data.js';
import type { FileKind } from './format.js';
import type { InodeRecord } from './inode-record.js';
import { layoutBreakOf, type LayoutBreak } from './layout-table.js';
import type { Mount } from './mount.js';

export class Inode implements AddressSpaceHost, LeasedInode, LayoutInode {
  readonly fs: Mount;
  readonly record: InodeRecord;
  readonly iRwsem: RwSem;
  readonly mapping: AddressSpace;
  readonly leases: LeaseContext;
  /** Open file descriptions, O_PATH ones too. */
  refs = 0;
  /** i_writecount: opens for writing, and truncations by path under way. */
  writers = 0;
  /** i_readcount: opens for reading only. */
  readers = 0;
  /** Truncated since it was opened: nothing of it is left to write back. */
  evicted = false;
  /** Where it was last opened: a name for reports, which a rename makes stale. */
  path: string | null = null;
  /** I_DONTCACHE: instantiated anew when nobody has it open any more. */
  dontCache = false;
  hasLockContext = false;
  #dax: boolean;
  #directory: Directory | null = null;

  constructor(fs: Mount, record: InodeRecord) {
    this.fs = fs;
    this.record = record;
    this.#dax = shouldEnableDax(fs.daxMode, record);
    const { sched, mm } = fs.env;
    const { inodeDirectory, inodeFile } = lockClasses;
    const lockClass = record.kind === 'dir' ? inodeDirectory : inodeFile;
    this.iRwsem = new RwSem(sched, `i_rwsem of ${this.label}`, { lockClass, nest: record.ino });
    this.mapping = new AddressSpace(mm, this);
    const { rules } = fs;
    this.leases = new LeaseContext(
      constant({ sched, rules, settings: fs.env.leaseSettings }),
      this,
    );
  }

  get ino(): number {
    return this.record.ino;
  }

  get generation(): number {
    return this.record.generation;
  }

  get mount(): number {
    return this.fs.id;
  }

  get kind(): AddressSpaceKind {
    if (this.fs.flavor === 'tmpfs') return 'shmem';
    return this.#dax ? 'fsdax' : 'pagecache';
  }

  /** S_DAX. */
  get dax(): boolean {
    return this.#dax;
  }

  /** What its bytes are made of. */
  get data(): FileData {
    return this.fs.dataOf(this.#dax);
  }

  /** As if it had just been made in memory: nobody uses it, and none of its pages is here. */
  instantiate(): void {
    this.#dax = shouldEnableDax(this.fs.daxMode, this.record);
    this.dontCache = false;
  }

  /** What an operation on it breaks. */
  breakOf(op: LayoutOp): LayoutBreak {
    return layoutBreakOf(this.fs.flavor, this.#dax, this.fs.rules, op);
  }

  get type(): FileKind {
    return this.record.kind;
  }

  get label(): string {
    return `${this.fs.label} inode ${this.record.ino}`;
  }

  /** folio_needs dirty tracking: what trap 12 forbids long-term write pins of. */
  get dirtyTracked(): boolean {
    return this.fs.flavor !== 'tmpfs';
  }

  get isRegular(): boolean {
    return this.record.kind === 'file';
  }

  get isDirectory(): boolean {
    return this.record.kind === 'dir';
  }

  get uid(): number {
    return this.record.uid;
  }

  get supportsLeases(): boolean {
    return true;
  }

  /** FS_IMMUTABLE_FL. */
  get immutable(): boolean {
    return this.record.immutable;
  }

  get policy(): LayoutPolicy {
    return this.fs.policy;
  }

  get extents(): ExtentList {
    return this.record.extents;
  }

  tryLock(task: Task): Disposable | null {
    if (!this.iRwsem.tryDownWrite(task)) return null;
    return new Guard(() => this.iRwsem.upWrite(task));
  }

  size(): number {
    return this.record.size;
  }

  openForWrite(): number {
    return this.writers;
  }

  openCount(): number {
    return this.writers + this.readers;
  }

  /** Live long-term pins of the file's pages. */
  pins(): readonly PinnedPages[] {
    const { pinTable } = this.fs.env.mm;
    const own = pinTable.pinsOf(this.mapping, 0, Infinity).filter((pin) => pin.longterm);
    if (!this.fs.rules.blockMappings) return own;
    // Pinned through a mapping of the block device: no piece of those is of this mapping.
    const here = (pfn: Pfn): boolean => this.mapping.pgoffOfPage(pfn) !== undefined;
    const beside = [...pinTable].filter((pin) => pin.longterm && pin.pfns.some(here));
    return [...new Set([...own, ...beside])];
  }

  /** The names in a directory; read from the device at first use. EUCLEAN: it is damaged. */
  get directory(): Directory {
    return (this.#directory ??= this.#readDirectory());
  }

  #readDirectory(): Directory {
    const { sched } = this.fs.env;
    const id = sched.newObject(`names of ${this.label}`);
    return new Directory(this.record, this.fs.disk, (access) => sched.touch(id, access));
  }
}
