// SigbusGuard: the chained handler and its table.

#include "sigbus.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

namespace leasehold {

namespace {

constexpr size_t kPage = 4096;
constexpr int kMaxGuards = 256;

struct Guarded {
  // start is stored last (release) and cleared first: a handler that reads it not null may use the
  // rest.
  std::atomic<uint8_t*> start{nullptr};
  std::atomic<size_t> len{0};
  std::atomic<std::atomic<uint64_t>*> bitmap{nullptr};  // one bit per page, zeroes from mmap
  std::atomic<uint64_t> poisoned{0};
  bool taken = false;  // under table_mutex
};

Guarded table[kMaxGuards];
std::mutex table_mutex;
std::once_flag installed;
struct sigaction previous;

size_t BitmapLen(size_t len) { return (len / kPage + 63) / 64 * sizeof(uint64_t); }

bool Poison(Guarded& guarded, uint8_t* start, uint8_t* addr) {
  const size_t page = static_cast<size_t>(addr - start) / kPage;
  std::atomic<uint64_t>& bits = guarded.bitmap.load(std::memory_order_relaxed)[page / 64];
  const uint64_t bit = uint64_t{1} << (page % 64);
  // Two threads may fault on one page. Only the first maps, else the second would wipe out what the
  // first has stored since; the second retries its access until the page is there.
  if (bits.fetch_or(bit) & bit) return true;
  // The bare system call: in a handler nothing may come between, not even an interposed mmap.
  const long rc = syscall(SYS_mmap, start + page * kPage, kPage, PROT_READ | PROT_WRITE,
                          MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (rc == -1) {
    bits.fetch_and(~bit);
    return false;
  }
  guarded.poisoned.fetch_add(1);
  return true;
}

void OnSigbus(int sig, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  uint8_t* addr = static_cast<uint8_t*>(info->si_addr);
  if (info->si_code > 0) {
    for (Guarded& guarded : table) {
      uint8_t* start = guarded.start.load(std::memory_order_acquire);
      if (start == nullptr || addr < start || addr >= start + guarded.len.load()) continue;
      if (!Poison(guarded, start, addr)) break;
      errno = saved_errno;
      return;
    }
  }
  errno = saved_errno;
  if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
    previous.sa_sigaction(sig, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(sig);
  } else {
    // Not ours and nobody else's: the access faults again and ends the process, as it would have.
    signal(SIGBUS, SIG_DFL);
    if (info->si_code <= 0) raise(SIGBUS);
  }
}

void Install() {
  struct sigaction action = {};
  action.sa_sigaction = OnSigbus;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, nullptr, &previous);
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace

SigbusGuard::SigbusGuard(uint8_t* data, size_t len) {
  std::call_once(installed, Install);
  void* bitmap = mmap(nullptr, BitmapLen(len), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bitmap == MAP_FAILED) return;
  std::lock_guard<std::mutex> lock(table_mutex);
  for (int i = 0; i < kMaxGuards; i++) {
    Guarded& guarded = table[i];
    if (guarded.taken) continue;
    guarded.taken = true;
    guarded.poisoned = 0;
    guarded.len = len;
    guarded.bitmap = static_cast<std::atomic<uint64_t>*>(bitmap);
    guarded.start.store(data, std::memory_order_release);
    slot_ = i;
    return;
  }
  munmap(bitmap, BitmapLen(len));
}

void SigbusGuard::Retire() {
  if (slot_ < 0) return;
  std::lock_guard<std::mutex> lock(table_mutex);
  Guarded& guarded = table[slot_];
  guarded.start = nullptr;
  munmap(static_cast<void*>(guarded.bitmap.load()), BitmapLen(guarded.len));
  guarded.taken = false;
  slot_ = -1;
}

uint64_t SigbusGuard::PoisonedCount() const { return slot_ < 0 ? 0 : table[slot_].poisoned.load(); }

std::vector<uint64_t> SigbusGuard::PoisonedPages() const {
  std::vector<uint64_t> pages;
  if (slot_ < 0) return pages;
  const Guarded& guarded = table[slot_];
  const size_t nr_words = BitmapLen(guarded.len) / sizeof(uint64_t);
  for (size_t i = 0; i < nr_words; i++) {
    const uint64_t bits = guarded.bitmap.load()[i].load();
    for (uint64_t k = 0; k < 64; k++) {
      if (bits >> k & 1) pages.push_back(i * 64 + k);
    }
  }
  return pages;
}

}  // namespace leasehold
