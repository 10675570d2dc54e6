// Native tests: counters, page space, mapping, futex and locks without JavaScript, to be run under
// sanitizers. Each test is a law; the threads of the last two look for what its memory order
// forbids.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "../bulk.h"
#include "../dax_device.h"
#include "../file_lock.h"
#include "../futex.h"
#include "../page_counters.h"
#include "../page_space.h"
#include "check.h"

namespace leasehold {
namespace {

// Memory for one region, counters and pages, all zero.
struct Memory {
  explicit Memory(uint64_t nr_pages, uint64_t nr_slots = 0, bool with_data = true)
      : nr_pages(nr_pages),
        nr_groups((nr_pages + kGroupPages - 1) / kGroupPages),
        nr_slots(nr_slots),
        words(nr_pages),
        summary(nr_groups),
        tallies(nr_groups * nr_slots + 1),
        data(with_data ? nr_pages * kPageLen : 1) {}
  Region region(uint64_t base_pfn = 0) {
    Region r;
    r.base_pfn = base_pfn;
    r.nr_pages = nr_pages;
    r.data = data.data();
    r.words = words.data();
    r.summary = summary.data();
    r.tallies = nr_slots > 0 ? tallies.data() : nullptr;
    r.nr_groups = nr_groups;
    r.nr_slots = nr_slots;
    return r;
  }
  bool Idle() const {
    for (uint64_t word : words) if (word != 0) return false;
    for (uint64_t sum : summary) if (sum != 0) return false;
    for (uint64_t tally : tallies) if (tally != 0) return false;
    return true;
  }
  uint64_t nr_pages, nr_groups, nr_slots;
  std::vector<uint64_t> words, summary, tallies;
  std::vector<uint8_t> data;
};

void RangesAreUndoneAcrossGroups() {
  Memory memory(1500, 1, false);
  PageCounters counters(memory.words.data(), memory.summary.data(), memory.tallies.data());
  CHECK(counters.Raise(0, 1500, kPinStep).ok());
  CHECK(counters.FirstBusy(0, 1500) == 0);
  CHECK(memory.summary[2] == 1500 - 1024);
  RangeResult result = counters.Lower(0, 1500, kGetStep);
  CHECK(result.refusal == Refusal::kUnderflow && result.index == 0);
  CHECK(counters.Lower(0, 1500, kPinStep).ok());
  CHECK(memory.Idle());
  memory.words[1300] = kCountLimit;
  result = counters.Raise(3, 1400, kGetStep);
  CHECK(result.refusal == Refusal::kOverflow && result.index == 1297);
  memory.words[1300] = 0;
  CHECK(memory.Idle());
  CHECK(counters.Raise(0, 1024, kGetStep).ok());
  result = counters.Lower(0, 1025, kGetStep);
  CHECK(result.refusal == Refusal::kUnderflow && result.index == 1024);
  CHECK(counters.Lower(0, 1024, kGetStep).ok());
  CHECK(memory.Idle());
  CHECK(counters.Raise(0, 0, kPinStep).ok() && counters.FirstBusy(5, 0) == -1);
}

// A pair that refuses names the page at fault, wherever the pairs begin, and leaves nothing raised.
void APairRefusesForThePageAtFault() {
  for (uint64_t first : {0, 1}) {
    for (uint64_t bad = first; bad < 12; bad++) {
      Memory memory(16, 1, false);
      PageCounters counters(memory.words.data(), memory.summary.data(), memory.tallies.data());
      memory.words[bad] = uint64_t{kCountLimit} << 32 | kCountLimit;
      RangeResult result = counters.Raise(first, 12 - first, kPinStep);
      CHECK(result.refusal == Refusal::kOverflow && result.index == bad - first);
      memory.words[bad] = 0;
      CHECK(memory.Idle());
      CHECK(counters.Raise(first, 12 - first, kPinStep).ok());
      memory.words[bad] = 0;
      result = counters.Lower(first, 12 - first, kPinStep);
      CHECK(result.refusal == Refusal::kUnderflow && result.index == bad - first);
      memory.words[bad] = kPinStep;
      CHECK(counters.Lower(first, 12 - first, kPinStep).ok() && memory.Idle());
    }
  }
}

// Ranges that begin at even and at odd pages, single pages and plain adds meet on the same words.
void PairsAndSingleWordsAddUp() {
  Memory memory(64, 4, false);
  std::vector<std::thread> threads;
  for (uint64_t slot = 0; slot < 4; slot++) {
    threads.emplace_back([&, slot] {
      PageCounters counters(memory.words.data(), memory.summary.data(), &memory.tallies[slot]);
      for (uint64_t round = 0; round < 20000; round++) {
        const uint64_t first = (round + slot) % 7;
        const uint64_t nr = slot == 3 ? 1 : 2 + round % 9;
        const uint64_t step = slot == 1 ? kGetStep : kPinStep;
        CHECK(counters.Raise(first, nr, step).ok());
        if (slot == 2) __atomic_fetch_add(&memory.words[first], 1, __ATOMIC_SEQ_CST);
        const uint64_t word = counters.Load(first);
        CHECK(RefsOf(word) > 0 && RefsOf(word) <= 5 && PinsOf(word) <= 3);
        if (slot == 2) __atomic_fetch_sub(&memory.words[first], 1, __ATOMIC_SEQ_CST);
        CHECK(counters.Lower(first, nr, step).ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(memory.Idle());
}

void EveryPositionIsFoundBusy() {
  Memory memory(1030, 0, false);
  PageCounters counters(memory.words.data(), memory.summary.data(), nullptr);
  for (uint64_t page = 0; page < 1030; page++) {
    CHECK(counters.Raise(page, 1, kGetStep).ok());
    for (uint64_t first = page > 20 ? page - 20 : 0; first <= page; first++) {
      CHECK(counters.FirstBusy(first, 1030 - first) == static_cast<int64_t>(page - first));
      CHECK(counters.FirstBusy(first, page - first) == -1);
    }
    CHECK(counters.Lower(page, 1, kGetStep).ok());
  }
}

void RegionsDoNotOverlapAndListsSpanThem() {
  Memory low(600), high(8);
  PageSpace space;
  CHECK(space.Add(low.region(0)) == 0);
  CHECK(space.Add(high.region(599)) == -1);
  CHECK(space.Add(high.region(600)) == 1);
  CHECK(space.FindRange(599, 2) == nullptr && space.FindRange(600, 8) != nullptr);
  CHECK(!space.SetOpener(0, 0));
  const std::vector<uint32_t> list = {598, 599, 600, 601, 3, 598};
  CHECK(space.CheckList(list.data(), list.size()) == -1);
  CHECK(space.RaiseList(list.data(), list.size(), kPinStep).ok());
  CHECK(PinsOf(low.words[598]) == 2 && PinsOf(high.words[1]) == 1);
  CHECK(space.LowerList(list.data(), list.size(), kPinStep).ok());
  CHECK(low.Idle() && high.Idle());
  const uint32_t bad[] = {3, 608};
  CHECK(space.CheckList(bad, 2) == 1);
}

void CopiesHitEveryByteOnce() {
  Memory memory(16);
  PageSpace space;
  space.Add(memory.region(100));
  const std::vector<uint32_t> list = {104, 105, 103, 115, 100, 101, 102};
  std::vector<uint8_t> source(list.size() * kPageLen), target(source.size());
  for (size_t i = 0; i < source.size(); i++) source[i] = static_cast<uint8_t>(i * 7 + i / 4096);
  for (uint64_t offset : {0, 1, 4095, 4096, 9000}) {
    for (uint64_t len : {0, 1, 4096, 8193, 15000}) {
      std::fill(memory.data.begin(), memory.data.end(), 0);
      const PageBytes bytes = {list.data(), list.size(), offset, len};
      space.CopyTo(bytes, source.data());
      std::fill(target.begin(), target.end(), 0xee);
      space.CopyFrom(bytes, target.data());
      CHECK(memcmp(source.data(), target.data(), len) == 0);
      CHECK(len == target.size() || target[len] == 0xee);
      CHECK(space.CompareBytes(bytes, source.data()) == len);
      size_t written = 0;
      for (uint8_t byte : memory.data) written += byte != 0;
      size_t expected = 0;
      for (size_t i = 0; i < len; i++) expected += source[i] != 0;
      CHECK(written == expected);
    }
  }
}

void StreamingCopiesAndFillsAreExact() {
  const size_t len = kStreamLen + 12345;
  std::vector<uint8_t> a(len + 200), b(len + 200);
  for (size_t i = 0; i < a.size(); i++) a[i] = static_cast<uint8_t>(i * 31 + (i >> 12));
  for (size_t shift : {0, 1, 63}) {
    std::fill(b.begin(), b.end(), 0);
    BulkCopy(b.data() + shift, a.data() + 5, len);
    CHECK(memcmp(b.data() + shift, a.data() + 5, len) == 0 && b[shift + len] == 0);
    BulkFill(b.data() + shift + 1, 9, len - 2);
    CHECK(b[shift] == a[5] && b[shift + 1] == 9 && b[shift + len - 2] == 9);
    CHECK(b[shift + len - 1] == a[5 + len - 1]);
  }
  BulkMove(a.data() + 1, a.data(), len);
  CHECK(a[100] == static_cast<uint8_t>(99 * 31));
}

int TemporaryFile(off_t len) {
  char name[] = "/tmp/leasehold-native-test-XXXXXX";
  const int fd = mkstemp(name);
  CHECK(fd >= 0 && unlink(name) == 0 && ftruncate(fd, len) == 0);
  return fd;
}

void MappingsAreSharedAndLostPagesArePoisoned() {
  const int fd = TemporaryFile(64 * 4096);
  SysResult result;
  auto device = DaxDevice::Map(fd, &result);
  CHECK(device != nullptr && device == DaxDevice::Map(fd, &result));
  BulkFill(device->data(), 5, device->len());
  CHECK(device->Flush(4000, 5000).ok() && device->Punch(0, 4096).ok());
  CHECK(device->data()[0] == 0 && device->data()[4096] == 5);
  CHECK(device->AdviseRandom(4095, 2).ok() && device->data()[4096] == 5);
  CHECK(ftruncate(fd, 4096) == 0);
  std::vector<std::thread> threads;
  std::atomic<int> sum{0};
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      for (int page = 1; page < 64; page++) {
        auto* word = reinterpret_cast<uint32_t*>(device->data() + page * 4096);
        __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
        sum++;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  uint32_t total = 0;
  for (int page = 1; page < 64; page++) total += device->data()[page * 4096];
  CHECK(sum == 4 * 63 && total == 4 * 63);  // no store of any thread was wiped out
  CHECK(device->PoisonedCount() == 63 && device->PoisonedPages().size() == 63);
  CHECK(DaxDevice::Map(fd, &result) == nullptr && result.error == ESTALE);
  device.reset();
  device = DaxDevice::Map(fd, &result);
  CHECK(device != nullptr && device->len() == 4096 && device->PoisonedCount() == 0);
  close(fd);
}

void LocksBelongToTheDescription() {
  const int fd = TemporaryFile(4096);
  const int other = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR);
  bool taken = false, held = false;
  CHECK(TryLock(fd, 8, 1, &taken).ok() && taken);
  CHECK(TryLock(other, 8, 1, &taken).ok() && !taken);
  CHECK(HeldByOther(other, 0, 100, &held).ok() && held);
  close(fd);
  CHECK(TryLock(other, 8, 1, &taken).ok() && taken);
  CHECK(!TryLock(-1, 8, 1, &taken).ok());
  close(other);
}

void EveryFutexWaitEnds() {
  static uint32_t words[400];
  std::atomic<int> woken{0}, timed_out{0};
  int owner = 0, stranger = 0;
  FutexPoller& poller = FutexPoller::Get();
  for (uint64_t i = 0; i < 300; i++) {
    const int64_t deadline = i % 3 == 0 ? MonotonicNs() + 1000000 : -1;
    poller.Wait(&owner, i, &words[i], 0, deadline, [&](uint64_t, FutexOutcome outcome) {
      (outcome == FutexOutcome::kTimedOut ? timed_out : woken)++;
    });
  }
  poller.Wait(&stranger, 1, &words[350], 0, -1, [&](uint64_t, FutexOutcome) { woken += 1000; });
  CHECK(!poller.CancelOne(&owner, 1000) && poller.CancelOne(&stranger, 1));
  for (int i = 0; i < 300; i++) {
    if (i % 3 == 0) continue;
    __atomic_store_n(&words[i], 1, __ATOMIC_SEQ_CST);
    FutexWake(&words[i], 1);
  }
  const int64_t limit = MonotonicNs() + int64_t{20} * 1000000000;
  while (woken + timed_out < 300) CHECK(MonotonicNs() < limit);
  CHECK(woken == 200 && timed_out == 100);
  poller.Cancel(&owner);
  CHECK(FutexWait(&words[399], 1, -1) == FutexOutcome::kNotEqual);
  CHECK(FutexWait(&words[399], 0, MonotonicNs() + 1000) == FutexOutcome::kTimedOut);
}

// Pinners against truncate, as page_counters.h argues it: whoever keeps a page saw its entry stand
// after the count was up, so truncate, which cleared the entry first, must find the page busy or
// own it alone. Ranges of one page on a few pages make both sides meet at the same word all the
// time; each side looks at `freed` for a while, since what it forbids lasts only as long as both
// hold the page.
void APinnerAndTruncateNeverBothWin(uint32_t nr_pages, uint32_t run, uint32_t rounds) {
  Memory memory(nr_pages, 2, false);
  std::vector<uint32_t> ptes(nr_pages);
  std::vector<std::atomic<int>> freed(nr_pages);
  std::atomic<bool> stop{false};
  std::atomic<long> pinned{0}, truncated{0};
  auto entry = [](uint32_t page) { return page << kPteShift | kPtePresent | kPteWrite; };
  for (uint32_t i = 0; i < nr_pages; i++) ptes[i] = entry(i);

  auto pin = [&](uint64_t slot) {
    PageSpace space;
    space.Add(memory.region());
    CHECK(space.SetOpener(0, slot));
    std::vector<uint32_t> out(run);
    for (uint32_t round = 0; !stop; round++) {
      const uint32_t start = round * 17 % (nr_pages - run + 1);
      const uint64_t n = space.GupFast(&ptes[start], run, true, kPinStep, out.data());
      for (int look = 0; look < 8; look++) {
        for (uint64_t i = 0; i < n; i++) CHECK(freed[out[i]].load() == 0);
      }
      pinned += static_cast<long>(n);
      CHECK(space.LowerList(out.data(), n, kPinStep).ok());
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t slot : {0, 1}) threads.emplace_back(pin, slot);

  PageSpace space;
  space.Add(memory.region());
  const Region& region = *space.Find(0);
  for (uint32_t round = 0; round < rounds; round++) {
    const uint32_t start = round * 29 % (nr_pages - run + 1);
    for (uint32_t i = start; i < start + run; i++) __atomic_store_n(&ptes[i], 0, __ATOMIC_SEQ_CST);
    if (region.counters.FirstBusy(start, run) < 0) {
      truncated++;
      for (uint32_t i = start; i < start + run; i++) freed[i] = 1;
      for (int look = 0; look < 8; look++) {
        for (uint32_t i = start; i < start + run; i++) CHECK(freed[i].load() == 1);
      }
      for (uint32_t i = start; i < start + run; i++) freed[i] = 0;
    }
    for (uint32_t i = start; i < start + run; i++) {
      __atomic_store_n(&ptes[i], entry(i), __ATOMIC_SEQ_CST);
    }
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  CHECK(memory.Idle());
  std::printf("    %ld pages pinned, %ld ranges truncated\n", pinned.load(), truncated.load());
}

void RangesAndTruncateNeverBothWin() { APinnerAndTruncateNeverBothWin(600, 40, 20000); }
void SinglePagesAndTruncateNeverBothWin() { APinnerAndTruncateNeverBothWin(2, 1, 3000000); }

// The bytes that a device stored before it unpinned are seen by whoever then finds the page idle.
void AnIdlePageShowsWhatWasStoredBeforeItsUnpin() {
  Memory memory(1);
  PageCounters counters(memory.words.data(), memory.summary.data(), nullptr);
  std::atomic<uint32_t> turn{0};
  auto* byte = memory.data.data();
  std::thread device([&] {
    for (uint32_t i = 0; i < 50000; i++) {
      while (turn.load(std::memory_order_acquire) != 2 * i) std::this_thread::yield();
      CHECK(counters.Raise(0, 1, kPinStep).ok());
      turn.store(2 * i + 1, std::memory_order_relaxed);
      *byte = static_cast<uint8_t>(i);  // plain: the counter alone orders it
      CHECK(counters.Lower(0, 1, kPinStep).ok());
    }
  });
  for (uint32_t i = 0; i < 50000; i++) {
    while (turn.load(std::memory_order_relaxed) != 2 * i + 1) std::this_thread::yield();
    while (PinsOf(counters.Load(0)) != 0) std::this_thread::yield();
    CHECK(*byte == static_cast<uint8_t>(i));
    turn.store(2 * i + 2, std::memory_order_release);
  }
  device.join();
}

struct Test {
  const char* name;
  void (*run)();
};

const Test kTests[] = {
    {"ranges are undone across groups", RangesAreUndoneAcrossGroups},
    {"a pair refuses for the page at fault", APairRefusesForThePageAtFault},
    {"pairs and single words add up", PairsAndSingleWordsAddUp},
    {"every position is found busy", EveryPositionIsFoundBusy},
    {"regions do not overlap and lists span them", RegionsDoNotOverlapAndListsSpanThem},
    {"copies hit every byte once", CopiesHitEveryByteOnce},
    {"streaming copies and fills are exact", StreamingCopiesAndFillsAreExact},
    {"mappings are shared and lost pages are poisoned", MappingsAreSharedAndLostPagesArePoisoned},
    {"locks belong to the description", LocksBelongToTheDescription},
    {"every futex wait ends", EveryFutexWaitEnds},
    {"pinned ranges and truncate never both win", RangesAndTruncateNeverBothWin},
    {"pinned pages and truncate never both win", SinglePagesAndTruncateNeverBothWin},
    {"an idle page shows what was stored before its unpin",
     AnIdlePageShowsWhatWasStoredBeforeItsUnpin},
};

}  // namespace
}  // namespace leasehold

int main() {
  for (const auto& test : leasehold::kTests) {
    test.run();
    std::printf("ok  %s\n", test.name);
    std::fflush(stdout);
  }
  return 0;
}
