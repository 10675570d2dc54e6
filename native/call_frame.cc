// CallFrame: argument checks and the errors that they and Linux throw.

#include "call_frame.h"

#include <dlfcn.h>

#include <cmath>
#include <cstring>

namespace leasehold {

namespace {

// "EBUSY" for 16. glibc knows since 2.32; on an older one the number alone must do.
std::string ErrorCode(int error) {
  using NameOf = const char* (*)(int);
  static const NameOf name_of =
      reinterpret_cast<NameOf>(dlsym(RTLD_DEFAULT, "strerrorname_np"));
  const char* name = name_of != nullptr ? name_of(error) : nullptr;
  return name != nullptr ? name : "E" + std::to_string(error);
}

}  // namespace

void ThrowRange(napi_env env, const std::string& message) {
  throw Napi::RangeError::New(env, message);
}

void ThrowType(napi_env env, const std::string& message) {
  throw Napi::TypeError::New(env, message);
}

Napi::Error SystemError(napi_env env, const SysResult& result, const std::string& what) {
  const std::string code = ErrorCode(result.error);
  Napi::Error error = Napi::Error::New(
      env, code + ": " + strerror(result.error) + ", " + result.syscall + " " + what);
  error.Set("code", Napi::String::New(env, code));
  error.Set("errno", Napi::Number::New(env, -result.error));
  error.Set("syscall", Napi::String::New(env, result.syscall));
  return error;
}

void ThrowSystem(napi_env env, const SysResult& result, const std::string& what) {
  throw SystemError(env, result, what);
}

void CheckRange(napi_env env, const char* name, uint64_t pos, uint64_t len, uint64_t size) {
  if (pos <= size && len <= size - pos) return;
  ThrowRange(env, std::string(name) + ": [" + std::to_string(pos) + ", +" + std::to_string(len) +
                      ") is outside of " + std::to_string(size));
}

CallFrame::CallFrame(napi_env env, napi_callback_info info) : env_(env) {
  napi_get_cb_info(env, info, &argc_, argv_, &this_, &data_);
}

bool CallFrame::Missing(size_t i) const {
  if (i >= argc_) return true;
  napi_valuetype type;
  napi_typeof(env_, argv_[i], &type);
  return type == napi_undefined;
}

uint64_t CallFrame::Integer(size_t i, const char* name, uint64_t max) const {
  double value = 0;
  if (i >= argc_ || napi_get_value_double(env_, argv_[i], &value) != napi_ok) {
    ThrowType(env_, std::string(name) + " must be a number");
  }
  // Written so that NaN fails; the casts are defined because the range was checked, and go by
  // int64_t since that is one instruction.
  if (!(value >= 0 && value <= static_cast<double>(static_cast<int64_t>(max))) ||
      static_cast<double>(static_cast<int64_t>(value)) != value) {
    ThrowRange(env_, std::string(name) + " must be a whole number from 0 to " +
                         std::to_string(max) + ", not " +
                         Napi::Value(env_, argv_[i]).ToString().Utf8Value());
  }
  return static_cast<uint64_t>(static_cast<int64_t>(value));
}

bool CallFrame::Bool(size_t i, const char* name) const {
  bool value = false;
  if (i >= argc_ || napi_get_value_bool(env_, argv_[i], &value) != napi_ok) {
    ThrowType(env_, std::string(name) + " must be a boolean");
  }
  return value;
}

Span<uint8_t> CallFrame::TypedArray(size_t i, const char* name, bool words) const {
  napi_typedarray_type type;
  size_t size = 0;
  void* data = nullptr;
  if (i >= argc_ ||
      napi_get_typedarray_info(env_, argv_[i], &type, &size, &data, nullptr, nullptr) != napi_ok ||
      (words ? type != napi_uint32_array && type != napi_int32_array
             : type != napi_uint8_array && type != napi_uint8_clamped_array)) {
    ThrowType(env_, std::string(name) + (words ? " must be a Uint32Array or Int32Array"
                                               : " must be a Uint8Array"));
  }
  return {static_cast<uint8_t*>(data), size};
}

Span<uint8_t> CallFrame::Bytes(size_t i, const char* name) const {
  return TypedArray(i, name, false);
}

Span<uint32_t> CallFrame::Words(size_t i, const char* name) const {
  const Span<uint8_t> raw = TypedArray(i, name, true);
  return {reinterpret_cast<uint32_t*>(raw.data), raw.size};
}

std::string CallFrame::String(size_t i, const char* name) const {
  size_t len = 0;
  if (i >= argc_ || napi_get_value_string_utf8(env_, argv_[i], nullptr, 0, &len) != napi_ok) {
    ThrowType(env_, std::string(name) + " must be a string");
  }
  std::string value(len, '\0');
  napi_get_value_string_utf8(env_, argv_[i], &value[0], len + 1, &len);
  if (value.find('\0') != std::string::npos) {
    ThrowType(env_, std::string(name) + " must not contain null bytes");
  }
  return value;
}

void CallFrame::ThrowReceiver() const { ThrowType(env_, "called on a foreign object"); }

napi_value CallFrame::Undefined() const {
  napi_value value;
  napi_get_undefined(env_, &value);
  return value;
}

napi_value CallFrame::Number(double value) const {
  napi_value result;
  napi_create_double(env_, value, &result);
  return result;
}

napi_value CallFrame::Boolean(bool value) const {
  napi_value result;
  napi_get_boolean(env_, value, &result);
  return result;
}

}  // namespace leasehold
