// WordPair: two adjacent 64-bit words changed by one locked instruction, where the CPU has one.
//
// A locked instruction costs 5 to 6 ns however much it changes, and two per page (pin, unpin) are
// most of what pinning costs; lock cmpxchg16b changes two page words at once. An aligned pair lies
// in one cache line, which a locked instruction of any size owns while it runs, so on x86 pairs,
// single words and the 32-bit atomics of JavaScript are atomic towards each other and stand in one
// order. Intel's manual advises one operand length for one semaphore; Linux mixes them all the same
// (a qspinlock's byte, halfword and word; SLUB's pair and its halves), and so do we.
//
// Other CPUs go word by word. So do builds for the thread sanitizer, which cannot see what
// assembly does to memory.
#ifndef LEASEHOLD_WORD_PAIR_H_
#define LEASEHOLD_WORD_PAIR_H_

#include <cstdint>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LEASEHOLD_NO_PAIRS 1
#endif
#endif
#if !defined(__x86_64__) || defined(__SANITIZE_THREAD__)
#define LEASEHOLD_NO_PAIRS 1
#endif

#ifndef LEASEHOLD_NO_PAIRS
#include <cpuid.h>
#endif

namespace leasehold {

struct WordPair {
  uint64_t low, high;
};

#ifdef LEASEHOLD_NO_PAIRS

inline bool CpuHasPairs() { return false; }
inline bool ComparePairAndSwap(uint64_t*, WordPair*, WordPair) { return false; }

#else

/** Whether this CPU can: CPUID leaf 1, CX16. All but the first x86-64 can. */
inline bool CpuHasPairs() {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_CMPXCHG16B) != 0;
}

/**
 * Store wanted at words, which is aligned to 16 bytes, if *seen stands there; else *seen is what
 * does. A full barrier either way.
 */
inline bool ComparePairAndSwap(uint64_t* words, WordPair* seen, WordPair wanted) {
  bool swapped;
  __asm__ __volatile__("lock cmpxchg16b %1"
                       : "=@ccz"(swapped), "+m"(*reinterpret_cast<unsigned __int128*>(words)),
                         "+a"(seen->low), "+d"(seen->high)
                       : "b"(wanted.low), "c"(wanted.high)
                       : "memory");
  return swapped;
}

#endif

}  // namespace leasehold

#endif  // LEASEHOLD_WORD_PAIR_H_
