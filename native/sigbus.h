// SigbusGuard: survives the loss of pages under a mapping, as a kernel survives poisoned memory.
//
// While a guard lives, an access to a page of its mapping that the file no longer has maps a
// private page of zeroes in its place, marks the page as poisoned and goes on. Every other SIGBUS
// is passed to whoever handled it before. SIGSEGV is not touched: V8 needs it for WebAssembly.
//
// The handler runs at any instant on any thread, so it only reads atomics and calls mmap. The table
// of guards is a fixed process-wide array; the 257th mapping at a time is not guarded.
#ifndef LEASEHOLD_SIGBUS_H_
#define LEASEHOLD_SIGBUS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace leasehold {

class SigbusGuard {
 public:
  SigbusGuard(uint8_t* data, size_t len);
  ~SigbusGuard() { Retire(); }
  SigbusGuard(const SigbusGuard&) = delete;
  SigbusGuard& operator=(const SigbusGuard&) = delete;

  /** Stop guarding. Call it before munmap: the addresses may be somebody else's afterwards. */
  void Retire();
  uint64_t PoisonedCount() const;
  std::vector<uint64_t> PoisonedPages() const;

 private:
  int slot_ = -1;
};

}  // namespace leasehold

#endif  // LEASEHOLD_SIGBUS_H_
