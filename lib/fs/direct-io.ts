// Direct I/O: blocks move between the device and the pages of a process, past the page cache
// (fs/iomap/direct-io.c). The pages are referenced while they move, chunk by chunk: short pins,
// FOLL_GET or FOLL_PIN as the kernel has it (rules.directIOPins).
//
// Who moves the bytes is a BlockEngine: a block device, or the CPU if the machine has none.

import { Errno } from '../errno.js';
import { gup } from '../mm/gup.js';
import type { MM } from '../mm/mm.js';
import type { Task } from '../sched/index.js';
import { alignDown, PAGE_SIZE, pageOffset, pagesFor, pagesSpanned, pgoffOf } from '../units.js';
import { fillHoles, zeroUnwritten } from './block-map.js';
import type { FsEnv } from './fs-env.js';
import type { Inode } from './inode.js';
import { assertDisk } from './store-kinds.js';
import { writebackRange } from './writeback.js';

/** One stretch of device pages and one of memory, which may begin inside its first page. */
export interface BlockTransfer {
  /** From the device into memory, or out of it. */
  readonly dir: 'read' | 'write';
  readonly devicePfns: Uint32Array;
  readonly devicePos: number;
  readonly memoryPfns: Uint32Array;
  readonly memoryPos: number;
  readonly len: number;
}

/** Moves blocks by DMA. It resolves when the hardware is done with the pages; EIO. */
export interface BlockEngine {
  transfer(task: Task, io: BlockTransfer): Promise<void>;
}

/** The engine of a machine without a block device: the CPU copies, a page at a time. */
export function cpuEngine(env: FsEnv): BlockEngine {
  const { pages } = env.mm;
  return {
    async transfer(_task, io) {
      for (let done = 0; done < io.len;) {
        const at = io.memoryPos + done;
        const len = Math.min(PAGE_SIZE - pageOffset(at), io.len - done);
        const pfn = io.memoryPfns[pgoffOf(at)]!;
        if (env.sched.on) await env.sched.at(pages.objectOf(pfn), 'write');
        const [to, toPos, from, fromPos] =
          io.dir === 'read'
            ? ([io.memoryPfns, at, io.devicePfns, io.devicePos + done] as const)
            : ([io.devicePfns, io.devicePos + done, io.memoryPfns, at] as const);
        pages.copy(to, toPos, from, fromPos, len);
        done += len;
      }
    },
  };
}

/** Logical block size: what positions, lengths and addresses must be multiples of. */
export const DIRECT_ALIGN = 512;

/** BIO_MAX_VECS: pages that one chunk takes. */
const MAX_CHUNK_PAGES = 256;

export interface UserBuffer {
  readonly mm: MM;
  readonly addr: number;
  readonly len: number;
}

/** EINVAL unless the direct transfer is aligned as the device wants it. */
export function checkDirect(pos: number, { addr, len }: { addr: number; len: number }): void {
  if ([pos, addr, len].every((n) => n % DIRECT_ALIGN === 0)) return;
  throw new Errno('EINVAL', `direct I/O of ${len} bytes at ${pos} is not on ${DIRECT_ALIGN} bytes`);
}

/** Take the pages of a part of the buffer, use them, give them back; how many bytes they held. */
async function withPages(
  task: Task,
  env: FsEnv,
  buffer: UserBuffer,
  write: boolean,
  use: (pfns: Uint32Array, pos: number, len: number) => Promise<void>,
): Promise<number> {
  const { pages } = env.mm;
  const { mm, addr } = buffer;
  const nrPages = Math.min(MAX_CHUNK_PAGES, pagesSpanned(addr, buffer.len));
  const pfns = new Uint32Array(nrPages);
  const kind = env.rules.directIOPins ? 'pin' : 'get';
  const taken = await gup(task, mm, alignDown(addr), nrPages, { write, kind }, pfns);
  try {
    const len = Math.min(buffer.len, taken * PAGE_SIZE - pageOffset(addr));
    await use(pfns.subarray(0, taken), pageOffset(addr), len);
    if (write) for (const pfn of pfns) pages.mappingOf(pfn)?.setPageDirty(pfn);
    return len;
  } finally {
    if (kind === 'pin') pages.unpinPages(pfns, 0, taken);
    else pages.putPages(pfns, 0, taken);
  }
}

