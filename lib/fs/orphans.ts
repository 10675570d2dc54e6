// Blocks that left their file while somebody still references their pages.
//
//   orphan   with an inode of their own on the device, without a name; counted as orphaned
//            --last reference--> queued --reaper, a second transaction--> free
//   busy     free on the device, skipped by the allocator   --last reference--> free
//
// The last unpin only queues: it may come from anywhere. A mount frees the orphan inodes that a
// crash left before anybody can pin a page of it (recoverOrphans).

import { Errno } from '../errno.js';
import type { PageOwner } from '../mm/page.js';
import { pagesFor, posOf, type Pfn } from '../units.js';
import type { DiskStore } from './disk-store.js';
import type { BlockEvent } from './fs-env.js';
import { runsOf, type Extent } from './extent.js';
import { BITMAP_BITS } from './format.js';
import type { InodeRecord } from './inode-record.js';
import { BLOCK_COST, type JournalHandle } from './journal.js';
import type { Mount } from './mount.js';
import { assertDisk } from './store-kinds.js';
import { freeableFrom } from './transaction-size.js';

interface OrphanBlock {
  readonly block: number;
  readonly pgoff: number;
  readonly owner: PageOwner;
  readonly record: InodeRecord;
}

export class Orphans {
  readonly #fs: Mount;
  /** Orphaned blocks by page. */
  readonly #orphans = new Map<Pfn, OrphanBlock>();
  /** Busy blocks by page. */
  readonly #busy = new Map<Pfn, { readonly block: number; readonly owner: PageOwner }>();
  readonly #idle: OrphanBlock[] = [];
  /** A reaper task is on its way. */
  #reaping = false;
  #stopListening: (() => void) | null = null;

  constructor(fs: Mount) {
    this.#fs = fs;
  }

  /** Blocks with an orphan inode, those that the reaper has yet to free among them. */
  get nrOrphaned(): number {
    return this.#orphans.size + this.#idle.length;
  }

  get nrBusy(): number {
    return this.#busy.size;
  }

