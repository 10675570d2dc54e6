// What happens to an inode when its last reference goes.
//
//   nlink 0       --> layout break 'evict', which cannot fail --> blocks freed --> inode freed
//   I_DONTCACHE   --> written back --> the same break --> pages dropped --> S_DAX decided anew
//   else          it stays in memory until the file system is unmounted
//
// Kernels before 6.15 free the blocks at once, referenced or not; later ones wait, and no signal
// ends that wait (fs/dax.c:dax_break_layout_final, rules.evictWaits). Whoever drops the last
// reference is held up: close(2), munmap(2), unlink(2) or exit.

import assert from 'node:assert/strict';
import { isErrno } from '../errno.js';
import type { Task } from '../sched/index.js';
import { removeBlocks } from './block-map.js';
import { unmapBlocks } from './block-mapping.js';
import type { Inode } from './inode.js';
import { withLayoutBroken, type ReferencedBlocks } from './layout-break.js';

async function removeInode(task: Task, inode: Inode, blocks: ReferencedBlocks): Promise<void> {
  const { fs, mapping } = inode;
  inode.data.dropPages(inode, 0, Infinity);
  for (const pgoff of mapping.dirtyPages()) mapping.clearDirty(pgoff);
  if (fs.disk !== null) await removeBlocks(task, inode, 0, Infinity, blocks);
  await fs.transaction(task, (handle) => fs.store.remove(handle, inode.record));
  fs.forget(inode);
  fs.env.events.evict?.({ mount: fs.id, ino: inode.ino, generation: inode.generation });
}

const range = () => ({ start: 0, end: Infinity });

/** Somebody holds it, or has begun to since it was asked to go. */
const inUse = (inode: Inode): boolean => inode.refs > 0 || inode.record.nlink === 0;

/** Nothing of the file is in memory alone. */
async function writeBack(task: Task, inode: Inode): Promise<boolean> {
  await inode.data.sync(task, inode);
  return inode.mapping.dirtyPages().length === 0;
}

/**
 * Drop the inode from memory and make it anew (fs/inode.c:iput_final, I_DONTCACHE): what was
 * written goes to the device first, not to waste (generic_drop_inode alone lost it). The object
 * stays, so that who came by a path and holds no reference meets the same locks; under these its
 * mode changes, in one step with the last of its pages. Who opens it before that keeps the mode,
 * and the last close tries again; so it is with a page that its policy keeps from writeback.
 */
async function instantiateAnew(task: Task, inode: Inode): Promise<void> {
  const { fs, mapping } = inode;
  if (!(await writeBack(task, inode))) return;
  await withLayoutBroken({ inode, op: 'evict', task, caller: null, range }, async () => {
    if (fs.isShutDown || inUse(inode) || !inode.dontCache) return;
    if (fs.rules.blockMappings) await unmapBlocks(task, inode, 0, Infinity);
    if (!(await writeBack(task, inode)) || inUse(inode)) return;
    inode.data.dropPages(inode, 0, Infinity);
    if (mapping.mapped || mapping.nrEntries !== 0) assert.fail(`${inode.label}: pages of nobody`);
    inode.instantiate();
  });
}

/** Evict the inode if nothing holds it any more. Never throws for a reason of the caller. */
export async function evictIfUnused(task: Task, inode: Inode): Promise<void> {
  if (inode.refs > 0 || inode.evicted) return;
  if (inode.record.nlink > 0) {
    if (!inode.dontCache || inode.fs.isShutDown) return;
    await instantiateAnew(task, inode).catch((e: unknown) => {
      if (!isErrno(e)) throw e; // iput() has nobody to tell: it stays as it is
    });
    return;
  }
  inode.evicted = true;
  if (inode.fs.isShutDown) return; // the next mount ends it: it is on the orphan list
  await withLayoutBroken({ inode, op: 'evict', task, caller: null, range }, (blocks) =>
    removeInode(task, inode, blocks),
  );
}