/** Move [pos, pos + len) of the file, whose blocks are all there or holes that are read. */
async function moveBlocks(
  task: Task,
  inode: Inode,
  dir: 'read' | 'write',
  pos: number,
  memoryPfns: Uint32Array,
  memoryPos: number,
  len: number,
): Promise<void> {
  const { env } = inode.fs;
  const engine = env.blockEngine ?? cpuEngine(env);
  const { partition } = assertDisk(inode.fs);
  for (const s of inode.extents.segments(pgoffOf(pos), pagesFor(pos + len))) {
    const from = Math.max(pos, s.pgoff * PAGE_SIZE);
    const part = Math.min(pos + len, (s.pgoff + s.nrPages) * PAGE_SIZE) - from;
    const at = memoryPos + (from - pos);
    if (s.block === null || s.unwritten) {
      env.mm.pages.fill(memoryPfns, at, part, 0);
      continue;
    }
    const first = partition.pfnOf(s.block);
    const devicePfns = Uint32Array.from({ length: s.nrPages }, (_, i) => first + i);
    const devicePos = from - s.pgoff * PAGE_SIZE;
    await engine.transfer(task, {
      dir,
      devicePfns,
      devicePos,
      memoryPfns,
      memoryPos: at,
      len: part,
    });
  }
}

/** O_DIRECT read into memory of a process; bytes read. EFAULT if there is no first page. */
export async function directRead(
  task: Task,
  inode: Inode,
  pos: number,
  buffer: UserBuffer,
): Promise<number> {
  const { fs } = inode;
  await inode.iRwsem.downRead(task);
  try {
    const total = Math.max(0, Math.min(buffer.len, inode.size() - pos));
    await writebackRange(task, inode, 'sync', pgoffOf(pos), pagesFor(pos + total));
    let done = 0;
    while (done < total) {
      const part = { mm: buffer.mm, addr: buffer.addr + done, len: total - done };
      try {
        done += await withPages(task, fs.env, part, true, (pfns, at, len) =>
          moveBlocks(task, inode, 'read', pos + done, pfns, at, len),
        );
      } catch (e) {
        if (done === 0 || !(e instanceof Errno)) throw e;
        break;
      }
    }
    return done;
  } finally {
    inode.iRwsem.upRead(task);
  }
}

/** O_DIRECT write from memory of a process, under i_rwsem; bytes written. Leaves the size alone. */
export async function directWrite(
  task: Task,
  inode: Inode,
  pos: number,
  buffer: UserBuffer,
): Promise<number> {
  const { mapping } = inode;
  const start = pgoffOf(pos);
  const end = pagesFor(pos + buffer.len);
  await mapping.invalidateLock.downWrite(task);
  try {
    // Whole folios: invalidate_inode_pages2_range asks nobody who references them.
    const goes = inode.data.reach?.(inode, start, end) ?? { start, end };
    await writebackRange(task, inode, 'sync', goes.start, goes.end);
    await mapping.unmapMappingRange(task, goes.start, goes.end);
    inode.data.dropPages(inode, goes.start, goes.end);
  } finally {
    mapping.invalidateLock.upWrite(task);
  }
  await fillHoles(task, inode, start, end, 'unwritten');
  await zeroUnwritten(task, inode, start, end);
  let done = 0;
  while (done < buffer.len) {
    const part = { mm: buffer.mm, addr: buffer.addr + done, len: buffer.len - done };
    try {
      done += await withPages(task, inode.fs.env, part, false, (pfns, at, len) =>
        moveBlocks(task, inode, 'write', pos + done, pfns, at, len),
      );
    } catch (e) {
      if (done === 0 || !(e instanceof Errno)) throw e;
      break;
    }
  }
  return done;
}
