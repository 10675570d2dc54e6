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

// The words of a page in lib/mm/page-meta.ts: an owner is words 2 to 5 of 8, the last 0 for none.
constexpr uint64_t kMetaWords = 8, kOwnerAt = 2, kOwnerWords = 4;

// firstStranger(meta, basePfn, pfns, owners, from, to): index of the first page of [from, to) that
// is beyond meta or owned by another than owners says, or `to`. Pages owned by none pass.
napi_value FirstStranger(CallFrame& call) {
  const Span<uint32_t> meta = call.Words(0, "meta");
  const uint64_t base_pfn = call.Integer(1, "basePfn");
  const Span<uint32_t> pfns = call.Words(2, "pfns");
  const Span<uint32_t> owners = call.Words(3, "owners");
  const uint64_t from = call.Integer(4, "from");
  const uint64_t to = call.Integer(5, "to");
  if (from > to) ThrowRange(call.env(), "from: " + std::to_string(from) + " is after the end");
  CheckRange(call.env(), "to", from, to - from, pfns.size);
  CheckRange(call.env(), "to", from, to - from, owners.size / kOwnerWords);
  const uint64_t nr_pages = meta.size / kMetaWords;
  uint64_t i = from;
  for (; i < to; i++) {
    const uint32_t* meant = owners.data + i * kOwnerWords;
    if (meant[kOwnerWords - 1] == 0) continue;
    const uint64_t page = pfns.data[i] - base_pfn;
    if (page >= nr_pages) break;
    const uint32_t* words = meta.data + page * kMetaWords + kOwnerAt;
    uint32_t differs = 0;
    for (uint64_t w = 0; w < kOwnerWords; w++) {
      differs |= __atomic_load_n(words + w, __ATOMIC_RELAXED) ^ meant[w];
    }
    if (differs != 0) break;
  }
  return call.Number(static_cast<double>(i));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData);
  exports.Set("DaxFile", DefineDaxFile(env));
  exports.Set("DaxMapping", DefineDaxMapping(env));
  exports.Set("PageSpace", DefinePageSpace(env));
  DefineOpeners(env, exports);
  DefineFutex(env, exports);
  exports.DefineProperty(Napi::PropertyDescriptor(Property<PlainCopy>("memcpy")));
  exports.DefineProperty(
      Napi::PropertyDescriptor(Property<FirstStranger>("firstStranger")));
  return exports;
}

}  // namespace

NODE_API_MODULE(leasehold, Init)

}  // namespace leasehold
