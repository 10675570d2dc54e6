// LRU lists of RAM pages: what reclaim looks at, oldest first (mm/swap.c, mm/vmscan.c).
//
//   new --add--> inactive <--deactivate-- active
//                    `-----activate----------^
//
// Page-cache and anonymous pages are on them, pinned or not: the merged design leaves pinned pages
// there (facts 2.4). Pages of a DAX device never are.

import assert from 'node:assert/strict';
import type { Pfn } from '../units.js';
import { pageFlags } from './page-flags.js';
import type { PageSpace } from './page.js';

export class Lru {
  readonly #pages: PageSpace;
  /** In the order of arrival: the first is the oldest. */
  readonly #inactive = new Set<Pfn>();
  readonly #active = new Set<Pfn>();

  constructor(pages: PageSpace) {
    this.#pages = pages;
  }

  get nrInactive(): number {
    return this.#inactive.size;
  }

  get nrActive(): number {
    return this.#active.size;
  }

  has(pfn: Pfn): boolean {
    return this.#pages.hasFlags(pfn, pageFlags.lru);
  }

  /** folio_add_lru: to the young end of the inactive list, or of the active one. */
  add(pfn: Pfn): void {
    if (this.has(pfn)) assert.fail(`pfn ${pfn} is on the LRU already`);
    this.#pages.setFlags(pfn, pageFlags.lru);
    this.#listOf(pfn).add(pfn);
  }

  /** Take it off, wherever it is; its active bit stays. */
  remove(pfn: Pfn): void {
    if (!this.has(pfn)) return;
    this.#pages.clearFlags(pfn, pageFlags.lru);
    this.#listOf(pfn).delete(pfn);
  }

  activate(pfn: Pfn): void {
    if (!this.has(pfn)) assert.fail(`pfn ${pfn} is not on the LRU`);
    this.#inactive.delete(pfn);
    this.#active.delete(pfn);
    if (!this.#pages.hasFlags(pfn, pageFlags.active)) this.#pages.vmstat.counters.pgactivate++;
    this.#pages.setFlags(pfn, pageFlags.active);
    this.#active.add(pfn);
  }

  deactivate(pfn: Pfn): void {
    if (!this.has(pfn)) assert.fail(`pfn ${pfn} is not on the LRU`);
    this.#active.delete(pfn);
    this.#inactive.delete(pfn);
    if (this.#pages.hasFlags(pfn, pageFlags.active)) this.#pages.vmstat.counters.pgdeactivate++;
    this.#pages.clearFlags(pfn, pageFlags.active);
    this.#inactive.add(pfn);
  }

  /** mark_page_accessed: the second access of an inactive page activates it. */
  markAccessed(pfn: Pfn): void {
    const { referenced, active } = pageFlags;
    if (!this.#pages.hasFlags(pfn, referenced)) this.#pages.setFlags(pfn, referenced);
    else if (this.has(pfn) && !this.#pages.hasFlags(pfn, active)) {
      this.activate(pfn);
      this.#pages.clearFlags(pfn, referenced);
    }
  }

  /** Put back at the young end of its list: looked at last. */
  rotate(pfn: Pfn): void {
    const list = this.#listOf(pfn);
    if (list.delete(pfn)) list.add(pfn);
  }

  /** Up to nr pages of the inactive list, the oldest first. */
  oldest(nr: number): Pfn[] {
    return take(this.#inactive, nr);
  }

  /** shrink_active_list: age the oldest active pages; those used since go round once more. */
  shrinkActive(nr: number): void {
    for (const pfn of take(this.#active, nr)) {
      if (this.#pages.hasFlags(pfn, pageFlags.referenced)) {
        this.#pages.clearFlags(pfn, pageFlags.referenced);
        this.rotate(pfn);
      } else {
        this.deactivate(pfn);
      }
    }
  }

  #listOf(pfn: Pfn): Set<Pfn> {
    return this.#pages.hasFlags(pfn, pageFlags.active) ? this.#active : this.#inactive;
  }
}

function take(list: ReadonlySet<Pfn>, nr: number): Pfn[] {
  const taken: Pfn[] = [];
  for (const pfn of list) {
    if (taken.length >= nr) break;
    taken.push(pfn);
  }
  return taken;
}
