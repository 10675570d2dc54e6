// fallocate: allocate, punch, zero, collapse, insert (fs/open.c:vfs_fallocate; fs/ext4/extents.c,
// fs/xfs/xfs_file.c, mm/shmem.c). All or nothing: ENOSPC leaves the file as it was.

import { shown } from '../arguments.js';
import { Errno } from '../errno.js';
import type { LayoutOp } from '../lease/layout.js';
import type { Caller } from '../mm/caller.js';
import type { Task } from '../sched/index.js';
import { checkRange, isAligned, pagesFor, pgoffOf, posOf, type Pgoff } from '../units.js';
import { fillHoles, markBlocks, removeBlocks, replaceBlock } from './block-map.js';
import { unmapForDrop } from './file-data.js';
import type { Inode } from './inode.js';
import { withLayoutBroken, type PageRange, type ReferencedBlocks } from './layout-break.js';
import { checksBeforeBreak } from './layout-table.js';
import { checkNewSize } from './limits.js';
import { dropRange, punchRange, zeroOldTail } from './resize.js';
import { shmemPage } from './shmem.js';
import { assertDisk } from './store-kinds.js';
import { checkShift } from './transaction-size.js';

/** Modes of fallocate(2). punch implies keep_size, as Linux demands. */
export type FallocMode =
  'alloc' | 'keep_size' | 'punch' | 'zero' | 'zero_keep_size' | 'collapse' | 'insert';

interface FallocCall {
  readonly task: Task;
  readonly caller: Caller;
  readonly inode: Inode;
  readonly pos: number;
  readonly len: number;
}

interface ModeRow {
  readonly op: LayoutOp;
  /** Whether everything after pos moves. */
  readonly shifts: boolean;
  /** mm/shmem.c:shmem_fallocate knows KEEP_SIZE and PUNCH_HOLE only. */
  readonly tmpfs: boolean;
  /** The size that the call leaves behind. */
  newSize(call: FallocCall): number;
  check?(call: FallocCall): void;
  run(call: FallocCall, blocks: ReferencedBlocks): Promise<void>;
}

const grown = ({ inode, pos, len }: FallocCall): number => Math.max(inode.size(), pos + len);
const same = ({ inode }: FallocCall): number => inode.size();

function checkAligned({ pos, len, inode }: FallocCall): void {
  if (isAligned(pos) && isAligned(len)) return;
  throw new Errno('EINVAL', `fallocate: [${pos}, +${len}) of ${inode.label} is not page-aligned`);
}

const modes: Readonly<Record<FallocMode, ModeRow>> = {
  alloc: { op: 'fallocate', shifts: false, tmpfs: true, newSize: grown, run: allocate },
  keep_size: { op: 'fallocate', shifts: false, tmpfs: true, newSize: same, run: allocate },
  punch: {
    ...{ op: 'punch', shifts: false, tmpfs: true, newSize: same },
    run: ({ task, inode, pos, len }, blocks) => punchRange(task, inode, pos, len, blocks),
  },
  zero: { op: 'zero', shifts: false, tmpfs: false, newSize: grown, run: zeroRange },
  zero_keep_size: { op: 'zero', shifts: false, tmpfs: false, newSize: same, run: zeroRange },
  collapse: {
    ...{ op: 'collapse', shifts: true, tmpfs: false },
    newSize: ({ inode, len }) => inode.size() - len,
    check(call) {
      checkAligned(call);
      if (call.pos + call.len < call.inode.size()) return;
      throw new Errno('EINVAL', `fallocate: a collapse must end before ${call.inode.size()}`);
    },
    run: collapseRange,
  },
  insert: {
    ...{ op: 'insert', shifts: true, tmpfs: false },
    newSize: ({ inode, len }) => inode.size() + len,
    check(call) {
      checkAligned(call);
      if (call.inode.size() + call.len > call.inode.fs.maxBytes) {
        throw new Errno('EFBIG', `fallocate: ${call.inode.label} would be too big`);
      }
      if (call.pos < call.inode.size()) return;
      throw new Errno('EINVAL', `fallocate: an insert must begin before ${call.inode.size()}`);
    },
    run: insertRange,
  },
};

/** vfs_fallocate(): what is refused whatever the file system. The order is the kernel's. */
function checkCall(mode: FallocMode, call: FallocCall): void {
  const { inode, pos, len } = call;
  if (!Object.hasOwn(modes, mode)) {
    throw new Errno('EOPNOTSUPP', `fallocate: mode ${shown(mode)}`);
  }
  checkRange('fallocate', pos, len);
  if (len === 0) throw new Errno('EINVAL', 'fallocate: length 0');
  if (inode.record.append && mode !== 'alloc' && mode !== 'keep_size') {
    throw new Errno('EPERM', `fallocate: ${inode.label} is append-only`);
  }
  if (inode.record.immutable) throw new Errno('EPERM', `fallocate: ${inode.label} is immutable`);
  if (inode.type === 'dir') throw new Errno('EISDIR', `fallocate: ${inode.label}`);
  if (!inode.isRegular) throw new Errno('ENODEV', `fallocate: ${inode.label}`);
  if (pos + len > inode.fs.maxBytes) {
    throw new Errno('EFBIG', `fallocate: ${inode.label} ends at ${inode.fs.maxBytes} at most`);
  }
  if (inode.fs.flavor === 'tmpfs' && !modes[mode].tmpfs) {
    throw new Errno('EOPNOTSUPP', `fallocate: tmpfs has no mode ${mode}`);
  }
}

