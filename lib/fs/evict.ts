// The end of an inode without a name: its blocks go when its last reference does.
//
//   nlink 0, refs 0 --> layout break 'evict', which cannot fail --> blocks freed --> inode freed
//
// Kernels before 6.15 free the blocks at once, referenced or not; later ones wait, and no signal
// ends that wait (fs/dax.c:dax_break_layout_final, rules.evictWaits). Whoever drops the last
// reference is held up: close(2), munmap(2), unlink(2) or exit.

import type { Task } from '../sched/index.js';
import { removeBlocks } from './block-map.js';
import type { Inode } from './inode.js';
import { withLayoutBroken, type ReferencedBlocks } from './layout-break.js';

async function removeInode(task: Task, inode: Inode, blocks: ReferencedBlocks): Promise<void> {
  const { fs, mapping } = inode;
  fs.data.dropPages(inode, 0, Infinity);
  for (const pgoff of mapping.dirtyPages()) mapping.clearDirty(pgoff);
  if (fs.disk !== null) await removeBlocks(task, inode, 0, Infinity, blocks);
  await fs.transaction(task, (handle) => fs.store.remove(handle, inode.record));
  fs.forget(inode);
  fs.env.events.evict?.({ mount: fs.id, ino: inode.ino, generation: inode.generation });
}

/** Evict the inode if nothing holds it any more. Never throws for a reason of the caller. */
export async function evictIfUnused(task: Task, inode: Inode): Promise<void> {
  if (inode.refs > 0 || inode.record.nlink > 0 || inode.evicted) return;
  inode.evicted = true;
  if (inode.fs.isShutDown) return; // the next mount ends it: it is on the orphan list
  const range = () => ({ start: 0, end: Infinity });
  await withLayoutBroken({ inode, op: 'evict', task, caller: null, range }, (blocks) =>
    removeInode(task, inode, blocks),
  );
}
