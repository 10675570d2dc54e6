// Large folios of a page cache, as far as they can be seen: which pages came in together.
//
// A write that brings in many pages at once makes folios of 2^n pages, each aligned to its size
// (fs/ext4/inode.c:ext4_write_begin, mm/filemap.c:__filemap_get_folio). A folio that a punch or a
// truncate covers whole is dropped; one that is covered in part is zeroed there and then split, and
// the split fails while any of its pages is referenced: then the zeroed pages stay the file's
// (mm/truncate.c:truncate_inode_partial_folio; measured: 7.2.12 zeroes under a pin).

import type { Pgoff } from '../units.js';
import type { Inode } from './inode.js';

/** MAX_PAGECACHE_ORDER for 4 KiB pages: 2 MiB. */
const MAX_ORDER = 9;

interface Folio {
  readonly start: Pgoff;
  readonly end: Pgoff;
}

export class Folios {
  readonly #byInode = new WeakMap<Inode, Map<Pgoff, Folio>>();

  /** These pages, in rising order, came in by one write. */
  made(inode: Inode, pgoffs: readonly Pgoff[]): void {
    for (let i = 0; i < pgoffs.length;) {
      let run = 1;
      while (pgoffs[i + run] === pgoffs[i]! + run) run += 1;
      this.#makeRun(inode, pgoffs[i]!, pgoffs[i]! + run);
      i += run;
    }
  }

  #makeRun(inode: Inode, start: Pgoff, end: Pgoff): void {
    const folios = this.#byInode.get(inode) ?? new Map<Pgoff, Folio>();
    this.#byInode.set(inode, folios);
    for (let at = start; at < end;) {
      let order = MAX_ORDER;
      while (at % 2 ** order !== 0 || at + 2 ** order > end) order -= 1;
      const folio = { start: at, end: at + 2 ** order };
      for (let p = at; p < folio.end; p++) folios.set(p, folio);
      at = folio.end;
    }
  }

  /** Pages of [start, end) that stay, zeroed, because their folio cannot be split. */
  unsplittable(inode: Inode, start: Pgoff, end: Pgoff): ReadonlySet<Pgoff> {
    const kept = new Set<Pgoff>();
    const folios = this.#byInode.get(inode);
    if (folios === undefined) return kept;
    for (const folio of new Set(folios.values())) {
      if (folio.end <= start || folio.start >= end) continue;
      const whole = folio.start >= start && folio.end <= end;
      const stuck = !whole && this.#referenced(inode, folio);
      for (let p = folio.start; p < folio.end; p++) {
        if (!stuck) folios.delete(p);
        else if (p >= start && p < end) kept.add(p);
      }
    }
    return kept;
  }

  #referenced(inode: Inode, folio: Folio): boolean {
    const { pages } = inode.fs.env.mm;
    for (const [, pfn] of inode.mapping.entries(folio.start, folio.end)) {
      if (pages.refs(pfn) > 0) return true;
    }
    return false;
  }
}
