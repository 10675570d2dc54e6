// DaxDevice: mapping, registry, flush and punch.

#include "dax_device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace leasehold {

namespace {

// The one process-wide static: which files are mapped. It is never destroyed, because the last
// buffer may be collected by a thread that outlives static destructors.
struct Registry {
  std::mutex mutex;
  std::map<std::pair<dev_t, ino_t>, std::weak_ptr<DaxDevice>> devices;
};

Registry& TheRegistry() {
  static Registry* registry = new Registry;
  return *registry;
}

std::atomic<uint64_t> next_id{1};

}  // namespace

DaxDevice::DaxDevice(uint8_t* data, size_t len, dev_t dev, ino_t ino)
    : data_(data), len_(len), dev_(dev), ino_(ino), id_(next_id++), guard_(data, len) {}

std::shared_ptr<DaxDevice> DaxDevice::Map(int fd, SysResult* result) {
  struct stat st;
  if (fstat(fd, &st) != 0) {
    *result = {errno, "fstat"};
    return nullptr;
  }
  // Destroyed after the lock is: if this was the last share, its destructor takes the lock.
  std::shared_ptr<DaxDevice> device;
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> lock(registry.mutex);
  const auto key = std::make_pair(st.st_dev, st.st_ino);
  const size_t len = static_cast<size_t>(st.st_size);
  if (auto it = registry.devices.find(key); it != registry.devices.end()) {
    device = it->second.lock();
  }
  if (device != nullptr) {
    if (device->len() == len) return device;
    // Somebody cut or stretched the file under the mapping that everybody else uses.
    *result = {ESTALE, "mmap"};
    return nullptr;
  }
  if (len == 0 || len % kPageSize != 0) {
    *result = {EINVAL, "mmap"};
    return nullptr;
  }
  // A description of its own, and not by dup: the mapping keeps it, and OFD locks of the caller's
  // must go when it closes. The descriptor is given back at once: the mapping may live long.
  const int own_fd = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR | O_CLOEXEC);
  if (own_fd < 0) {
    *result = {errno, "open"};
    return nullptr;
  }
  void* addr = mmap(nullptr, len, PROT_READ | PROT_WRITE, MAP_SHARED, own_fd, 0);
  const int map_error = errno;
  close(own_fd);
  if (addr == MAP_FAILED) {
    *result = {map_error, "mmap"};
    return nullptr;
  }
  device.reset(new DaxDevice(static_cast<uint8_t*>(addr), len, st.st_dev, st.st_ino));
  registry.devices[key] = device;
  return device;
}

DaxDevice::~DaxDevice() {
  {
    Registry& registry = TheRegistry();
    std::lock_guard<std::mutex> lock(registry.mutex);
    auto it = registry.devices.find(std::make_pair(dev_, ino_));
    // The file may have been mapped anew since our last share was dropped.
    if (it != registry.devices.end() && it->second.expired()) registry.devices.erase(it);
  }
  guard_.Retire();
  munmap(data_, len_);
}

SysResult DaxDevice::Flush(size_t pos, size_t len) const {
  const size_t start = pos / kPageSize * kPageSize;
  if (msync(data_ + start, pos + len - start, MS_SYNC) != 0) return {errno, "msync"};
  return {};
}

SysResult DaxDevice::AdviseRandom(size_t pos, size_t len) const {
  const size_t start = pos / kPageSize * kPageSize;
  if (madvise(data_ + start, pos + len - start, MADV_RANDOM) != 0) return {errno, "madvise"};
  return {};
}

SysResult DaxDevice::Punch(size_t pos, size_t len) const {
  // MADV_REMOVE is fallocate(PUNCH_HOLE) on the file of the mapping, in whole pages.
  const size_t start = (pos + kPageSize - 1) / kPageSize * kPageSize;
  const size_t end = (pos + len) / kPageSize * kPageSize;
  if (start >= end) {
    memset(data_ + pos, 0, len);
    return {};
  }
  memset(data_ + pos, 0, start - pos);
  memset(data_ + end, 0, pos + len - end);
  if (madvise(data_ + start, end - start, MADV_REMOVE) == 0) return {};
  // The file has lost some of these pages: what took their place has no blocks to give back.
  if (errno != EINVAL || PoisonedCount() == 0) return {errno, "madvise"};
  memset(data_ + start, 0, end - start);
  return {};
}

}  // namespace leasehold
