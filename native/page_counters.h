// PageCounters: the counted part of struct page for one region of memory, in shared memory.
//
// One 64-bit word per page. The low half counts references beyond idle, the high half counts pins:
//
//        63            32 31             0
//       +----------------+----------------+     get / put     add / take 0x0000'0000'0000'0001
//       |      pins      |   references   |     pin / unpin   add / take 0x0000'0001'0000'0001
//       +----------------+----------------+
//
// so a pin is one atomic add, references >= pins always, and a word is zero exactly when the page
// is idle. Unlike Linux, which adds GUP_PIN_COUNTING_BIAS to a small page's refcount, the pin count
// is exact. Neither half may pass kCountLimit; a count that would is refused (try_grab_folio,
// -ENOMEM).
//
// Beside the words stand two counters per group of 512 pages:
//   summary   references beyond idle of the whole group, by everybody
//   tally     the same word as a page's, summed over the group, one row per opener of the device
// Both are added to BEFORE the pages and taken from AFTER them. So at every instant, and wherever a
// process is killed: word != 0 implies summary >= what is in the words, and implies that the tally
// of the opener which raised it is not zero. They may be too high for a moment, never too low.
//
// The order of memory, argued once for the whole project
// ------------------------------------------------------
// Who pins, and who unmaps in order to free, do this (gup_fast_pte_range in mm/gup.c; unmap and
// then dax_layout_busy_page in fs/dax.c):
//
//     pinner                                     truncate
//       P1  raise summary, raise word              T1  clear the page-table entry
//       P2  read the page-table entry again        T2  read summary; if not 0, read word
//
// This is store buffering: each side stores, then loads what the other stores. Were a load allowed
// to pass the store before it, both could miss: the pinner sees the old entry and keeps the page,
// while truncate sees an idle page and frees it, and DMA goes into somebody else's file. With all
// four accesses sequentially consistent there is one order S of them all. Either P1 is before T2 in
// S, and truncate finds the page busy and waits; or T2 is before P1, so T1 < T2 < P1 < P2 and the
// pinner reads the cleared entry, puts its count back and takes the slow path, which locks. Both
// may happen; not neither. Acquire and release would not do: they order nothing between a store and
// a later load of another word. On x86 the locked add is a full barrier and the loads are plain;
// JavaScript clears entries by Atomics.store, which is sequentially consistent in the same order.
//
// The summary does not weaken this. P1 is really summary += n, then word += step; the release side
// is word -= step, then summary -= n. When T2 reads summary == 0 in S, no raise whose summary add
// is before T2 is still held, so its pinner has P2 after T1 or has unpinned. Reading words one at a
// time is no snapshot, nor need it be: entries are cleared first, so a page once seen idle after T1
// can only be raised by somebody who will see the cleared entry and put it back.
//
// An unpin is sequentially consistent too, which gives the other promise: whoever reads the word as
// zero sees every byte which the device stored before it unpinned (release, then acquire).
//
// Lowering goes by compare-and-swap, so that no borrow from the low half is ever visible; raising
// goes by add, because kCountLimit leaves room of 2^31 for adds that are about to be taken back.
//
// Two neighbours are raised or lowered by one locked instruction where the CPU can (word_pair.h).
// P1 is then one step for both pages: it is still a locked read-modify-write, in S with every other
// access to either word, of whatever size, and still before P2, which reads both entries again. So
// the argument holds for each page of the pair by itself. A pair in which either page refuses is
// left alone and gone through word by word, so that the page at fault is named and the one before
// it is undone as ever.
#ifndef LEASEHOLD_PAGE_COUNTERS_H_
#define LEASEHOLD_PAGE_COUNTERS_H_

#include <cstdint>

namespace leasehold {

constexpr uint64_t kGetStep = 1;
constexpr uint64_t kPinStep = (uint64_t{1} << 32) | 1;
constexpr uint32_t kCountLimit = 0x7fffffff;
constexpr uint32_t kGroupShift = 9;
constexpr uint32_t kGroupPages = 1u << kGroupShift;

inline uint32_t RefsOf(uint64_t word) { return static_cast<uint32_t>(word); }
inline uint32_t PinsOf(uint64_t word) { return static_cast<uint32_t>(word >> 32); }

/** Why a range could not be raised or lowered; then nothing of it was. */
enum class Refusal : uint8_t {
  kNone,
  kOverflow,        // the page, or this opener's tally of its group, would pass kCountLimit
  kUnderflow,       // the page has no such reference to give back
  kTallyUnderflow,  // it has, but another opener holds it
};

struct RangeResult {
  Refusal refusal = Refusal::kNone;
  uint64_t index = 0;  // of the refused page, from the start of the range
  bool ok() const { return refusal == Refusal::kNone; }
};

/** A view of counters that live elsewhere: it owns nothing and may be copied. */
class PageCounters {
 public:
  PageCounters() = default;
  /** tally is this opener's row, or null where nobody keeps one. Each has one word per group. */
  PageCounters(uint64_t* words, uint64_t* summary, uint64_t* tally)
      : words_(words), summary_(summary), tally_(tally) {}

  /** Add step to each of nr words from first: all of them, or none and the page that refused. */
  RangeResult Raise(uint64_t first, uint64_t nr, uint64_t step) const;
  /** Take step from each of nr words from first: all of them, or none and the page that refused. */
  RangeResult Lower(uint64_t first, uint64_t nr, uint64_t step) const;
  /** Index from first of the first page that is not idle, or -1. Skips idle groups. */
  int64_t FirstBusy(uint64_t first, uint64_t nr) const;

  /** The word of one page, as of now. */
  uint64_t Load(uint64_t page) const { return __atomic_load_n(&words_[page], __ATOMIC_SEQ_CST); }

  // The steps of Raise, for the fast path, which decides page by page. Balance: nr pages announced
  // in a group are each raised, or withdrawn after they were put back.
  bool Announce(uint64_t group, uint64_t nr, uint64_t step) const;
  void Withdraw(uint64_t group, uint64_t nr, uint64_t step) const;
  /** Raise nr pages of one group from first, until one refuses; how many were. */
  uint64_t RaiseWords(uint64_t first, uint64_t nr, uint64_t step) const;
  /** Put back a word which RaiseWords of this caller raised. */
  void PutBackWord(uint64_t page, uint64_t step) const {
    __atomic_fetch_sub(&words_[page], step, __ATOMIC_SEQ_CST);
  }

 private:
  // The same for every PageCounters: what the CPU can do does not change.
  static const bool pairs_work;

  /** Whether page and the next one can be changed as a pair. */
  bool IsPair(uint64_t page) const {
    return (reinterpret_cast<uintptr_t>(&words_[page]) & 15) == 0 && pairs_work;
  }
  bool RaiseWord(uint64_t page, uint64_t step) const;
  bool LowerWord(uint64_t page, uint64_t step) const;
  RangeResult RaiseGroup(uint64_t first, uint64_t nr, uint64_t step) const;
  RangeResult LowerGroup(uint64_t first, uint64_t nr, uint64_t step) const;

  uint64_t* words_ = nullptr;
  uint64_t* summary_ = nullptr;
  uint64_t* tally_ = nullptr;
};

}  // namespace leasehold

#endif  // LEASEHOLD_PAGE_COUNTERS_H_
