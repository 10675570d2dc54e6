// FileSystem: one mount, as the rest of the machine uses it.
//
//   mkfs -> mount -> open, truncate, unlink, ... -> unmount -> mount again: all is there
//
// A mount takes a device for itself; one machine may mount several partitions of a device.
// unmount() refuses while a file is open or a block is referenced: EBUSY names who it is.

import { constant } from '../constant.js';
import {
  checkBoolean,
  checkId,
  checkList,
  checkMode,
  checkObject,
  checkPath,
  checkWord,
} from '../arguments.js';
import { Errno } from '../errno.js';
import type { LayoutPolicy } from '../lease/layout.js';
import type { Caller } from '../mm/caller.js';
import type { DaxDevice } from '../mm/dax-device.js';
import type { PinIntent } from '../mm/mm-env.js';
import type { PageOwner } from '../mm/page.js';
import type { Region } from '../mm/region.js';
import type { Task } from '../sched/index.js';
import { PAGE_SIZE, pgoffOf } from '../units.js';
import { changeMode, changeOwner } from './attributes.js';
import { createEntry, linkEntry } from './create.js';
import { daxData } from './dax.js';
import { breakingDelegations } from './delegations.js';
import { daxModeOf, type DaxOption } from './dax-mode.js';
import { DiskStore } from './disk-store.js';
import type { FsEnv } from './fs-env.js';
import type { Inode } from './inode.js';
import type { Flavor } from './layout-table.js';
import { mkfs, type MkfsOptions } from './mkfs.js';
import { Mount } from './mount.js';
import { checkMkfs, checkMount } from './mount-spec.js';
import { takeDevice } from './mount-lock.js';
import { linkTarget, locate, lookup } from './namei.js';
import { openFile, type OpenFlag } from './open.js';
import type { OpenFile } from './open-file.js';
import { recoverOrphans } from './orphans.js';
import { pageCacheData } from './page-cache.js';
import { devicePartition, partitionOf } from './partition.js';
import { devicePersistence, type Persistence } from './persistence.js';
import { RamStore } from './ram-store.js';
import { rmdirEntry, unlinkEntry } from './remove.js';
import { renameEntry, type RenameFlag } from './rename.js';
import { shmemData } from './shmem.js';
import { statfsOf, statInode, type Stat, type Statfs } from './stat.js';
import { flavorOf } from './superblock.js';
import { checkLength, truncateByPath } from './truncate.js';

export interface FileSystemSpec {
  /** The device and its pages; null for tmpfs. */
  readonly device: DaxDevice | null;
  readonly region: Region | null;
  /** The partition, in bytes of the device. For tmpfs len is how much memory it may take. */
  readonly startPos: number;
  readonly len: number;
  readonly flavor: Flavor;
  /** Which files have S_DAX. Not for tmpfs, which has none. */
  readonly dax: DaxOption;
  readonly policy: LayoutPolicy;
  readonly mountId: number;
  readonly readOnly?: boolean;
  /** What makes stores last; the device's own if not given. */
  readonly persistence?: Persistence;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly ino: number;
  readonly kind: 'file' | 'dir' | 'link';
}

export class FileSystem {
  readonly mount: Mount;
  readonly #release: () => void;

  private constructor(mount: Mount, release: () => void) {
    this.mount = mount;
    this.#release = release;
  }

  /** Write an empty file system. EINVAL: the partition does not fit. EBUSY: it is mounted. */
  static async mkfs(
    device: DaxDevice,
    spec: { readonly startPos: number; readonly len: number } & MkfsOptions,
  ): Promise<void> {
    checkMkfs(device, spec);
    const release = takeDevice(device, spec.startPos, spec.len);
    try {
      const partition = devicePartition(device, spec.startPos, spec.len);
      await mkfs(partition, spec, devicePersistence(device, spec.startPos));
    } finally {
      release();
    }
  }

