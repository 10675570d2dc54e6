// CallFrame: the arguments of one call from JavaScript, checked for type and range and nothing
// else.
//
// Methods come here by Method<fn>, straight from Node-API and without allocation. Those of a class
// find their object by `this`, which V8 has checked (methods of napi_define_class carry a
// signature); that lookup costs as much as the rest of a call, so hot methods are given theirs as
// data instead. A bad argument throws TypeError or RangeError naming it; a refusing system call
// throws an Error with code, errno and syscall.
#ifndef LEASEHOLD_CALL_FRAME_H_
#define LEASEHOLD_CALL_FRAME_H_

#include <napi.h>

#include <cstdint>
#include <string>

#include "dax_device.h"

namespace leasehold {

constexpr uint64_t kMaxSafeInteger = (uint64_t{1} << 53) - 1;

template <typename T>
struct Span {
  T* data;
  size_t size;
};

class CallFrame {
 public:
  CallFrame(napi_env env, napi_callback_info info);

  napi_env env() const { return env_; }
  /** What Property was given for this function. */
  void* data() const { return data_; }
  size_t size() const { return argc_; }
  napi_value operator[](size_t i) const { return i < kMaxArgs ? argv_[i] : nullptr; }
  bool Missing(size_t i) const;

  /** A whole number from 0 to max. */
  uint64_t Integer(size_t i, const char* name, uint64_t max = kMaxSafeInteger) const;
  bool Bool(size_t i, const char* name) const;
  Span<uint8_t> Bytes(size_t i, const char* name) const;
  /** A Uint32Array or Int32Array. */
  Span<uint32_t> Words(size_t i, const char* name) const;
  std::string String(size_t i, const char* name) const;

  template <typename T>
  T& Self() const {
    void* self = nullptr;
    if (napi_unwrap(env_, this_, &self) != napi_ok || self == nullptr) ThrowReceiver();
    return *static_cast<T*>(self);
  }

  napi_value Undefined() const;
  napi_value Number(double value) const;
  napi_value Boolean(bool value) const;

 private:
  static constexpr size_t kMaxArgs = 10;
  [[noreturn]] void ThrowReceiver() const;
  Span<uint8_t> TypedArray(size_t i, const char* name, bool words) const;

  napi_env env_;
  size_t argc_ = kMaxArgs;
  napi_value argv_[kMaxArgs];
  napi_value this_ = nullptr;
  void* data_ = nullptr;
};

[[noreturn]] void ThrowRange(napi_env env, const std::string& message);
[[noreturn]] void ThrowType(napi_env env, const std::string& message);
/** Like a system error of Node's own: code 'ENOSPC', errno -28, syscall. */
Napi::Error SystemError(napi_env env, const SysResult& result, const std::string& what);
[[noreturn]] void ThrowSystem(napi_env env, const SysResult& result, const std::string& what);
/** Refuse [pos, pos + len) unless it lies within size. */
void CheckRange(napi_env env, const char* name, uint64_t pos, uint64_t len, uint64_t size);

/** A napi_callback for fn, which may throw. */
template <napi_value (*fn)(CallFrame&)>
napi_value Method(napi_env env, napi_callback_info info) {
  try {
    CallFrame frame(env, info);
    return fn(frame);
  } catch (const Napi::Error& e) {
    e.ThrowAsJavaScriptException();
  } catch (const std::exception& e) {
    napi_throw_error(env, nullptr, e.what());
  }
  return nullptr;
}

template <napi_value (*fn)(CallFrame&)>
napi_property_descriptor Property(const char* name, void* data = nullptr) {
  return {name, nullptr, Method<fn>, nullptr, nullptr, nullptr, napi_default_method, data};
}

template <napi_value (*fn)(CallFrame&)>
napi_property_descriptor Getter(const char* name) {
  return {name, nullptr, nullptr, Method<fn>, nullptr, nullptr, napi_default_jsproperty, nullptr};
}

}  // namespace leasehold

#endif  // LEASEHOLD_CALL_FRAME_H_
