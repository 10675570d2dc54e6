// The addon: its one entry point. It may be loaded by any number of workers at once, and is linked
// so that it is never unloaded (-z nodelete): a buffer may outlive the worker that made it.

#include <napi.h>

#include "addon_data.h"
#include "bulk.h"
#include "call_frame.h"

namespace leasehold {

namespace {

// memcpy(target, targetPos, source, sourcePos, len): the plain copy, to measure others against.
napi_value PlainCopy(CallFrame& call) {
  const Span<uint8_t> target = call.Bytes(0, "target");
  const uint64_t target_pos = call.Integer(1, "targetPos");
  const Span<uint8_t> source = call.Bytes(2, "source");
  const uint64_t source_pos = call.Integer(3, "sourcePos");
  const uint64_t len = call.Integer(4, "len");
  CheckRange(call.env(), "targetPos", target_pos, len, target.size);
  CheckRange(call.env(), "sourcePos", source_pos, len, source.size);
  BulkMove(target.data + target_pos, source.data + source_pos, len);
  return call.Undefined();
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData);
  exports.Set("DaxFile", DefineDaxFile(env));
  exports.Set("DaxMapping", DefineDaxMapping(env));
  exports.Set("PageSpace", DefinePageSpace(env));
  DefineOpeners(env, exports);
  DefineFutex(env, exports);
  exports.DefineProperty(Napi::PropertyDescriptor(Property<PlainCopy>("memcpy")));
  return exports;
}

}  // namespace

NODE_API_MODULE(leasehold, Init)

}  // namespace leasehold
