// fsck, the last step: inodes without a name are freed as a mount would free them, and files that
// no name leads to get one in /lost+found. By now everything else is sound, so this goes through
// the store and its journal.

import { Errno, isErrno } from '../errno.js';
import { Directory } from './directory.js';
import { DiskStore } from './disk-store.js';
import { ROOT_INO } from './format.js';
import type { Fsck } from './fsck.js';
import type { InodeRecord } from './inode-record.js';
import { recoverOrphans } from './orphans.js';

const NAME = 'lost+found';

export async function freeNameless(fsck: Fsck): Promise<void> {
  if (fsck.nrOrphans === 0) return;
  const nameless = [...fsck.inodes.records.values()].filter((r) => r.nlink === 0);
  const store = DiskStore.open(fsck.partition, fsck.persistence);
  const freed = await recoverOrphans(store);
  store.journal.checkpoint();
  for (const { ino } of nameless) fsck.inodes.records.delete(ino);
  if (nameless.length > 0) fsck.notes.push(`${nameless.length} files without a name freed`);
  const cut = freed - nameless.length;
  if (cut > 0) fsck.notes.push(`${cut} truncates finished`);
}

interface Place {
  readonly store: DiskStore;
  readonly root: InodeRecord;
  readonly lost: InodeRecord;
  readonly names: Directory;
}

/** /lost+found, made if it is not there. ENOSPC. */
async function lostAndFound(store: DiskStore): Promise<Place> {
  const root = store.read(ROOT_INO);
  const rootNames = new Directory(root, store);
  const there = rootNames.lookup(NAME);
  if (there?.kind === 'dir') {
    const lost = store.read(there.ino);
    return { store, root, lost, names: new Directory(lost, store) };
  }
  if (there !== undefined) throw new Errno('EEXIST', `fsck: /${NAME} is no directory`);
  store.checkInode();
  store.allocator.checkSpace(3, 'metadata');
  const owner = { uid: 0, gid: 0, parent: ROOT_INO, nowNs: root.mtimeNs };
  const lost = await store.journal.transaction(null, (handle) => {
    const made = store.create(handle, { kind: 'dir', perm: 0o700, ...owner });
    rootNames.add(handle, { name: NAME, ino: made.ino, kind: 'dir' });
    root.nlink += 1;
    store.write(handle, root);
    return made;
  });
  return { store, root, lost, names: new Directory(lost, store) };
}

async function attach({ store, lost, names }: Place, record: InodeRecord): Promise<void> {
  store.allocator.checkSpace(2, 'metadata');
  await store.journal.transaction(null, (handle) => {
    names.add(handle, { name: `#${record.ino}`, ino: record.ino, kind: record.kind });
    if (record.kind === 'dir') {
      record.parent = lost.ino;
      lost.nlink += 1;
    } else record.nlink = 1;
    store.write(handle, record);
    store.write(handle, lost);
  });
}

/** Give each a name. Without space for that they stay as they are, and the report says so. */
export async function attachLost(fsck: Fsck, lost: readonly number[]): Promise<void> {
  if (lost.length === 0) return;
  const store = DiskStore.open(fsck.partition, fsck.persistence);
  try {
    const place = await lostAndFound(store);
    for (const ino of lost) await attach(place, store.read(ino));
  } catch (e) {
    if (!isErrno(e, 'ENOSPC') && !isErrno(e, 'EEXIST')) throw e;
    fsck.notes.push(`${lost.length} files stay without a name: ${e.message}`);
  }
  store.journal.checkpoint();
}