  /**
   * Mount what is on a partition, or an empty tmpfs. EBUSY: somebody else has the device. EINVAL,
   * EUCLEAN: what is there is no file system, another flavor, or damaged.
   */
  static async mount(env: FsEnv, spec: FileSystemSpec): Promise<FileSystem> {
    checkMount(env, spec);
    const { mountId: id, flavor, policy, readOnly = false } = spec;
    if (spec.flavor === 'tmpfs') {
      const store = new RamStore(pgoffOf(spec.len), Math.floor(env.sched.clock.nowNs));
      const mount = new Mount(env, { id, flavor, dax: 'never', policy, readOnly, store });
      mount.files = constant({ dax: shmemData, cached: shmemData });
      return new FileSystem(mount, () => {});
    }
    const { device, region, startPos, len } = spec;
    const dax = daxModeOf(spec.dax);
    if (device === null || region === null)
      throw new Errno('EINVAL', `mount: ${flavor} on nothing`);
    const release = takeDevice(device, startPos, len);
    try {
      const firstPfn = region.basePfn + startPos / PAGE_SIZE;
      const { persistence = devicePersistence(device, startPos) } = spec;
      const partition = partitionOf(env.mm.pages, firstPfn, len / PAGE_SIZE);
      const store = DiskStore.open(partition, persistence);
      const found = flavorOf(store.superblock);
      if (found !== flavor) throw new Errno('EINVAL', `mount: there is ${found}, not ${flavor}`);
      store.keepFrom(device.quarantined(), startPos / PAGE_SIZE);
      const onDevice = { store, persistence, readOnly: readOnly || store.mustNotWrite };
      const mount = new Mount(env, { id, flavor, dax, policy, ...onDevice });
      mount.files = constant({ dax: daxData, cached: pageCacheData() });
      if (!mount.readOnly) {
        store.setMounted(true);
        await recoverOrphans(store);
      }
      return new FileSystem(mount, release);
    } catch (e) {
      release();
      throw e;
    }
  }

  get label(): string {
    return this.mount.label;
  }

  get policy(): LayoutPolicy {
    return this.mount.policy;
  }

  // -- files and names --

  open(caller: Caller, path: string, flags: readonly OpenFlag[], mode?: number): Promise<OpenFile> {
    if (mode !== undefined) checkMode('open', mode);
    return openFile(this.mount, caller, path, flags, mode);
  }

  /** truncate(2), by path: breaks leases. */
  async truncate(caller: Caller, path: string, len: number): Promise<void> {
    checkLength(len);
    await truncateByPath(caller, lookup(this.mount, caller, path), len);
  }

  async unlink(caller: Caller, path: string): Promise<void> {
    const found = locate(this.mount, caller, path, false);
    this.mount.wantWrite('unlink');
    await unlinkEntry(caller, found);
  }

  async rmdir(caller: Caller, path: string): Promise<void> {
    await breakingDelegations(caller, async (tryBreak) => {
      const found = locate(this.mount, caller, path, false);
      this.mount.wantWrite('rmdir');
      await rmdirEntry(caller, found, tryBreak);
    });
  }

  async rename(
    caller: Caller,
    from: string,
    to: string,
    flags: readonly RenameFlag[] = [],
  ): Promise<void> {
    for (const flag of checkList('rename', 'flags', flags)) {
      checkWord('rename', 'flags', flag, ['noreplace', 'exchange']);
    }
    const source = locate(this.mount, caller, from, false);
    const target = locate(this.mount, caller, to, false);
    this.mount.wantWrite('rename');
    await renameEntry(caller, source, target, flags);
  }

  async mkdir(caller: Caller, path: string, mode = 0o777): Promise<void> {
    checkMode('mkdir', mode);
    await this.#create(caller, path, { kind: 'dir', perm: mode & 0o1777 }, true);
  }

  /** mknod(2) of S_IFREG: an empty file. */
  async mknod(caller: Caller, path: string, mode = 0o666): Promise<void> {
    checkMode('mknod', mode);
    await this.#create(caller, path, { kind: 'file', perm: mode & 0o7777 }, false);
  }

  async symlink(caller: Caller, target: string, path: string): Promise<void> {
    checkPath('symlink', target, 'target');
    if (target === '') throw new Errno('ENOENT', 'symlink: an empty target');
    if (target.length >= PAGE_SIZE) throw new Errno('ENAMETOOLONG', 'symlink: target');
    await this.#create(caller, path, { kind: 'link', perm: 0o777, target }, false);
  }