function rangeOf(row: ModeRow, { pos, len }: FallocCall): PageRange {
  const start = pgoffOf(pos);
  return { start, end: row.shifts ? Infinity : pagesFor(pos + len) };
}

/**
 * Change what blocks a file has in [pos, pos + len). EINVAL, EFBIG, EOPNOTSUPP, EPERM, EISDIR,
 * ENODEV, ENOSPC; EINTR while it waits for pages; and what the policy says.
 */
export async function fallocate(
  task: Task,
  caller: Caller,
  inode: Inode,
  mode: FallocMode,
  pos: number,
  len: number,
): Promise<void> {
  const call: FallocCall = { task, caller, inode, pos, len };
  checkCall(mode, call);
  const row = modes[mode];
  const { fs } = inode;
  const check = (): void => {
    row.check?.(call);
    if (row.newSize(call) > inode.size()) checkNewSize(caller, inode, row.newSize(call));
  };
  const first = checksBeforeBreak(fs.flavor, fs.rules) ? { first: check } : {};
  const range = () => rangeOf(row, call);
  await withLayoutBroken(
    { inode, op: row.op, task, caller, range, check, ...first },
    async (blocks) => {
      const size = row.newSize(call);
      if (size > inode.size() && !row.shifts) await zeroOldTail(task, inode, size);
      await row.run(call, blocks);
      const { record } = inode;
      record.size = size;
      record.mtimeNs = fs.nowNs;
      record.ctimeNs = fs.nowNs;
      await fs.writeInode(task, inode);
    },
  );
}

async function allocate({ task, inode, pos, len }: FallocCall): Promise<void> {
  const start = pgoffOf(pos);
  const end = pagesFor(pos + len);
  if (inode.fs.disk !== null) return fillHoles(task, inode, start, end, 'unwritten');
  const fresh: Pgoff[] = [];
  try {
    for (let pgoff = start; pgoff < end; pgoff++) {
      if (inode.mapping.lookup(pgoff) === undefined) fresh.push(pgoff);
      shmemPage(inode, pgoff);
    }
  } catch (e) {
    for (const pgoff of fresh) inode.data.dropPages(inode, pgoff, pgoff + 1);
    throw e;
  }
}

/** Whole pages become unwritten blocks; pages covered in part are zeroed there. */
async function zeroRange(call: FallocCall, blocks: ReferencedBlocks): Promise<void> {
  const { task, inode, pos, len } = call;
  const end = pos + len;
  // Space first: what follows must not fail half-way.
  await fillHoles(task, inode, pgoffOf(pos), pagesFor(end), 'unwritten');
  const first = pagesFor(pos);
  const last = pgoffOf(end);
  await punchRange(task, inode, pos, Math.min(len, posOf(first) - pos), blocks);
  if (first > last) return;
  await unmapForDrop(task, inode, first, last);
  if (blocks === 'free') {
    inode.data.dropPages(inode, first, last);
    await markBlocks(task, inode, first, last, true);
  } else {
    await dropRange(task, inode, first, last, blocks);
    await fillHoles(task, inode, first, last, 'unwritten');
  }
  if (end > posOf(last)) await punchRange(task, inode, posOf(last), end - posOf(last), blocks);
}

/** Pages that are about to move: written back, unmapped, out of the cache; busy ones are copied. */
async function prepareShift(
  { task, inode, pos }: FallocCall,
  blocks: ReferencedBlocks,
): Promise<void> {
  const { fs } = inode;
  const start = pgoffOf(pos);
  const { journal } = assertDisk(fs);
  // Now, while nothing was changed; a block that is replaced may cut an extent in three.
  checkShift(3 * inode.extents.within(start, Infinity).length, journal.capacity);
  await inode.data.sync(task, inode, start, Infinity);
  await unmapForDrop(task, inode, start, Infinity, { evenCows: true });
  inode.data.dropPages(inode, start, Infinity);
  if (blocks === 'free') return;
  const disk = assertDisk(fs);
  for (const e of inode.extents.within(start, Infinity)) {
    for (let i = 0; i < e.nrPages; i++) {
      if (fs.env.mm.pages.refs(disk.partition.pfnOf(e.block + i)) === 0) continue;
      await replaceBlock(task, inode, e.pgoff + i, blocks);
    }
  }
}

async function shiftExtents(
  { task, inode }: FallocCall,
  start: Pgoff,
  nrPages: number,
): Promise<void> {
  await inode.fs.transaction(task, (handle) => {
    inode.extents.shift(start, nrPages);
    for (const e of inode.extents.within(start + nrPages, Infinity)) {
      inode.fs.setOwners(inode, e.pgoff, e.block, e.nrPages);
    }
    assertDisk(inode.fs).write(handle, inode.record);
  });
  // Durable before anybody stores to a page that moved: after a crash it would stand where it was.
  assertDisk(inode.fs).journal.commit();
}

async function collapseRange(call: FallocCall, blocks: ReferencedBlocks): Promise<void> {
  const { task, inode, pos, len } = call;
  const start = pgoffOf(pos);
  const end = pgoffOf(pos + len);
  await prepareShift(call, blocks);
  await removeBlocks(task, inode, start, end, blocks);
  await shiftExtents(call, end, start - end);
}

async function insertRange(call: FallocCall, blocks: ReferencedBlocks): Promise<void> {
  const start = pgoffOf(call.pos);
  await prepareShift(call, blocks);
  await shiftExtents(call, start, pagesFor(call.len));
}
