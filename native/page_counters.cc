// PageCounters: raise, lower and scan. The order of memory is argued in page_counters.h.

#include "page_counters.h"

#include <algorithm>

#include "word_pair.h"

namespace leasehold {

namespace {

// Whether adding step n times to what was old would pass the limit in either half.
bool Passes(uint64_t old, uint64_t step, uint64_t nr) {
  return RefsOf(old) + nr > kCountLimit || (step == kPinStep && PinsOf(old) + nr > kCountLimit);
}

// Whether word holds nr steps to give back: a put may not take the reference that a pin holds.
bool Holds(uint64_t word, uint64_t step, uint64_t nr) {
  const uint64_t pins = PinsOf(word);
  const uint64_t gets = RefsOf(word) - pins;
  return (step == kPinStep ? pins : gets) >= nr;
}

// Pages from first to the end of its group, at most nr.
uint64_t RestOfGroup(uint64_t first, uint64_t nr) {
  return std::min<uint64_t>(nr, kGroupPages - (first & (kGroupPages - 1)));
}

// Each word as of some instant; the compare-and-swap that follows makes it one instant.
WordPair LoadPair(const uint64_t* words) {
  return {__atomic_load_n(&words[0], __ATOMIC_RELAXED),
          __atomic_load_n(&words[1], __ATOMIC_RELAXED)};
}

// Add step to pairs from words on, while there are some and may() says yes to both words of one.
// Each pair is loaded before the one in front of it is locked, which hides the time to load it.
template <typename May>
uint64_t ChangePairs(uint64_t* words, uint64_t nr, uint64_t step, May may) {
  uint64_t done = 0;
  if (nr < 2) return done;
  for (WordPair next = LoadPair(words); done + 2 <= nr; done += 2) {
    WordPair seen = next;
    if (done + 4 <= nr) next = LoadPair(&words[done + 2]);
    do {
      if (!may(seen.low) || !may(seen.high)) return done;
    } while (!ComparePairAndSwap(&words[done], &seen, {seen.low + step, seen.high + step}));
  }
  return done;
}

}  // namespace

const bool PageCounters::pairs_work = CpuHasPairs();

bool PageCounters::Announce(uint64_t group, uint64_t nr, uint64_t step) const {
  if (tally_ != nullptr) {
    const uint64_t old = __atomic_fetch_add(&tally_[group], step * nr, __ATOMIC_SEQ_CST);
    if (Passes(old, step, nr)) {
      __atomic_fetch_sub(&tally_[group], step * nr, __ATOMIC_SEQ_CST);
      return false;
    }
  }
  __atomic_fetch_add(&summary_[group], nr, __ATOMIC_SEQ_CST);
  return true;
}

void PageCounters::Withdraw(uint64_t group, uint64_t nr, uint64_t step) const {
  __atomic_fetch_sub(&summary_[group], nr, __ATOMIC_SEQ_CST);
  if (tally_ != nullptr) __atomic_fetch_sub(&tally_[group], step * nr, __ATOMIC_SEQ_CST);
}

bool PageCounters::RaiseWord(uint64_t page, uint64_t step) const {
  const uint64_t old = __atomic_fetch_add(&words_[page], step, __ATOMIC_SEQ_CST);
  if (!Passes(old, step, 1)) return true;
  PutBackWord(page, step);
  return false;
}

uint64_t PageCounters::RaiseWords(uint64_t first, uint64_t nr, uint64_t step) const {
  const auto may = [step](uint64_t old) { return !Passes(old, step, 1); };
  for (uint64_t i = 0; i < nr; i++) {
    if (IsPair(first + i)) i += ChangePairs(&words_[first + i], nr - i, step, may);
    if (i < nr && !RaiseWord(first + i, step)) return i;
  }
  return nr;
}

bool PageCounters::LowerWord(uint64_t page, uint64_t step) const {
  uint64_t* word = &words_[page];
  uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
  do {
    if (!Holds(old, step, 1)) return false;
  } while (!__atomic_compare_exchange_n(word, &old, old - step, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED));
  return true;
}

RangeResult PageCounters::RaiseGroup(uint64_t first, uint64_t nr, uint64_t step) const {
  const uint64_t group = first >> kGroupShift;
  if (!Announce(group, nr, step)) return {Refusal::kOverflow, 0};
  const uint64_t raised = RaiseWords(first, nr, step);
  if (raised == nr) return {};
  for (uint64_t undo = raised; undo-- > 0;) PutBackWord(first + undo, step);
  Withdraw(group, nr, step);
  return {Refusal::kOverflow, raised};
}

RangeResult PageCounters::LowerGroup(uint64_t first, uint64_t nr, uint64_t step) const {
  const uint64_t group = first >> kGroupShift;
  if (tally_ != nullptr &&
      !Holds(__atomic_load_n(&tally_[group], __ATOMIC_SEQ_CST), step, nr)) {
    // Say which page is to blame: the first that nobody holds, else the first, held by another.
    for (uint64_t i = 0; i < nr; i++) {
      if (!Holds(Load(first + i), step, 1)) return {Refusal::kUnderflow, i};
    }
    return {Refusal::kTallyUnderflow, 0};
  }
  const auto may = [step](uint64_t old) { return Holds(old, step, 1); };
  for (uint64_t i = 0; i < nr; i++) {
    if (IsPair(first + i)) i += ChangePairs(&words_[first + i], nr - i, 0 - step, may);
    if (i == nr || LowerWord(first + i, step)) continue;
    for (uint64_t undo = i; undo-- > 0;) {
      __atomic_fetch_add(&words_[first + undo], step, __ATOMIC_SEQ_CST);
    }
    return {Refusal::kUnderflow, i};
  }
  Withdraw(group, nr, step);
  return {};
}

RangeResult PageCounters::Raise(uint64_t first, uint64_t nr, uint64_t step) const {
  for (uint64_t done = 0; done < nr;) {
    const uint64_t part = RestOfGroup(first + done, nr - done);
    RangeResult result = RaiseGroup(first + done, part, step);
    if (!result.ok()) {
      Lower(first, done, step);
      result.index += done;
      return result;
    }
    done += part;
  }
  return {};
}

RangeResult PageCounters::Lower(uint64_t first, uint64_t nr, uint64_t step) const {
  for (uint64_t done = 0; done < nr;) {
    const uint64_t part = RestOfGroup(first + done, nr - done);
    RangeResult result = LowerGroup(first + done, part, step);
    if (!result.ok()) {
      Raise(first, done, step);
      result.index += done;
      return result;
    }
    done += part;
  }
  return {};
}

int64_t PageCounters::FirstBusy(uint64_t first, uint64_t nr) const {
  for (uint64_t done = 0; done < nr;) {
    const uint64_t start = first + done;
    const uint64_t part = RestOfGroup(start, nr - done);
    if (__atomic_load_n(&summary_[start >> kGroupShift], __ATOMIC_SEQ_CST) != 0) {
      uint64_t i = 0;
      for (; i + 8 <= part; i += 8) {
        uint64_t any = 0;
        for (uint64_t k = 0; k < 8; k++) any |= Load(start + i + k);
        if (any != 0) break;
      }
      for (; i < part; i++) {
        if (Load(start + i) != 0) return static_cast<int64_t>(done + i);
      }
    }
    done += part;
  }
  return -1;
}

}  // namespace leasehold
