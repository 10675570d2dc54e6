// Layouts held from inside the kernel: what a driver may ask of the file below a mapping or a
// descriptor. It fits lib/driver's LayoutService by shape; whoever builds the machine hands it in.
//
//   takeLayoutLease   ibv_reg_mr_lease (proposal, facts 9.1): an application's F_LAYOUT lease whose
//                     holder is a registration, told by onBreak in place of SIGIO
//   blockLayout       nfsd's FL_LAYOUT lease (facts 4.4): extents to be read and written past the
//                     file system, recalled before they change, without a time limit of its own
//
// Both keep the open file: a file that was unlinked meanwhile is not evicted under them. A lease is
// taken first and the blocks looked up after it, under i_rwsem, so that whoever changes the layout
// in between either has finished or sees the lease (fs/xfs/xfs_pnfs.c:xfs_fs_map_blocks).

import { constant } from '../constant.js';
import { Errno } from '../errno.js';
import type { FileLease, LeaseHolder, LeaseManager } from '../lease/lease.js';
import type { Caller, ProcessLike } from '../mm/caller.js';
import type { Scheduler, Task } from '../sched/index.js';
import { pagesFor, pgoffOf, posOf, type Pgoff } from '../units.js';
import { fillHoles, zeroUnwritten } from './block-map.js';
import type { Inode } from './inode.js';
import { OpenFile } from './open-file.js';
import { assertDisk } from './store-kinds.js';

export interface LeaseRequest {
  readonly addr: number;
  readonly len: number;
  onBreak(): void;
}

/** A layout lease of a registration. */
export interface HeldLease {
  readonly label: string;
  readonly held: boolean;
  release(): void;
}

export interface BlockRequest {
  readonly fd: number;
  readonly pos: number;
  readonly len: number;
  readonly access: 'read' | 'write';
  onRecall(task: Task): Promise<void>;
}

/** Whole pages of the file, and the first of the pages of the device that hold them. */
export interface HeldExtent {
  readonly pos: number;
  readonly len: number;
  readonly pfn: number;
  readonly access: 'read' | 'write';
}

export interface HeldBlocks {
  readonly extents: readonly HeldExtent[];
  release(): void;
}

export interface FileLayoutsEnv {
  readonly sched: Scheduler;
  /** The open file behind a descriptor. EBADF. */
  fileOf(process: ProcessLike, fd: number): unknown;
}

export class FileLayouts {
  readonly #env: FileLayoutsEnv;

  constructor(env: FileLayoutsEnv) {
    this.#env = constant(env);
  }

  /**
   * A layout lease on the file mapped at [addr, addr + len), until it is released or its break runs
   * out of time. EFAULT: not one mapping. EINVAL: of no file. EOPNOTSUPP: neither kernel nor policy
   * has layout leases for applications. EACCES, EAGAIN: as F_SETLEASE.
   */
  async takeLayoutLease(caller: Caller, request: LeaseRequest): Promise<HeldLease> {
    const { process } = caller;
    const { file } = process.mm.findVma(request.addr, request.len);
    if (!(file instanceof OpenFile)) throw new Errno('EINVAL', 'layout lease: memory of no file');
    const { inode } = file;
    const { leases, fs } = inode;
    if (!fs.rules.userLayoutLeases) {
      throw new Errno('EOPNOTSUPP', `layout lease: no such leases on ${fs.label}`);
    }
    const label = `registration of ${file.label}`;
    const holder: LeaseHolder = {
      ...{ label, pid: process.pid, readable: true, writable: false },
      notify: () => request.onBreak(),
      leaseGone: () => this.#putLater(file),
    };
    const lease = leases.setLease(caller, holder, 'F_RDLCK', { kind: 'LAYOUT' });
    file.getFile();
    fs.watchPins();
    return {
      label,
      get held() {
        return !lease.gone && lease.kept === null;
      },
      release: () => leases.drop(lease),
    };
  }

