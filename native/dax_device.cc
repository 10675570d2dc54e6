// DaxDevice: mapping, registry, flush and punch.

#include "dax_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
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

DaxDevice::DaxDevice(int fd, uint8_t* data, size_t len, dev_t dev, ino_t ino)
    : fd_(fd), data_(data), len_(len), dev_(dev), ino_(ino), id_(next_id++), guard_(data, len) {}

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
  // A descriptor of its own, and not by dup: OFD locks of the caller's must go when it closes.
  const int own_fd = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR | O_CLOEXEC);
  if (own_fd < 0) {
    *result = {errno, "open"};
    return nullptr;
  }
  void* addr = mmap(nullptr, len, PROT_READ | PROT_WRITE, MAP_SHARED, own_fd, 0);
  if (addr == MAP_FAILED) {
    *result = {errno, "mmap"};
    close(own_fd);
    return nullptr;
  }
  device.reset(new DaxDevice(own_fd, static_cast<uint8_t*>(addr), len, st.st_dev, st.st_ino));
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
  close(fd_);
}

SysResult DaxDevice::Flush(size_t pos, size_t len) const {
  const size_t start = pos / kPageSize * kPageSize;
  if (msync(data_ + start, pos + len - start, MS_SYNC) != 0) return {errno, "msync"};
  return {};
}

SysResult DaxDevice::Punch(size_t pos, size_t len) const {
  if (len == 0) return {};
  const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (fallocate(fd_, mode, static_cast<off_t>(pos), static_cast<off_t>(len)) != 0) {
    return {errno, "fallocate"};
  }
  return {};
}

}  // namespace leasehold
