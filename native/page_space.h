// PageSpace: up to 8 regions of counted pages under one numbering, the global page frame numbers.
//
// RAM and pmem are two regions. Every call names pages by global pfn, singly, as a range within one
// region, or as a list over any regions; a list is cut into runs of adjacent pages, so that
// counters are raised group by group and bytes are copied run by run. A call that is refused
// changes nothing.
//
// A page-table entry is 32 bits in shared memory, written by JavaScript through Atomics:
//
//      31                         3     2       1       0
//     +----------------------------+-------+-------+---------+
//     |            pfn             | DIRTY | WRITE | PRESENT |
//     +----------------------------+-------+-------+---------+
//
// Only what may be written gets DIRTY. The bit without WRITE is NOGUP: only the slow path may
// decide. The fast path is gup_fast_pte_range: read the entry, raise the page, read the entry
// again; page_counters.h argues why that is enough.
//
// A PageSpace belongs to one thread; the memory behind it is everybody's. It owns no memory:
// whoever adds a region keeps it mapped.
#ifndef LEASEHOLD_PAGE_SPACE_H_
#define LEASEHOLD_PAGE_SPACE_H_

#include <cstddef>
#include <cstdint>

#include "page_counters.h"

namespace leasehold {

constexpr uint32_t kPtePresent = 1, kPteWrite = 2, kPteDirty = 4;
constexpr uint32_t kPteShift = 3;
constexpr uint64_t kMaxPfn = (uint64_t{1} << (32 - kPteShift)) - 1;
constexpr size_t kPageLen = 4096;

struct Region {
  uint64_t base_pfn = 0;
  uint64_t nr_pages = 0;
  uint8_t* data = nullptr;
  uint64_t* words = nullptr;
  uint64_t* summary = nullptr;
  uint64_t* tallies = nullptr;  // nr_slots rows of nr_groups words, or null
  uint64_t nr_groups = 0;
  uint64_t nr_slots = 0;
  PageCounters counters;  // with the tally row of the slot that is set

  bool Has(uint64_t pfn) const { return pfn - base_pfn < nr_pages; }
};

/** A stretch of page bytes: the pages, where in the first one it starts, and for how long. */
struct PageBytes {
  const uint32_t* pfns;
  uint64_t nr;      // pages in the list
  uint64_t offset;  // bytes from the start of pfns[0]; may be more than a page
  uint64_t len;
};

class PageSpace {
 public:
  static constexpr int kMaxRegions = 8;

  /** Index of the new region, or -1 when there are 8 or it overlaps one. */
  int Add(const Region& region);
  int nr_regions() const { return nr_regions_; }
  /** From now on this space counts in the row of slot. False if there is no such region or row. */
  bool SetOpener(int index, uint64_t slot);
  const Region* Find(uint64_t pfn) const;
  /** The region that holds all of [pfn, pfn + nr), or null. */
  const Region* FindRange(uint64_t pfn, uint64_t nr) const;

  // A list is checked by the caller with CheckList before any of these.
  /** Index of the first pfn of the list which is in no region, or -1. */
  int64_t CheckList(const uint32_t* pfns, uint64_t nr) const;
  RangeResult RaiseList(const uint32_t* pfns, uint64_t nr, uint64_t step) const;
  RangeResult LowerList(const uint32_t* pfns, uint64_t nr, uint64_t step) const;
  int64_t FirstBusyList(const uint32_t* pfns, uint64_t nr) const;

  /** Pin or get the pages of the first entries, until one may not be; how many those were. */
  uint64_t GupFast(const uint32_t* ptes, uint64_t nr, bool write, uint64_t step,
                   uint32_t* out) const;
  // The same in three steps, so that a schedule may change between them.
  uint64_t GupRead(const uint32_t* ptes, uint64_t nr, bool write, uint32_t* entries) const;
  uint64_t GupRaise(const uint32_t* entries, uint64_t nr, uint64_t step) const;
  /** Entries that still stand, before the first that does not; pages from there on go back. */
  uint64_t GupRecheck(const uint32_t* ptes, uint64_t nr, const uint32_t* entries, uint64_t step,
                      uint32_t* out) const;

  void CopyFrom(const PageBytes& source, uint8_t* target) const;
  void CopyTo(const PageBytes& target, const uint8_t* source) const;
  /** Like memmove, also when target and source share pages. False: no memory for the detour. */
  bool CopyPages(const PageBytes& target, const PageBytes& source) const;
  void Fill(const PageBytes& target, uint8_t byte) const;
  /** Bytes before the first difference; len when there is none. */
  uint64_t Compare(const PageBytes& a, const PageBytes& b) const;
  uint64_t CompareBytes(const PageBytes& a, const uint8_t* b) const;

 private:
  uint64_t RunLength(const uint32_t* pfns, uint64_t nr, const Region& region) const;
  uint64_t GupGroup(const uint32_t* ptes, uint64_t nr, bool write, uint64_t step,
                    uint32_t* out) const;

  Region regions_[kMaxRegions];
  int nr_regions_ = 0;
};

}  // namespace leasehold

#endif  // LEASEHOLD_PAGE_SPACE_H_
