// Page flags: what is known of a page beside its counts. Bits of one word per page.

export const pageFlags = {
  /** Handed out by the page allocator. */
  allocated: 1 << 0,
  /** Its owner has not let go: a page cache, a driver, a fault under way. */
  held: 1 << 1,
  /** In an address space. */
  cached: 1 << 2,
  /** A copy or a fresh page of private memory: truncate with evenCows takes it as well. */
  anon: 1 << 3,
  dirty: 1 << 4,
  writeback: 1 << 5,
  referenced: 1 << 6,
  active: 1 << 7,
  lru: 1 << 8,
  unevictable: 1 << 9,
  /** Lies in ZONE_MOVABLE: no long-term pin may stay there. */
  movable: 1 << 10,
  /** Some entry that maps it was made by a write fault. */
  writeMapped: 1 << 11,
  /** Never freed: the zero page. */
  reserved: 1 << 12,
  /** Its owner let go while references or mappings were left; they keep it alive. */
  orphan: 1 << 13,
  /** PG_hwpoison: its memory failed. What it held is lost; whoever loads it is told. */
  poisoned: 1 << 14,
} as const;

export type PageFlag = keyof typeof pageFlags;