  /** Whom the orphaned blocks belonged to: what an unmount that is refused says. */
  describe(): string {
    const inos = new Set([...this.#orphans.values()].map((o) => o.owner.ino));
    const pins = [...this.#fs.env.mm.pinTable].filter((pin) =>
      pin.pfns.some((pfn) => this.#orphans.has(pfn)),
    );
    const holders = [...new Set(pins.map((pin) => pin.origin.device))];
    const who = holders.length > 0 ? ` held by ${holders.join(', ')}` : '';
    return `${this.nrOrphaned} orphaned blocks of inode ${[...inos].join(', ')}${who}`;
  }

  /** Move extents that are referenced to an orphan inode, in the caller's transaction. */
  add(handle: JournalHandle, extents: readonly Extent[], from: InodeRecord): void {
    const disk = assertDisk(this.#fs);
    const { uid, gid } = from;
    const spec = { kind: 'file', perm: 0, uid, gid, parent: 0, nowNs: this.#fs.nowNs } as const;
    const record = disk.create(handle, spec);
    record.nlink = 0;
    record.orphan = true;
    for (const e of extents) record.extents.insert(e);
    record.size = posOf(record.extents.end);
    disk.write(handle, record);
    for (const e of extents) {
      for (let i = 0; i < e.nrPages; i++) {
        const block = e.block + i;
        const { pfn, owner } = this.#pageOf(block, from, e.pgoff + i);
        this.#orphans.set(pfn, { block, pgoff: e.pgoff + i, owner, record });
        this.#fs.env.events.orphanAdd?.(this.#event(pfn, block, owner));
      }
    }
    this.#listen();
  }

  /** Free a referenced block on the device and keep the allocator from it. */
  addBusy(handle: JournalHandle, block: number, from: InodeRecord, pgoff: number): void {
    const { pfn, owner } = this.#pageOf(block, from, pgoff);
    assertDisk(this.#fs).allocator.freeBusy(handle, block);
    this.#busy.set(pfn, { block, owner });
    this.#fs.env.events.orphanAdd?.(this.#event(pfn, block, owner));
    this.#listen();
  }

  #pageOf(block: number, from: InodeRecord, pgoff: number): { pfn: Pfn; owner: PageOwner } {
    const pfn = assertDisk(this.#fs).partition.pfnOf(block);
    const { ino, generation } = from;
    const owner = this.#fs.env.mm.pages.owner(pfn) ?? {
      mount: this.#fs.id,
      ino,
      generation,
      pgoff,
    };
    return { pfn, owner };
  }

  #event(pfn: Pfn, block: number, owner: PageOwner): BlockEvent {
    return { mount: this.#fs.id, pfn, block, owner };
  }

  #listen(): void {
    this.#stopListening ??= this.#fs.env.mm.pages.onIdle((pfn) => this.#wentIdle(pfn));
  }

  #wentIdle(pfn: Pfn): void {
    const busy = this.#busy.get(pfn);
    if (busy !== undefined) {
      this.#busy.delete(pfn);
      assertDisk(this.#fs).allocator.setIdle(busy.block);
      this.#fs.env.mm.pages.setOwner(pfn, null);
      this.#fs.env.events.orphanFree?.(this.#event(pfn, busy.block, busy.owner));
    }
    const orphan = this.#orphans.get(pfn);
    if (orphan === undefined) return;
    this.#orphans.delete(pfn);
    this.#idle.push(orphan);
    if (this.#reaping) return;
    this.#reaping = true;
    this.#fs.env.sched.spawn(`reaper of ${this.#fs.label}`, async (task) => {
      while (this.#idle.length > 0 && !this.#fs.isShutDown) {
        await this.#fs.transaction(task, (handle) => this.#reap(handle));
      }
      this.#reaping = false;
    });
  }

  /** Free what went idle so far. */
  #reap(handle: JournalHandle): void {
    const disk = assertDisk(this.#fs);
    const { pages } = this.#fs.env.mm;
    const reaped = this.#idle.splice(0, reapable(this.#idle, disk.journal.capacity));
    for (const { block, pgoff, owner, record } of reaped) {
      record.extents.remove(pgoff, pgoff + 1);
      disk.allocator.free(handle, [{ block, nrBlocks: 1 }], 'data');
      const pfn = disk.partition.pfnOf(block);
      pages.setOwner(pfn, null);
      this.#fs.env.events.orphanFree?.(this.#event(pfn, block, owner));
    }
    for (const record of new Set(reaped.map((o) => o.record))) {
      if (record.extents.length === 0) disk.remove(handle, record);
      else disk.write(handle, record);
    }
  }

  /** Unmounted: nothing of this mount is left to watch. */
  close(): void {
    this.#stopListening?.();
    this.#stopListening = null;
  }
}

/**
 * Go on where the file system was left: free the inodes that had no name, and the blocks past the
 * size of those that were being truncated. Before the first pin; how many inodes.
 */
export async function recoverOrphans(disk: DiskStore): Promise<number> {
  const left = disk.inodeMap.orphans();
  for (const ino of left) {
    const record = disk.read(ino);
    if (record.nlink > 0 && record.kind !== 'file') {
      throw new Errno('EUCLEAN', `orphan list: inode ${ino} has a name`);
    }
    await finish(disk, record);
  }
  return left.length;
}

async function finish(disk: DiskStore, record: InodeRecord): Promise<void> {
  const start = record.nlink > 0 ? pagesFor(record.size) : 0;
  const use = record.kind === 'file' ? 'data' : 'metadata';
  for (let to = Infinity; ;) {
    const from = freeableFrom(record, start, to, disk.journal.capacity, () => 0);
    await disk.journal.transaction(null, (handle) => {
      disk.allocator.free(handle, runsOf(record.extents.remove(from, to)), use);
      record.truncating = record.nlink > 0 && from > start;
      if (from <= start && record.nlink === 0) disk.remove(handle, record);
      else disk.write(handle, record);
    });
    if (from <= start) return;
    to = from;
  }
}

/** How many of the blocks, from the first on, one transaction can free. */
function reapable(idle: readonly OrphanBlock[], capacity: number): number {
  const touched = new Set<string>();
  const most = Math.max(2, capacity / BLOCK_COST - 5);
  for (const [i, { block, record }] of idle.entries()) {
    touched.add(`map ${Math.floor(block / BITMAP_BITS)}`).add(`inode ${record.ino}`);
    for (const leaf of record.overflow) touched.add(`leaf ${leaf}`);
    if (touched.size > most && i > 0) return i;
  }
  return idle.length;
}
