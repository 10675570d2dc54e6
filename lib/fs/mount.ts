// struct super_block: one mounted file system, as its parts see it: where things are stored, which
// rules hold, which inodes are known.

import { Errno } from '../errno.js';
import { type KernelRules, rulesUnder } from '../kernel-rules.js';
import type { LayoutPolicy } from '../lease/layout.js';
import type { ObjectId, Task } from '../sched/index.js';
import { Pressure } from '../mm/pressure.js';
import { MiB, PAGE_SIZE, posOf } from '../units.js';
import type { DaxMode } from './dax-mode.js';
import { DiskStore } from './disk-store.js';
import type { FileData } from './file-data.js';
import type { FsEnv } from './fs-env.js';
import { runsOf } from './extent.js';
import { Inode } from './inode.js';
import type { JournalHandle } from './journal.js';
import type { Flavor } from './layout-table.js';
import { Orphans } from './orphans.js';
import { reclaimHooks } from './reclaim-hooks.js';
import { flushRuns, noPersistence, type Persistence } from './persistence.js';
import { RamStore } from './ram-store.js';
import type { Store } from './store.js';

export interface MountSpec {
  readonly id: number;
  readonly flavor: Flavor;
  readonly dax: DaxMode;
  readonly policy: LayoutPolicy;
  readonly readOnly: boolean;
  readonly store: Store;
  /** What makes stores to the partition last; absent for tmpfs. */
  readonly persistence?: Persistence;
}

/** s_maxbytes: 2^32 - 1 blocks for ext4's extents; the others as far as a position is exact. */
const maxBytesOf = (flavor: Flavor): number =>
  flavor === 'ext4' ? (2 ** 32 - 1) * PAGE_SIZE : Number.MAX_SAFE_INTEGER - (MiB - 1);

export class Mount {
  readonly env: FsEnv;
  readonly id: number;
  readonly flavor: Flavor;
  /** -o dax=; which files have S_DAX: dax-mode.ts. */
  readonly daxMode: DaxMode;
  readonly readOnly: boolean;
  readonly policy: LayoutPolicy;
  /** The kernel's rules, with what the policy says instead. */
  readonly rules: KernelRules;
  readonly store: Store;
  readonly maxBytes: number;
  readonly orphans: Orphans;
  /** In footprints: what transactions change, with what is free. */
  readonly metadata: ObjectId;
  readonly #inodes = new Map<number, Inode>();
  /** Set once, by whoever mounts: what the files of this mount do, with S_DAX and without. */
  files!: { readonly dax: FileData; readonly cached: FileData };
  readonly #persistence: Persistence;
  #unwatch: (() => void) | null = null;
  #isShutDown = false;

  constructor(env: FsEnv, spec: MountSpec) {
    this.env = env;
    this.id = spec.id;
    this.flavor = spec.flavor;
    this.daxMode = spec.dax;
    this.readOnly = spec.readOnly;
    this.policy = spec.policy;
    this.rules = rulesUnder(env.rules, spec.policy.rules);
    this.store = spec.store;
    this.#persistence = spec.persistence ?? noPersistence;
    this.maxBytes = maxBytesOf(spec.flavor);
    this.orphans = new Orphans(this);
    this.metadata = env.sched.newObject(`metadata of ${this.label}`);
    env.mm.pressure ??= new Pressure(env.mm, reclaimHooks);
  }

  get label(): string {
    return this.daxMode === 'always' ? `${this.flavor}-dax` : this.flavor;
  }

  /** The device side; null for tmpfs. */
  get disk(): DiskStore | null {
    return this.store instanceof DiskStore ? this.store : null;
  }

  /** The memory side; null for file systems on a device. */
  get ram(): RamStore | null {
    return this.store instanceof RamStore ? this.store : null;
  }

  get nowNs(): number {
    return Math.floor(this.env.sched.clock.nowNs);
  }

  get inodes(): Iterable<Inode> {
    return this.#inodes.values();
  }

