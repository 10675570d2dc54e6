// SharedBuffer: the two ways, found by dlsym.

#include "shared_buffer.h"

#include <dlfcn.h>

#include <cstring>
#include <new>

namespace v8 {
class BackingStore;
class Isolate;
}  // namespace v8

namespace leasehold {

namespace {

using Share = std::shared_ptr<DaxDevice>;

// Runs on whichever thread collects the last buffer, possibly with no environment left.
void DropShare(void* /*data*/, void* hint) { delete static_cast<Share*>(hint); }
void DropShareV8(void* data, size_t /*len*/, void* hint) { DropShare(data, hint); }

using CreateExternal = napi_status (*)(napi_env, void*, size_t, void (*)(void*, void*), void*,
                                       napi_value*);

// v8::Local is one word, passed in a register, and what a napi_value holds.
struct Local {
  void* slot;
};

// The C++ calling convention (Itanium ABI) of what v8.h declares, for types it keeps opaque: a
// unique_ptr comes back through a hidden first argument, a shared_ptr goes in by address.
using NewBackingStore = v8::BackingStore** (*)(v8::BackingStore** result, void*, size_t,
                                               void (*)(void*, size_t, void*), void*);
using NewFromStore = Local (*)(v8::Isolate*, std::shared_ptr<v8::BackingStore>*);
using CurrentIsolate = v8::Isolate* (*)();
using DestroyStore = void (*)(v8::BackingStore*);

template <typename T>
T Symbol(const char* name) {
  return reinterpret_cast<T>(dlsym(RTLD_DEFAULT, name));
}

struct V8Calls {
  NewBackingStore new_store =
      Symbol<NewBackingStore>("_ZN2v817SharedArrayBuffer15NewBackingStoreEPvmPFvS1_mS1_ES1_");
  NewFromStore new_buffer = Symbol<NewFromStore>(
      "_ZN2v817SharedArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE");
  CurrentIsolate isolate = Symbol<CurrentIsolate>("_ZN2v87Isolate10GetCurrentEv");
  DestroyStore destroy = Symbol<DestroyStore>("_ZN2v812BackingStoreD1Ev");
  bool complete() const { return new_store && new_buffer && isolate && destroy; }
};

bool Sandboxed(napi_env env) {
  napi_value script, flag;
  const char* source = "process.config.variables.v8_enable_sandbox === 1";
  bool value = false;
  if (napi_create_string_utf8(env, source, NAPI_AUTO_LENGTH, &script) != napi_ok ||
      napi_run_script(env, script, &flag) != napi_ok ||
      napi_get_value_bool(env, flag, &value) != napi_ok) {
    bool pending = false;
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending) {
      napi_value ignored;
      napi_get_and_clear_last_exception(env, &ignored);
    }
    return true;
  }
  return value;
}

napi_value ByNodeApi(napi_env env, const Share& device) {
  static const auto create =
      Symbol<CreateExternal>("node_api_create_external_sharedarraybuffer");
  if (create == nullptr) return nullptr;
  Share* share = new Share(device);
  napi_value buffer = nullptr;
  if (create(env, device->data(), device->len(), DropShare, share, &buffer) == napi_ok) {
    return buffer;
  }
  delete share;
  return nullptr;
}

napi_value ByV8(napi_env env, const Share& device) {
  static const V8Calls v8_calls;
  if (!v8_calls.complete() || Sandboxed(env)) return nullptr;
  v8::BackingStore* raw = nullptr;
  v8_calls.new_store(&raw, device->data(), device->len(), DropShareV8, new Share(device));
  if (raw == nullptr) return nullptr;
  std::shared_ptr<v8::BackingStore> store(raw, [](v8::BackingStore* gone) {
    v8_calls.destroy(gone);
    ::operator delete(static_cast<void*>(gone));
  });
  const Local local = v8_calls.new_buffer(v8_calls.isolate(), &store);
  napi_value buffer;
  static_assert(sizeof(buffer) == sizeof(local), "a napi_value is a v8::Local");
  memcpy(&buffer, &local, sizeof(buffer));
  return buffer;
}

}  // namespace

napi_value NewSharedBuffer(napi_env env, const Share& device) {
  if (napi_value buffer = ByNodeApi(env, device)) return buffer;
  return ByV8(env, device);
}

}  // namespace leasehold