  /** The path is walked again after the wait for a delegation: do_mkdirat and its kin, do_rmdir. */
  async #create(
    caller: Caller,
    path: string,
    entry: Parameters<typeof createEntry>[3],
    slashAllowed: boolean,
  ): Promise<void> {
    await breakingDelegations(caller, async (tryBreak) => {
      const { dir, name, inode, mustBeDir } = locate(this.mount, caller, path, false);
      if (inode !== undefined) throw new Errno('EEXIST', path);
      if (mustBeDir && !slashAllowed) throw new Errno('ENOENT', path);
      this.mount.wantWrite('create');
      await createEntry(caller, dir, name, entry, tryBreak);
    });
  }

  /** Both paths are walked again after the wait for a delegation (do_linkat). */
  async link(caller: Caller, from: string, to: string): Promise<void> {
    await breakingDelegations(caller, async (tryBreak) => {
      const inode = lookup(this.mount, caller, from, false);
      const found = locate(this.mount, caller, to, false);
      if (found.inode !== undefined) throw new Errno('EEXIST', to);
      this.mount.wantWrite('link');
      await linkEntry(caller, inode, found.dir, found.name, tryBreak);
    });
  }

  readlink(caller: Caller, path: string): string {
    const inode = lookup(this.mount, caller, path, false);
    if (inode.type !== 'link') throw new Errno('EINVAL', `readlink: ${path}`);
    return linkTarget(inode);
  }

  readdir(caller: Caller, path: string): DirectoryEntry[] {
    const inode = lookup(this.mount, caller, path);
    if (inode.type !== 'dir') throw new Errno('ENOTDIR', `readdir: ${path}`);
    return inode.directory.list();
  }

  stat(caller: Caller, path: string, follow = true): Stat {
    checkBoolean('stat', 'follow', follow);
    return statInode(lookup(this.mount, caller, path, follow));
  }

  async chmod(caller: Caller, path: string, perm: number): Promise<void> {
    checkMode('chmod', perm);
    await changeMode(caller, lookup(this.mount, caller, path), perm);
  }

  async chown(caller: Caller, path: string, uid: number, gid: number): Promise<void> {
    checkId('chown', 'uid', uid, true);
    checkId('chown', 'gid', gid, true);
    await changeOwner(caller, lookup(this.mount, caller, path), uid, gid);
  }

  /** The inode of a path, for those that look from outside: a referee, fsck, tests. */
  inode(caller: Caller, path: string): Inode {
    return lookup(this.mount, caller, path);
  }

  /** The file that a page belongs to, by its last path, or by number if nobody knows it. */
  nameOf(owner: PageOwner): string {
    checkObject('nameOf', 'owner', owner);
    const { ino, generation } = owner;
    for (const inode of this.mount.inodes) {
      if (inode.ino === ino && inode.generation === generation) return inode.path ?? inode.label;
    }
    return `${this.label} inode ${ino}, gone`;
  }

  // -- the whole --

  statfs(): Statfs {
    return statfsOf(this.mount);
  }

  /**
   * What the mount's policy says to a pin of one of its files, for MMEnv.admitPin: throws if it is
   * refused. False if the mapping is none of this mount's.
   */
  admitPin(intent: PinIntent): boolean {
    checkObject('admitPin', 'intent', intent);
    const host = intent.mapping.host;
    if (host.mount !== this.mount.id) return false;
    const inode = this.mount.inode(host.ino);
    if (this.policy.admitPin === undefined || !inode.dax) return true;
    this.mount.watchPins();
    this.policy.admitPin(intent, inode.leases);
    return true;
  }

  /** Have everything on the device. */
  async sync(task: Task): Promise<void> {
    for (const inode of this.mount.inodes) {
      if (inode.isRegular && !inode.evicted) await inode.data.sync(task, inode);
    }
    this.mount.syncAll();
  }

  /**
   * FS_IOC_SHUTDOWN. `sync` has everything on the device first, `log` the transactions that are
   * done, `now` nothing more. EINVAL: another word. EIO.
   */
  async shutDown(task: Task, first: 'sync' | 'log' | 'now'): Promise<void> {
    checkWord('shutDown', 'first', first, ['sync', 'log', 'now']);
    if (first === 'sync') await this.sync(task);
    else if (first === 'log') this.mount.disk?.journal.commit();
    this.mount.shutDown();
  }

  /** What stands against an unmount; empty: nothing. */
  holders(): string[] {
    const found: string[] = [];
    for (const inode of this.mount.inodes) {
      if (inode.refs > 0) found.push(`${inode.label} is open`);
      else if (inode.dax && inode.mapping.firstBusy() !== undefined) {
        found.push(`${inode.label} has pinned pages`);
      }
    }
    const { orphans } = this.mount;
    if (orphans.nrOrphaned > 0) found.push(orphans.describe());
    if (orphans.nrBusy > 0) found.push(`${orphans.nrBusy} busy blocks are referenced`);
    return found;
  }

  /** Write everything back and let go of the device. EBUSY names who is in the way. */
  async unmount(task: Task): Promise<void> {
    const held = this.holders();
    if (held.length > 0) throw new Errno('EBUSY', `unmount: ${held.join('; ')}`);
    const { mount } = this;
    if (!mount.isShutDown) await this.sync(task);
    for (const inode of mount.inodes) inode.data.dropPages(inode, 0, Infinity);
    mount.close();
    if (!mount.readOnly && !mount.isShutDown) mount.disk?.setMounted(false);
    this.#release();
  }
}
