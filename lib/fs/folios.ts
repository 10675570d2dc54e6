// Large folios of a page cache, as far as they can be seen: which pages came in together.
//
// A write that brings in many pages at once makes folios of 2^n pages, each aligned to its size
// (fs/ext4/inode.c:ext4_write_begin, mm/filemap.c:__filemap_get_folio). A folio that a punch or a
// truncate covers whole is dropped. One that is covered in part is zeroed there, and then
// (mm/truncate.c:truncate_inode_partial_folio; measured: 7.2.12 zeroes under a pin)
//
//   nobody references it   split at the cut; the pieces inside go, the others stay folios
//   referenced, dirty      all of it stays, the zeroed pages too
//   referenced, clean      all of it goes, also what the cut left alone

import { SideTable } from '../sched/index.js';
import type { Pgoff } from '../units.js';
import type { Inode } from './inode.js';
import type { PageRange } from './layout-break.js';

/** MAX_PAGECACHE_ORDER for 4 KiB pages: 2 MiB. */
const MAX_ORDER = 9;

type Folio = PageRange;

export interface Cut {
  /** Pages inside the cut that stay, zeroed. */
  readonly kept: ReadonlySet<Pgoff>;
  /** Folios that go although the cut covers them in part. */
  readonly goesToo: readonly PageRange[];
}

const foliosOf = new SideTable<Inode, Map<Pgoff, Folio>>();

export class Folios {
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
    const folios = foliosOf.get(inode) ?? new Map<Pgoff, Folio>();
    foliosOf.set(inode, folios);
    for (let at = start; at < end;) {
      let order = MAX_ORDER;
      while (at % 2 ** order !== 0 || at + 2 ** order > end) order -= 1;
      const folio = { start: at, end: at + 2 ** order };
      for (let p = at; p < folio.end; p++) folios.set(p, folio);
      at = folio.end;
    }
  }

  /** [start, end) made wider to whole folios: what may go when it goes, is written when it is. */
  reach(inode: Inode, start: Pgoff, end: Pgoff): PageRange {
    const folios = foliosOf.get(inode);
    return {
      start: folios?.get(start)?.start ?? start,
      end: folios?.get(end - 1)?.end ?? end,
    };
  }

  /** [start, end) goes: what becomes of the folios it covers in part. */
  cut(inode: Inode, start: Pgoff, end: Pgoff): Cut {
    const kept = new Set<Pgoff>();
    const goesToo: PageRange[] = [];
    const folios = foliosOf.get(inode);
    for (const folio of new Set(folios?.values())) {
      if (folio.end <= start || folio.start >= end) continue;
      const whole = folio.start >= start && folio.end <= end;
      if (whole || !this.#referenced(inode, folio)) {
        this.#split(folios!, folio, start, end);
      } else if (inode.mapping.dirtyPages(folio.start, folio.end).length > 0) {
        for (let p = folio.start; p < folio.end; p++) if (p >= start && p < end) kept.add(p);
      } else {
        for (let p = folio.start; p < folio.end; p++) folios!.delete(p);
        goesToo.push(folio);
      }
    }
    return { kept, goesToo };
  }

  /**
   * Halves, and again the half that holds the cut, until no piece crosses it
   * (mm/huge_memory.c:folio_split, not uniform); pieces inside [start, end) are gone.
   */
  #split(folios: Map<Pgoff, Folio>, folio: Folio, start: Pgoff, end: Pgoff): void {
    const inside = folio.start >= start && folio.end <= end;
    const outside = folio.end <= start || folio.start >= end;
    if (inside || outside) {
      for (let p = folio.start; p < folio.end; p++) {
        if (inside) folios.delete(p);
        else folios.set(p, folio);
      }
      return;
    }
    const middle = (folio.start + folio.end) / 2;
    this.#split(folios, { start: folio.start, end: middle }, start, end);
    this.#split(folios, { start: middle, end: folio.end }, start, end);
  }

  #referenced(inode: Inode, folio: Folio): boolean {
    const { pages } = inode.fs.env.mm;
    for (const [, pfn] of inode.mapping.entries(folio.start, folio.end)) {
      if (pages.refs(pfn) > 0) return true;
    }
    return false;
  }
}
