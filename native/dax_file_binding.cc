// DaxFile for JavaScript: one open file description, with its locks, its size and its mapping.
//
//   openFile(path, create) | memoryFile(name) --> open --close()--> closed: every call is EBADF
//
// Closing releases the locks of this description; a mapping made from it lives on.

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "addon_data.h"
#include "call_frame.h"
#include "file_lock.h"
#include "futex.h"

namespace leasehold {

namespace {

struct OpenedFile {
  int fd;
  bool created;
  std::string name;
};

class DaxFile : public Napi::ObjectWrap<DaxFile> {
 public:
  explicit DaxFile(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DaxFile>(info) {
    if (info.Length() != 1 || !info[0].IsExternal()) {
      throw Napi::TypeError::New(info.Env(), "DaxFile: use openFile or memoryFile");
    }
    file_ = *info[0].As<Napi::External<OpenedFile>>().Data();
  }
  ~DaxFile() override { Close(); }

  void Close() {
    if (file_.fd >= 0) close(file_.fd);
    file_.fd = -1;
  }
  int Fd(CallFrame& call, const char* syscall) const {
    if (file_.fd < 0) ThrowSystem(call.env(), {EBADF, syscall}, file_.name);
    return file_.fd;
  }
  const OpenedFile& file() const { return file_; }

  static Napi::Function Define(Napi::Env env);

 private:
  OpenedFile file_{-1, false, ""};
};

void Check(CallFrame& call, const SysResult& result, const std::string& what) {
  if (!result.ok()) ThrowSystem(call.env(), result, what);
}

// fcntl and ftruncate take a signed position.
constexpr uint64_t kMaxFilePos = kMaxSafeInteger;

napi_value CloseFile(CallFrame& call) {
  call.Self<DaxFile>().Close();
  return call.Undefined();
}

napi_value Created(CallFrame& call) { return call.Boolean(call.Self<DaxFile>().file().created); }

napi_value FdOf(CallFrame& call) { return call.Number(call.Self<DaxFile>().Fd(call, "fd")); }

napi_value Size(CallFrame& call) {
  DaxFile& self = call.Self<DaxFile>();
  struct stat st;
  if (fstat(self.Fd(call, "fstat"), &st) != 0) {
    ThrowSystem(call.env(), {errno, "fstat"}, self.file().name);
  }
  return call.Number(static_cast<double>(st.st_size));
}

// setSize(len): ftruncate. Never called on a file that anybody has mapped.
napi_value SetSize(CallFrame& call) {
  DaxFile& self = call.Self<DaxFile>();
  const uint64_t len = call.Integer(0, "len", kMaxFilePos);
  if (ftruncate(self.Fd(call, "ftruncate"), static_cast<off_t>(len)) != 0) {
    ThrowSystem(call.env(), {errno, "ftruncate"}, self.file().name);
  }
  return call.Undefined();
}

// lock(pos, len, timeoutMs): whether it was got within the time. OFD locks cannot wait with a
// limit, so this looks every millisecond; those who hold a lock that is waited for hold it briefly.
napi_value Lock(CallFrame& call) {
  DaxFile& self = call.Self<DaxFile>();
  const int fd = self.Fd(call, "fcntl");
  const uint64_t pos = call.Integer(0, "pos"), len = call.Integer(1, "len");
  const uint64_t timeout_ms = call.Integer(2, "timeoutMs", 3600000);
  const int64_t deadline = MonotonicNs() + static_cast<int64_t>(timeout_ms) * 1000000;
  for (;;) {
    bool taken = false;
    Check(call, TryLock(fd, pos, len, &taken), self.file().name);
    if (taken || MonotonicNs() >= deadline) return call.Boolean(taken);
    const struct timespec pause = {0, 1000000};
    nanosleep(&pause, nullptr);
  }
}

napi_value UnlockRange(CallFrame& call) {
  DaxFile& self = call.Self<DaxFile>();
  const int fd = self.Fd(call, "fcntl");
  Check(call, Unlock(fd, call.Integer(0, "pos"), call.Integer(1, "len")),
        self.file().name);
  return call.Undefined();
}

// lockedByOther(pos, len): Linux does not say by whom; the pid of an OFD lock reads as -1.
napi_value LockedByOther(CallFrame& call) {
  DaxFile& self = call.Self<DaxFile>();
  bool held = false;
  const int fd = self.Fd(call, "fcntl");
  Check(call, HeldByOther(fd, call.Integer(0, "pos"), call.Integer(1, "len"), &held),
        self.file().name);
  return call.Boolean(held);
}

napi_value Map(CallFrame& call) {
  DaxFile& self = call.Self<DaxFile>();
  SysResult result;
  auto device = DaxDevice::Map(self.Fd(call, "mmap"), &result);
  Check(call, result, self.file().name);
  return NewDaxMapping(call.env(), std::move(device));
}

// read(pos, target): pread of all of target, which end of file cuts short: then EIO.
napi_value ReadFile(CallFrame& call) {
  DaxFile& self = call.Self<DaxFile>();
  const int fd = self.Fd(call, "pread");
  const uint64_t pos = call.Integer(0, "pos", kMaxFilePos);
  const Span<uint8_t> target = call.Bytes(1, "target");
  for (size_t done = 0; done < target.size;) {
    const ssize_t n =
        pread(fd, target.data + done, target.size - done, static_cast<off_t>(pos + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ThrowSystem(call.env(), {n < 0 ? errno : EIO, "pread"}, self.file().name);
    done += static_cast<size_t>(n);
  }
  return call.Undefined();
}

// write(pos, source): pwrite of all of source, and on to the disk (fdatasync).
napi_value WriteFile(CallFrame& call) {
  DaxFile& self = call.Self<DaxFile>();
  const int fd = self.Fd(call, "pwrite");
  const uint64_t pos = call.Integer(0, "pos", kMaxFilePos);
  const Span<uint8_t> source = call.Bytes(1, "source");
  for (size_t done = 0; done < source.size;) {
    const ssize_t n =
        pwrite(fd, source.data + done, source.size - done, static_cast<off_t>(pos + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ThrowSystem(call.env(), {n < 0 ? errno : EIO, "pwrite"}, self.file().name);
    done += static_cast<size_t>(n);
  }
  if (fdatasync(fd) != 0) ThrowSystem(call.env(), {errno, "fdatasync"}, self.file().name);
  return call.Undefined();
}

// seal(): nobody may cut or stretch this memory any more, so it cannot be poisoned.
napi_value Seal(CallFrame& call) {
  DaxFile& self = call.Self<DaxFile>();
  const int fd = self.Fd(call, "fcntl");
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    ThrowSystem(call.env(), {errno, "fcntl"}, self.file().name);
  }
  return call.Undefined();
}

napi_value NewDaxFile(CallFrame& call, OpenedFile file) {
  Napi::Env env(call.env());
  auto external = Napi::External<OpenedFile>::New(env, &file);
  return AddonData::Of(env).dax_file.New({external});
}

// Open for reading and writing; when create, make the file if it is missing, and know if we did.
int Open(const std::string& path, bool create, bool* created) {
  for (;;) {
    const int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = open(path.c_str(), flags);
    if (fd >= 0 || errno != ENOENT || !create) return fd;
    fd = open(path.c_str(), flags | O_CREAT | O_EXCL, 0644);
    if (fd >= 0) *created = true;
    if (fd >= 0 || errno != EEXIST) return fd;
    struct stat st;  // a dangling symbolic link is there for O_EXCL and not there for us
    if (stat(path.c_str(), &st) != 0) return -1;
  }
}

// openFile(path, create)
napi_value OpenFile(CallFrame& call) {
  const std::string path = call.String(0, "path");
  bool created = false;
  const int fd = Open(path, call.Bool(1, "create"), &created);
  if (fd < 0) ThrowSystem(call.env(), {errno, "open"}, path);
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    close(fd);
    ThrowSystem(call.env(), {S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "open"},
                path + ": not a regular file");
  }
  return NewDaxFile(call, {fd, created, path});
}

// memoryFile(name): memory that has no file, and can be opened by others as /proc/<pid>/fd/<fd>.
napi_value MemoryFile(CallFrame& call) {
  const std::string name = call.String(0, "name");
  const int fd = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) ThrowSystem(call.env(), {errno, "memfd_create"}, name);
  return NewDaxFile(call, {fd, true, name});
}

Napi::Function DaxFile::Define(Napi::Env env) {
  return DefineClass(env, "DaxFile",
                     {
                         Property<CloseFile>("close"),
                         Getter<Created>("created"),
                         Getter<FdOf>("fd"),
                         Property<Lock>("lock"),
                         Property<LockedByOther>("lockedByOther"),
                         Property<Map>("map"),
                         Property<ReadFile>("read"),
                         Property<Seal>("seal"),
                         Property<SetSize>("setSize"),
                         Getter<Size>("size"),
                         Property<UnlockRange>("unlock"),
                         Property<WriteFile>("write"),
                     });
}

}  // namespace

Napi::Function DefineDaxFile(Napi::Env env) {
  Napi::Function constructor = DaxFile::Define(env);
  AddonData::Of(env).dax_file = Napi::Persistent(constructor);
  return constructor;
}

void DefineOpeners(Napi::Env env, Napi::Object exports) {
  exports.DefineProperty(Napi::PropertyDescriptor(Property<OpenFile>("openFile")));
  exports.DefineProperty(Napi::PropertyDescriptor(Property<MemoryFile>("memoryFile")));
  (void)env;
}

}  // namespace leasehold
