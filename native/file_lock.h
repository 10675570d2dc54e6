// FileLock: open file description locks (fcntl F_OFD_SETLK) on ranges of bytes of a file.
//
// They belong to the open file description, not to the process: two opens within one process
// exclude each other, and a lock is gone when its descriptor is closed or its process dies, however
// it dies. The range is only a name; nothing is read or written there.
#ifndef LEASEHOLD_FILE_LOCK_H_
#define LEASEHOLD_FILE_LOCK_H_

#include <cstdint>

#include "dax_device.h"

namespace leasehold {

/** Lock [pos, pos + len) for this description alone. *taken is false when another holds it. */
SysResult TryLock(int fd, uint64_t pos, uint64_t len, bool* taken);
SysResult Unlock(int fd, uint64_t pos, uint64_t len);
/** Whether another description holds a lock somewhere in the range. */
SysResult HeldByOther(int fd, uint64_t pos, uint64_t len, bool* held);

}  // namespace leasehold

#endif  // LEASEHOLD_FILE_LOCK_H_
