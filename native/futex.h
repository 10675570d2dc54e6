// Futex: wait on and wake a shared 32-bit word, across threads, workers and processes.
//
// Never the PRIVATE flag: the kernel finds waiters by (inode, offset), so that two mappings of a
// file meet, which Atomics.wait and Atomics.notify do not (V8 compares backing stores). The two
// families do not wake each other: a word belongs to one of them.
//
// The contract is futex(2)'s: change the word, then wake. A wake without a change may be missed by
// an asynchronous waiter.
//
// FutexPoller waits for many words on one native thread (futex_waitv, Linux 5.16; 127 words,
// another thread for every further 127). On older kernels it looks at the words every millisecond.
#ifndef LEASEHOLD_FUTEX_H_
#define LEASEHOLD_FUTEX_H_

#include <cstdint>
#include <functional>
#include <memory>

namespace leasehold {

enum class FutexOutcome : uint8_t { kWoken, kNotEqual, kTimedOut };

/** Nanoseconds on CLOCK_MONOTONIC. */
int64_t MonotonicNs();

/** Sleep while *word == expected, until woken or deadline_ns (negative: no deadline). */
FutexOutcome FutexWait(const uint32_t* word, uint32_t expected, int64_t deadline_ns);
/** Wake up to nr sleepers; how many were. */
int FutexWake(const uint32_t* word, int nr);

class FutexPoller {
 public:
  using Done = std::function<void(uint64_t id, FutexOutcome)>;
  /** The poller of the process. Its threads never end, and own nothing that exit would destroy. */
  static FutexPoller& Get();

  /**
   * Call done once, on a thread of the poller and under its lock, when the word is woken or changes
   * or at the deadline. The word must stay mapped until then or until Cancel(owner) has returned.
   */
  void Wait(const void* owner, uint64_t id, const uint32_t* word, uint32_t expected,
            int64_t deadline_ns, Done done);
  /** Forget one wait of owner; false if it has been reported or was never there. */
  bool CancelOne(const void* owner, uint64_t id);
  /** Forget all waits of owner. None of them is called any more when this returns. */
  void Cancel(const void* owner);

 private:
  struct Impl;
  FutexPoller();
  Impl* impl_;
};

}  // namespace leasehold

#endif  // LEASEHOLD_FUTEX_H_