  /**
   * The blocks of [pos, pos + len) of a file, as far as it goes; holes and unwritten blocks get
   * zeros for access 'write' and are left out for 'read'. onRecall() runs once, when somebody wants
   * to change the layout, and resolves when nobody uses the blocks any more; until then the change
   * waits. EBADF, EINVAL. EOPNOTSUPP: nobody would ask the client before a change (ext4).
   * EAGAIN: the layout is being changed right now.
   */
  async blockLayout(caller: Caller, request: BlockRequest): Promise<HeldBlocks> {
    const file = this.#env.fileOf(caller.process, request.fd);
    if (!(file instanceof OpenFile)) throw new Errno('EINVAL', 'layout: no regular file');
    checkRequest(file, request);
    const { inode } = file;
    const { leases } = inode;
    const state = { granted: false };
    const manager: LeaseManager = {
      onBreak: (lease) => {
        if (!state.granted) return 'gone';
        this.#recall(inode, lease, request);
        return 'no-timeout';
      },
      onGone: () => this.#putLater(file),
    };
    const label = `block layout of ${file.label}`;
    const holder = { label, pid: 0, readable: true, writable: false, notify: () => {} };
    const lease = leases.setLease(caller, holder, 'F_RDLCK', { kind: 'LAYOUT', manager });
    file.getFile();
    try {
      const extents = await mapBlocks(caller, inode, request);
      if (lease.gone) throw new Errno('EAGAIN', `layout: ${file.label} is being changed`);
      state.granted = true;
      return { extents, release: () => leases.drop(lease) };
    } catch (e) {
      leases.drop(lease);
      throw e;
    }
  }

  #recall(inode: Inode, lease: FileLease, request: BlockRequest): void {
    this.#env.sched.spawn(`layout recall of ${inode.label}`, async (task) => {
      await request.onRecall(task);
      inode.leases.drop(lease);
    });
  }

  /** fput() of a task that is leaving the kernel, or of none (fs/file_table.c:delayed_fput). */
  #putLater(file: OpenFile): void {
    const { sched } = this.#env;
    const { current } = sched;
    if (current !== null) file.putFile(current);
    else sched.spawn(`fput of ${file.label}`, (task) => Promise.resolve(file.putFile(task)));
  }
}

function checkRequest(file: OpenFile, { pos, len, access }: BlockRequest): void {
  const { inode, label } = file;
  if (!(access === 'read' ? file.readable : file.writable)) {
    throw new Errno('EBADF', `layout: ${label} is not open for that`);
  }
  if (!inode.isRegular) throw new Errno('EINVAL', `layout: ${label} is no regular file`);
  const inside = Number.isSafeInteger(pos) && pos >= 0 && Number.isSafeInteger(len) && len > 0;
  if (!inside || pos >= inode.size()) {
    throw new Errno('EINVAL', `layout: [${pos}, +${len}) of ${label}, of ${inode.size()} bytes`);
  }
  const { fs } = inode;
  if (!inode.dax)
    throw new Errno('EOPNOTSUPP', `layout: ${inode.label} has a page cache over its blocks`);
  // Who changes the layout must ask first: the kernel's own order (xfs), or a policy's.
  if (!inode.breakOf('truncate').leases && fs.policy.beforeChange === undefined) {
    throw new Errno('EOPNOTSUPP', `layout: ${fs.label} never recalls one`);
  }
}

/** The extents of the pages of a request, under i_rwsem. ENOSPC, EINTR. */
async function mapBlocks(
  { task }: Caller,
  inode: Inode,
  { pos, len, access }: BlockRequest,
): Promise<HeldExtent[]> {
  const { iRwsem } = inode;
  await iRwsem.downWrite(task, 'killable');
  try {
    const start = pgoffOf(pos);
    const end = Math.min(pagesFor(pos + len), pagesFor(inode.size()));
    if (access === 'write') await makeWritten(task, inode, start, end);
    const { partition } = assertDisk(inode.fs);
    return inode.extents
      .within(start, Math.max(start, end))
      .filter((e) => !e.unwritten)
      .map((e) => ({
        pos: posOf(e.pgoff),
        len: posOf(e.nrPages),
        pfn: partition.pfnOf(e.block),
        access,
      }));
  } finally {
    iRwsem.upWrite(task);
  }
}

/** Written blocks everywhere in [start, end); mappings of the zero page fault again. */
export async function makeWritten(
  task: Task,
  inode: Inode,
  start: Pgoff,
  end: Pgoff,
): Promise<void> {
  const whole = inode.extents.segments(start, end).every((s) => s.block !== null && !s.unwritten);
  if (start >= end || whole) return;
  await fillHoles(task, inode, start, end, 'zeroed');
  await zeroUnwritten(task, inode, start, end);
  await inode.mapping.unmapMappingRange(task, start, end);
}