  /** The inode of that number, read if nobody knew it. EUCLEAN: it is damaged. */
  inode(ino: number): Inode {
    const known = this.#inodes.get(ino);
    return known ?? this.adopt(new Inode(this, this.store.read(ino)));
  }

  /** An inode becomes known; its blocks' pages get their owner. */
  adopt(inode: Inode): Inode {
    this.#inodes.set(inode.ino, inode);
    if (this.disk !== null && inode.isRegular) {
      for (const e of inode.extents.all) this.setOwners(inode, e.pgoff, e.block, e.nrPages);
    }
    return inode;
  }

  /** An inode is gone for good. */
  forget(inode: Inode): void {
    this.#inodes.delete(inode.ino);
  }

  /** Note on struct page whom these blocks belong to, and where in the file they stand. */
  setOwners(inode: Inode, pgoff: number, block: number, nrPages: number): void {
    const { pages } = this.env.mm;
    const { disk } = this;
    if (disk === null) return;
    const { ino, generation } = inode;
    pages.setOwners(disk.partition.pfnOf(block), nrPages, {
      mount: this.id,
      ino,
      generation,
      pgoff,
    });
  }

  /**
   * From now on tell the leases of a file when a page of it goes idle: leases that a policy keeps
   * until unpin end then. Only while somebody has layout leases, since it costs every unpin.
   */
  watchPins(): void {
    const { pages } = this.env.mm;
    this.#unwatch ??= pages.onIdle((pfn) => {
      const owner = pages.owner(pfn);
      if (owner?.mount === this.id) this.#inodes.get(owner.ino)?.leases.pinsChanged();
    });
  }

  /** Return when a file's blocks, and every transaction until now, are on the disk. EIO. */
  syncInode(inode: Inode): void {
    const { disk } = this;
    this.checkAlive('fsync');
    if (disk === null) return;
    if (inode.isRegular) flushRuns(this.#persistence, runsOf(inode.extents.all));
    disk.journal.commit();
  }

  /** The same of all files. EIO. */
  syncAll(): void {
    const { disk } = this;
    if (disk === null) return;
    const { dataStart, nrBlocks } = disk.superblock;
    this.#persistence.flush(posOf(dataStart), posOf(nrBlocks - 1 - dataStart));
    disk.journal.commit();
  }

  /** Unmounted: nothing is watched any more. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.orphans.close();
    this.#inodes.clear();
  }

  dataOf(dax: boolean): FileData {
    return dax ? this.files.dax : this.files.cached;
  }

  /**
   * FS_IOC_SHUTDOWN: as if the device had been pulled out. Nothing is written any more; calls are
   * EIO and faults SIGBUS, until it is mounted anew (fs/xfs/xfs_fsops.c:xfs_fs_goingdown).
   */
  shutDown(): void {
    this.#isShutDown = true;
  }

  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  /** EIO after a shutdown. */
  checkAlive(what: string): void {
    if (this.#isShutDown) throw new Errno('EIO', `${what}: ${this.label} was shut down`);
  }

  /** EROFS unless the file system may be written. */
  wantWrite(what: string): void {
    this.checkAlive(what);
    if (this.readOnly) throw new Errno('EROFS', `${what}: the file system is mounted read-only`);
  }

  /** One transaction; the point before it is where another task may run. */
  transaction<T>(task: Task, change: (handle: JournalHandle) => T): Promise<T> {
    this.checkAlive('transaction');
    const { sched } = this.env;
    if (!sched.on) return this.store.journal.transaction(task, change);
    return this.store.journal.transaction(task, (handle) => {
      sched.touch(this.metadata, 'write');
      return change(handle);
    });
  }

  /** Write an inode's record as it is now. */
  async writeInode(task: Task, inode: Inode): Promise<void> {
    if (inode.record.nlink === 0 && inode.evicted) return;
    await this.transaction(task, (handle) => this.store.write(handle, inode.record));
  }
}
