// FileLock: the three fcntl calls.

#include "file_lock.h"

#include <errno.h>
#include <fcntl.h>

namespace leasehold {

namespace {

struct flock Range(short type, uint64_t pos, uint64_t len) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(pos);
  lock.l_len = static_cast<off_t>(len);
  return lock;
}

}  // namespace

SysResult TryLock(int fd, uint64_t pos, uint64_t len, bool* taken) {
  struct flock lock = Range(F_WRLCK, pos, len);
  *taken = fcntl(fd, F_OFD_SETLK, &lock) == 0;
  if (*taken || errno == EAGAIN || errno == EACCES) return {};
  return {errno, "fcntl"};
}

SysResult Unlock(int fd, uint64_t pos, uint64_t len) {
  struct flock lock = Range(F_UNLCK, pos, len);
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) return {errno, "fcntl"};
  return {};
}

SysResult HeldByOther(int fd, uint64_t pos, uint64_t len, bool* held) {
  struct flock lock = Range(F_WRLCK, pos, len);
  if (fcntl(fd, F_OFD_GETLK, &lock) != 0) return {errno, "fcntl"};
  *held = lock.l_type != F_UNLCK;
  return {};
}

}  // namespace leasehold
