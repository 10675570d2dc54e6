// PageSpace: regions, lists and the fast path of get_user_pages.

#include "page_space.h"

#include <algorithm>

namespace leasehold {

namespace {

uint32_t ReadEntry(const uint32_t* pte) { return __atomic_load_n(pte, __ATOMIC_SEQ_CST); }

bool MayGrab(uint32_t entry, bool write) {
  if ((entry & (kPteWrite | kPteDirty)) == kPteDirty) return false;  // NOGUP
  const uint32_t wanted = kPtePresent | (write ? kPteWrite : 0);
  return (entry & wanted) == wanted;
}

uint64_t PfnOf(uint32_t entry) { return entry >> kPteShift; }

// How many of the entries, from the first on, are of pages that follow one another.
uint64_t RunOfEntries(const uint32_t* entries, uint64_t nr) {
  uint64_t run = 1;
  while (run < nr && PfnOf(entries[run]) == PfnOf(entries[0]) + run) run++;
  return run;
}

}  // namespace

int PageSpace::Add(const Region& region) {
  if (nr_regions_ == kMaxRegions) return -1;
  for (int i = 0; i < nr_regions_; i++) {
    const Region& other = regions_[i];
    if (region.base_pfn < other.base_pfn + other.nr_pages &&
        other.base_pfn < region.base_pfn + region.nr_pages) {
      return -1;
    }
  }
  Region& added = regions_[nr_regions_];
  added = region;
  added.counters = PageCounters(region.words, region.summary, region.tallies);
  return nr_regions_++;
}

bool PageSpace::SetOpener(int index, uint64_t slot) {
  if (index < 0 || index >= nr_regions_) return false;
  Region& region = regions_[index];
  if (slot >= region.nr_slots) return false;
  region.counters =
      PageCounters(region.words, region.summary, region.tallies + slot * region.nr_groups);
  return true;
}

const Region* PageSpace::Find(uint64_t pfn) const {
  for (int i = 0; i < nr_regions_; i++) {
    if (regions_[i].Has(pfn)) return &regions_[i];
  }
  return nullptr;
}

const Region* PageSpace::FindRange(uint64_t pfn, uint64_t nr) const {
  const Region* region = Find(pfn);
  if (region == nullptr || nr > region->nr_pages - (pfn - region->base_pfn)) return nullptr;
  return region;
}

// Pages from the start of the list that follow one another in region.
uint64_t PageSpace::RunLength(const uint32_t* pfns, uint64_t nr, const Region& region) const {
  const uint64_t room = std::min(nr, region.nr_pages - (pfns[0] - region.base_pfn));
  uint64_t run = 1;
  while (run < room && pfns[run] == pfns[0] + run) run++;
  return run;
}

int64_t PageSpace::CheckList(const uint32_t* pfns, uint64_t nr) const {
  const Region* region = nullptr;
  for (uint64_t i = 0; i < nr; i++) {
    if (region != nullptr && region->Has(pfns[i])) continue;
    region = Find(pfns[i]);
    if (region == nullptr) return static_cast<int64_t>(i);
  }
  return -1;
}

RangeResult PageSpace::RaiseList(const uint32_t* pfns, uint64_t nr, uint64_t step) const {
  for (uint64_t done = 0; done < nr;) {
    const Region* region = Find(pfns[done]);
    if (region == nullptr) return {Refusal::kUnderflow, done};  // the list changed under us
    const uint64_t run = RunLength(pfns + done, nr - done, *region);
    RangeResult result = region->counters.Raise(pfns[done] - region->base_pfn, run, step);
    if (!result.ok()) {
      LowerList(pfns, done, step);
      result.index += done;
      return result;
    }
    done += run;
  }
  return {};
}

RangeResult PageSpace::LowerList(const uint32_t* pfns, uint64_t nr, uint64_t step) const {
  for (uint64_t done = 0; done < nr;) {
    const Region* region = Find(pfns[done]);
    if (region == nullptr) return {Refusal::kUnderflow, done};  // the list changed under us
    const uint64_t run = RunLength(pfns + done, nr - done, *region);
    RangeResult result = region->counters.Lower(pfns[done] - region->base_pfn, run, step);
    if (!result.ok()) {
      RaiseList(pfns, done, step);
      result.index += done;
      return result;
    }
    done += run;
  }
  return {};
}

int64_t PageSpace::FirstBusyList(const uint32_t* pfns, uint64_t nr) const {
  for (uint64_t done = 0; done < nr;) {
    const Region* region = Find(pfns[done]);
    if (region == nullptr) return static_cast<int64_t>(done);  // the list changed under us
    const uint64_t run = RunLength(pfns + done, nr - done, *region);
    const int64_t busy = region->counters.FirstBusy(pfns[done] - region->base_pfn, run);
    if (busy >= 0) return static_cast<int64_t>(done) + busy;
    done += run;
  }
  return -1;
}

// One batch of the fast path: entries whose pages are in one group of one region, so that the group
// is announced once. The announcement covers pages which may not be taken after all; it is only too
// high.
uint64_t PageSpace::GupGroup(const uint32_t* ptes, uint64_t nr, bool write, uint64_t step,
                             uint32_t* out) const {
  uint32_t entries[kGroupPages];
  entries[0] = ReadEntry(&ptes[0]);
  if (!MayGrab(entries[0], write)) return 0;
  const Region* region = Find(PfnOf(entries[0]));
  if (region == nullptr) return 0;
  const uint64_t group = (PfnOf(entries[0]) - region->base_pfn) >> kGroupShift;
  const uint64_t most = std::min<uint64_t>(nr, kGroupPages);
  uint64_t batch = 1;
  for (; batch < most; batch++) {
    const uint32_t entry = ReadEntry(&ptes[batch]);
    if (!MayGrab(entry, write) || !region->Has(PfnOf(entry))) break;
    if ((PfnOf(entry) - region->base_pfn) >> kGroupShift != group) break;
    entries[batch] = entry;
  }
  const PageCounters& counters = region->counters;
  if (!counters.Announce(group, batch, step)) return 0;
  uint64_t taken = 0;
  for (bool all = true; all && taken < batch;) {
    const uint64_t page = PfnOf(entries[taken]) - region->base_pfn;
    const uint64_t run = RunOfEntries(entries + taken, batch - taken);
    const uint64_t raised = counters.RaiseWords(page, run, step);
    uint64_t kept = 0;
    for (; kept < raised && ReadEntry(&ptes[taken + kept]) == entries[taken + kept]; kept++) {
      out[taken + kept] = static_cast<uint32_t>(PfnOf(entries[taken + kept]));
    }
    for (uint64_t i = kept; i < raised; i++) counters.PutBackWord(page + i, step);
    taken += kept;
    all = kept == run;
  }
  if (taken < batch) counters.Withdraw(group, batch - taken, step);
  return taken;
}

uint64_t PageSpace::GupFast(const uint32_t* ptes, uint64_t nr, bool write, uint64_t step,
                            uint32_t* out) const {
  uint64_t done = 0;
  while (done < nr) {
    const uint64_t taken = GupGroup(ptes + done, nr - done, write, step, out + done);
    if (taken == 0) break;
    done += taken;
  }
  return done;
}

uint64_t PageSpace::GupRead(const uint32_t* ptes, uint64_t nr, bool write,
                            uint32_t* entries) const {
  for (uint64_t i = 0; i < nr; i++) {
    const uint32_t entry = ReadEntry(&ptes[i]);
    if (!MayGrab(entry, write) || Find(PfnOf(entry)) == nullptr) return i;
    entries[i] = entry;
  }
  return nr;
}

uint64_t PageSpace::GupRaise(const uint32_t* entries, uint64_t nr, uint64_t step) const {
  for (uint64_t i = 0; i < nr; i++) {
    const Region* region = Find(PfnOf(entries[i]));
    if (region == nullptr) return i;
    if (!region->counters.Raise(PfnOf(entries[i]) - region->base_pfn, 1, step).ok()) return i;
  }
  return nr;
}

uint64_t PageSpace::GupRecheck(const uint32_t* ptes, uint64_t nr, const uint32_t* entries,
                               uint64_t step, uint32_t* out) const {
  uint64_t same = 0;
  while (same < nr && ReadEntry(&ptes[same]) == entries[same]) {
    out[same] = static_cast<uint32_t>(PfnOf(entries[same]));
    same++;
  }
  for (uint64_t i = same; i < nr; i++) {
    const Region* region = Find(PfnOf(entries[i]));
    if (region != nullptr) region->counters.Lower(PfnOf(entries[i]) - region->base_pfn, 1, step);
  }
  return same;
}

}  // namespace leasehold
