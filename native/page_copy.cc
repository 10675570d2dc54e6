// PageSpace: the bytes of pages. Lists are walked in segments, each as long as adjacent pages
// allow.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "bulk.h"
#include "page_space.h"

namespace leasehold {

namespace {

// Walks a PageBytes; At() is where it stands and Room() how many bytes follow without a gap.
class Cursor {
 public:
  Cursor(const PageSpace& space, const PageBytes& bytes)
      : space_(space), bytes_(bytes), index_(bytes.offset / kPageLen) {
    const uint64_t within = bytes.offset % kPageLen;
    left_ = bytes.len;
    if (left_ > 0) Enter(within);
  }
  uint8_t* At() const { return at_; }
  uint64_t Room() const { return std::min(room_, left_); }
  bool Done() const { return left_ == 0; }
  void Advance(uint64_t n) {
    at_ += n;
    room_ -= n;
    left_ -= n;
    if (room_ == 0 && left_ > 0) Enter(0);
  }

 private:
  void Enter(uint64_t within) {
    const uint32_t* pfns = bytes_.pfns;
    const Region* region = space_.Find(pfns[index_]);
    if (region == nullptr) {  // the list changed under us
      left_ = 0;
      return;
    }
    const uint64_t first = pfns[index_] - region->base_pfn;
    uint64_t run = 1;
    while (index_ + run < bytes_.nr && run * kPageLen < left_ + within &&
           first + run < region->nr_pages && pfns[index_ + run] == pfns[index_] + run) {
      run++;
    }
    at_ = region->data + first * kPageLen + within;
    room_ = run * kPageLen - within;
    index_ += run;
  }

  const PageSpace& space_;
  const PageBytes& bytes_;
  uint64_t index_;
  uint64_t left_ = 0, room_ = 0;
  uint8_t* at_ = nullptr;
};

// Whether every page that a touches lies before every page that b touches, or the other way round.
bool Apart(const PageBytes& a, const PageBytes& b) {
  const auto span = [](const PageBytes& bytes) {
    const uint32_t* first = bytes.pfns + bytes.offset / kPageLen;
    const uint32_t* last = bytes.pfns + (bytes.offset + bytes.len - 1) / kPageLen;
    uint32_t lowest = *first, highest = *first;
    for (const uint32_t* pfn = first; pfn <= last; pfn++) {
      lowest = std::min(lowest, *pfn);
      highest = std::max(highest, *pfn);
    }
    return std::pair<uint32_t, uint32_t>(lowest, highest);
  };
  const auto [a_low, a_high] = span(a);
  const auto [b_low, b_high] = span(b);
  return a_high < b_low || b_high < a_low;
}

// The pages that [offset, offset + len) touches, sorted.
std::vector<uint32_t> Touched(const PageBytes& bytes) {
  const uint64_t first = bytes.offset / kPageLen;
  const uint64_t last = (bytes.offset + bytes.len - 1) / kPageLen;
  std::vector<uint32_t> pages(bytes.pfns + first, bytes.pfns + last + 1);
  std::sort(pages.begin(), pages.end());
  return pages;
}

bool SharePages(const PageBytes& a, const PageBytes& b) {
  if (Apart(a, b)) return false;
  const std::vector<uint32_t> left = Touched(a), right = Touched(b);
  auto i = left.begin();
  for (uint32_t pfn : right) {
    i = std::lower_bound(i, left.end(), pfn);
    if (i == left.end()) return false;
    if (*i == pfn) return true;
  }
  return false;
}

uint64_t FirstDifference(const uint8_t* a, const uint8_t* b, uint64_t len) {
  if (memcmp(a, b, len) == 0) return len;
  uint64_t i = 0;
  while (i < len && a[i] == b[i]) i++;
  return i;
}

}  // namespace

void PageSpace::CopyFrom(const PageBytes& source, uint8_t* target) const {
  for (Cursor from(*this, source); !from.Done();) {
    const uint64_t n = from.Room();
    BulkCopy(target, from.At(), n);
    target += n;
    from.Advance(n);
  }
}

void PageSpace::CopyTo(const PageBytes& target, const uint8_t* source) const {
  for (Cursor to(*this, target); !to.Done();) {
    const uint64_t n = to.Room();
    BulkCopy(to.At(), source, n);
    source += n;
    to.Advance(n);
  }
}

bool PageSpace::CopyPages(const PageBytes& target, const PageBytes& source) const {
  if (target.len == 0) return true;
  if (SharePages(target, source)) {
    // Lists in any order have no direction to copy in, so everything goes by way of a buffer.
    auto* memory = static_cast<uint8_t*>(malloc(source.len));
    std::unique_ptr<uint8_t, decltype(&free)> detour(memory, free);
    if (detour == nullptr) return false;
    CopyFrom(source, detour.get());
    CopyTo(target, detour.get());
    return true;
  }
  Cursor to(*this, target), from(*this, source);
  while (!to.Done()) {
    const uint64_t n = std::min(to.Room(), from.Room());
    BulkCopy(to.At(), from.At(), n);
    to.Advance(n);
    from.Advance(n);
  }
  return true;
}

void PageSpace::Fill(const PageBytes& target, uint8_t byte) const {
  for (Cursor to(*this, target); !to.Done();) {
    const uint64_t n = to.Room();
    BulkFill(to.At(), byte, n);
    to.Advance(n);
  }
}

uint64_t PageSpace::Compare(const PageBytes& a, const PageBytes& b) const {
  uint64_t done = 0;
  for (Cursor left(*this, a), right(*this, b); !left.Done();) {
    const uint64_t n = std::min(left.Room(), right.Room());
    const uint64_t same = FirstDifference(left.At(), right.At(), n);
    done += same;
    if (same < n) return done;
    left.Advance(n);
    right.Advance(n);
  }
  return done;
}

uint64_t PageSpace::CompareBytes(const PageBytes& a, const uint8_t* b) const {
  uint64_t done = 0;
  for (Cursor left(*this, a); !left.Done();) {
    const uint64_t n = left.Room();
    const uint64_t same = FirstDifference(left.At(), b + done, n);
    done += same;
    if (same < n) return done;
    left.Advance(n);
  }
  return done;
}

}  // namespace leasehold
