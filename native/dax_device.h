// DaxDevice: one MAP_SHARED mapping of a whole file, at most one per file in a process.
//
//   Map --> mapped --(last shared_ptr dropped: buffers, page spaces, work in flight)--> munmap
//
// The process-wide registry is keyed by (st_dev, st_ino): mapping the same file again, from
// whatever thread, gives the same memory. Nothing here knows JavaScript; a SharedArrayBuffer cannot
// be detached, so a handle that is closed only drops its share, and the memory goes when the last
// buffer over it was collected. It holds no descriptor meanwhile. Bytes are copied without any
// lock: whoever races races.
//
// A file that is cut from outside would kill the process at the next access (SIGBUS). Instead a
// page of zeroes takes the place of the lost one, for this process, and is counted as poisoned.
#ifndef LEASEHOLD_DAX_DEVICE_H_
#define LEASEHOLD_DAX_DEVICE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sigbus.h"

namespace leasehold {

constexpr size_t kPageSize = 4096;

/** A call into Linux that said no. error is 0 when all went well. */
struct SysResult {
  int error = 0;
  const char* syscall = "";
  bool ok() const { return error == 0; }
};

class DaxDevice {
 public:
  /** Map the whole of the file behind fd, which may be closed afterwards. */
  static std::shared_ptr<DaxDevice> Map(int fd, SysResult* result);
  ~DaxDevice();
  DaxDevice(const DaxDevice&) = delete;
  DaxDevice& operator=(const DaxDevice&) = delete;

  uint8_t* data() const { return data_; }
  size_t len() const { return len_; }
  /** Never the same for two mappings of a process, living or gone. */
  uint64_t id() const { return id_; }

  /** msync(MS_SYNC) of the pages that hold [pos, pos + len). */
  SysResult Flush(size_t pos, size_t len) const;
  /** The bytes read as zero and the file's whole blocks are given back (MADV_REMOVE). */
  SysResult Punch(size_t pos, size_t len) const;

  /** A touch of a page of [pos, pos + len) reads that page and no others (MADV_RANDOM). */
  SysResult AdviseRandom(size_t pos, size_t len) const;

  /** Pages lost to SIGBUS, and which they are, counted from the start of the mapping. */
  uint64_t PoisonedCount() const { return guard_.PoisonedCount(); }
  std::vector<uint64_t> PoisonedPages() const { return guard_.PoisonedPages(); }

 private:
  DaxDevice(uint8_t* data, size_t len, dev_t dev, ino_t ino);

  uint8_t* const data_;
  const size_t len_;
  const dev_t dev_;
  const ino_t ino_;
  const uint64_t id_;
  SigbusGuard guard_;
};

}  // namespace leasehold

#endif  // LEASEHOLD_DAX_DEVICE_H_
