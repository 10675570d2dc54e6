// Futex: the system calls, and the threads behind FutexPoller.

#include "futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

namespace leasehold {

namespace {

constexpr int64_t kNsPerSecond = 1000000000;
constexpr size_t kMaxWords = 127;  // futex_waitv takes 128; one is the thread's own bell

// struct futex_waitv and FUTEX_32 of linux/futex.h, which older headers lack.
struct WaitSlot {
  uint64_t val;
  uint64_t uaddr;
  uint32_t flags;
  uint32_t reserved;
};
constexpr uint32_t kFutex32 = 2;

struct timespec TimespecOf(int64_t ns) {
  struct timespec ts;
  ts.tv_sec = static_cast<time_t>(ns / kNsPerSecond);
  ts.tv_nsec = static_cast<long>(ns % kNsPerSecond);
  return ts;
}

uint32_t Load(const uint32_t* word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

struct Waiting {
  const void* owner;
  uint64_t id;
  const uint32_t* word;
  uint32_t expected;
  int64_t deadline_ns;
  FutexPoller::Done done;
};

// One thread and the words it sleeps on. The words are touched under the mutex only, so that Cancel
// may let them be unmapped; a vanished address merely makes the system call fail and be made again.
struct Poller {
  std::mutex mutex;
  std::list<Waiting> waits;
  uint32_t bell = 0;

  void Ring() {
    __atomic_add_fetch(&bell, 1, __ATOMIC_SEQ_CST);
    FutexWake(&bell, 1);
  }
  void Run();
  // Report what has changed or timed out, and whatever woken names; then list the rest to sleep on.
  int64_t Sweep(const uint32_t* woken, std::vector<WaitSlot>* slots);
};

int64_t Poller::Sweep(const uint32_t* woken, std::vector<WaitSlot>* slots) {
  std::lock_guard<std::mutex> lock(mutex);
  const int64_t now = MonotonicNs();
  int64_t next_deadline = -1;
  slots->clear();
  slots->push_back({Load(&bell), reinterpret_cast<uint64_t>(&bell), kFutex32, 0});
  for (auto it = waits.begin(); it != waits.end();) {
    const bool changed = it->word == woken || Load(it->word) != it->expected;
    if (changed || (it->deadline_ns >= 0 && it->deadline_ns <= now)) {
      it->done(it->id, changed ? FutexOutcome::kWoken : FutexOutcome::kTimedOut);
      it = waits.erase(it);
      continue;
    }
    if (it->deadline_ns >= 0 && (next_deadline < 0 || it->deadline_ns < next_deadline)) {
      next_deadline = it->deadline_ns;
    }
    slots->push_back({it->expected, reinterpret_cast<uint64_t>(it->word), kFutex32, 0});
    ++it;
  }
  return next_deadline;
}

void Poller::Run() {
  std::vector<WaitSlot> slots;
  const uint32_t* woken = nullptr;
  for (;;) {
    const int64_t deadline = Sweep(woken, &slots);
    woken = nullptr;
    struct timespec ts = TimespecOf(deadline < 0 ? 0 : deadline);
    const long index = syscall(SYS_futex_waitv, slots.data(), slots.size(), 0,
                               deadline < 0 ? nullptr : &ts, CLOCK_MONOTONIC);
    if (index > 0) {
      woken = reinterpret_cast<const uint32_t*>(slots[static_cast<size_t>(index)].uaddr);
    } else if (index < 0 && errno != EAGAIN && errno != ETIMEDOUT && errno != EINTR) {
      // ENOSYS on an old kernel; EFAULT for a word unmapped just now. Look again in a millisecond.
      const struct timespec pause = TimespecOf(1000000);
      nanosleep(&pause, nullptr);
    }
  }
}

}  // namespace

int64_t MonotonicNs() {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return int64_t{ts.tv_sec} * kNsPerSecond + ts.tv_nsec;
}

FutexOutcome FutexWait(const uint32_t* word, uint32_t expected, int64_t deadline_ns) {
  struct timespec ts = TimespecOf(deadline_ns < 0 ? 0 : deadline_ns);
  for (;;) {
    // WAIT_BITSET is FUTEX_WAIT with an absolute deadline on CLOCK_MONOTONIC.
    const long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected,
                            deadline_ns < 0 ? nullptr : &ts, nullptr, FUTEX_BITSET_MATCH_ANY);
    if (rc == 0) return FutexOutcome::kWoken;
    if (errno == EAGAIN) return FutexOutcome::kNotEqual;
    if (errno == ETIMEDOUT) return FutexOutcome::kTimedOut;
    if (errno != EINTR) return FutexOutcome::kNotEqual;
  }
}

int FutexWake(const uint32_t* word, int nr) {
  const long woken = syscall(SYS_futex, word, FUTEX_WAKE, nr, nullptr, nullptr, 0);
  return woken < 0 ? 0 : static_cast<int>(woken);
}

struct FutexPoller::Impl {
  std::mutex mutex;
  std::vector<Poller*> pollers;
};

FutexPoller::FutexPoller() : impl_(new Impl) {}

FutexPoller& FutexPoller::Get() {
  static FutexPoller* poller = new FutexPoller;
  return *poller;
}

void FutexPoller::Wait(const void* owner, uint64_t id, const uint32_t* word, uint32_t expected,
                       int64_t deadline_ns, Done done) {
  std::lock_guard<std::mutex> lock(impl_->mutex);
  Waiting waiting{owner, id, word, expected, deadline_ns, std::move(done)};
  for (Poller* poller : impl_->pollers) {
    std::lock_guard<std::mutex> poller_lock(poller->mutex);
    if (poller->waits.size() >= kMaxWords) continue;
    poller->waits.push_back(std::move(waiting));
    poller->Ring();
    return;
  }
  Poller* poller = new Poller;
  poller->waits.push_back(std::move(waiting));
  impl_->pollers.push_back(poller);
  // Signals of the process are for the threads of JavaScript.
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGBUS);
  sigdelset(&all, SIGSEGV);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([poller] { poller->Run(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

bool FutexPoller::CancelOne(const void* owner, uint64_t id) {
  std::lock_guard<std::mutex> lock(impl_->mutex);
  for (Poller* poller : impl_->pollers) {
    std::lock_guard<std::mutex> poller_lock(poller->mutex);
    auto it = std::find_if(poller->waits.begin(), poller->waits.end(), [&](const Waiting& w) {
      return w.owner == owner && w.id == id;
    });
    if (it == poller->waits.end()) continue;
    poller->waits.erase(it);
    poller->Ring();
    return true;
  }
  return false;
}

void FutexPoller::Cancel(const void* owner) {
  std::lock_guard<std::mutex> lock(impl_->mutex);
  for (Poller* poller : impl_->pollers) {
    std::lock_guard<std::mutex> poller_lock(poller->mutex);
    poller->waits.remove_if([owner](const Waiting& w) { return w.owner == owner; });
    poller->Ring();
  }
}

}  // namespace leasehold
