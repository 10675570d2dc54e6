// DaxMapping for JavaScript: the bytes of a mapped file, by position from its start.
//
//   DaxFile.map() --> open --close()--> closed: every call is EBADF
//
// `buffer` is one SharedArrayBuffer per file and environment, made when first asked for; what a
// worker is sent shares the memory too. Closing drops this share only. Calls that end in Async work
// on the libuv pool; the mapping and the array stay until they are done, even if closed meanwhile.

#include <errno.h>

#include <cstring>
#include <functional>

#include "addon_data.h"
#include "bulk.h"
#include "bulk_worker.h"
#include "call_frame.h"
#include "shared_buffer.h"

namespace leasehold {

namespace {

using Share = std::shared_ptr<DaxDevice>;

class DaxMapping : public Napi::ObjectWrap<DaxMapping> {
 public:
  explicit DaxMapping(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DaxMapping>(info) {
    if (info.Length() != 1 || !info[0].IsExternal()) {
      throw Napi::TypeError::New(info.Env(), "DaxMapping: use DaxFile.map");
    }
    device_ = *info[0].As<Napi::External<Share>>().Data();
  }
  const Share& device(CallFrame& call) const {
    if (device_ == nullptr) ThrowSystem(call.env(), {EBADF, "mapping"}, "closed");
    return device_;
  }
  void Close() { device_.reset(); }
  static Napi::Function Define(Napi::Env env);

 private:
  Share device_;
};

const Share& DeviceOf(CallFrame& call) { return call.Self<DaxMapping>().device(call); }

// pos and len of the first two arguments, which lie within the mapping.
struct Stretch {
  uint64_t pos, len;
};

Stretch StretchOf(CallFrame& call, const Share& device) {
  const Stretch stretch = {call.Integer(0, "pos"), call.Integer(1, "len")};
  CheckRange(call.env(), "pos", stretch.pos, stretch.len, device->len());
  return stretch;
}

void Check(CallFrame& call, const SysResult& result) {
  if (!result.ok()) ThrowSystem(call.env(), result, "mapping");
}

napi_value Buffer(CallFrame& call) {
  const Share& device = DeviceOf(call);
  auto& buffers = AddonData::Of(call.env()).buffers;
  if (auto it = buffers.find(device->id()); it != buffers.end()) {
    Napi::Object buffer = it->second.Value();
    if (!buffer.IsEmpty()) return buffer;
  }
  for (auto it = buffers.begin(); it != buffers.end();) {
    it = it->second.Value().IsEmpty() ? buffers.erase(it) : std::next(it);
  }
  napi_value made = NewSharedBuffer(call.env(), device);
  if (made == nullptr) {
    ThrowSystem(call.env(), {ENOTSUP, "mmap"}, "this Node.js cannot wrap mapped memory");
  }
  Napi::Object buffer(call.env(), made);
  buffers[device->id()] = Napi::Reference<Napi::Object>::New(buffer, 0);
  return made;
}

napi_value CloseMapping(CallFrame& call) {
  call.Self<DaxMapping>().Close();
  return call.Undefined();
}

napi_value Len(CallFrame& call) { return call.Number(static_cast<double>(DeviceOf(call)->len())); }

napi_value AdviseRandom(CallFrame& call) {
  const Share& device = DeviceOf(call);
  const Stretch at = StretchOf(call, device);
  Check(call, device->AdviseRandom(at.pos, at.len));
  return call.Undefined();
}

// compare(pos, bytes): index of the first byte that differs, or -1.
napi_value Compare(CallFrame& call) {
  const Share& device = DeviceOf(call);
  const uint64_t pos = call.Integer(0, "pos");
  const Span<uint8_t> bytes = call.Bytes(1, "bytes");
  CheckRange(call.env(), "pos", pos, bytes.size, device->len());
  const uint8_t* mapped = device->data() + pos;
  if (memcmp(mapped, bytes.data, bytes.size) == 0) return call.Number(-1);
  size_t i = 0;
  while (i < bytes.size && mapped[i] == bytes.data[i]) i++;
  return call.Number(i < bytes.size ? static_cast<double>(i) : -1);
}

// copyTo(pos, target: DaxMapping, targetPos, len): like memmove.
napi_value CopyTo(CallFrame& call) {
  const Share& source = DeviceOf(call);
  const uint64_t pos = call.Integer(0, "pos"), target_pos = call.Integer(2, "targetPos");
  const uint64_t len = call.Integer(3, "len");
  Napi::Value target_value(call.env(), call[1]);
  if (call.Missing(1) || !target_value.IsObject() ||
      !target_value.As<Napi::Object>().InstanceOf(AddonData::Of(call.env()).dax_mapping.Value())) {
    ThrowType(call.env(), "target must be a DaxMapping");
  }
  DaxMapping* target_self = DaxMapping::Unwrap(target_value.As<Napi::Object>());
  if (target_self == nullptr) ThrowType(call.env(), "target must be a DaxMapping");
  const Share& target = target_self->device(call);
  CheckRange(call.env(), "pos", pos, len, source->len());
  CheckRange(call.env(), "targetPos", target_pos, len, target->len());
  BulkMove(target->data() + target_pos, source->data() + pos, len);
  return call.Undefined();
}

napi_value Fill(CallFrame& call) {
  const Share& device = DeviceOf(call);
  const Stretch at = StretchOf(call, device);
  BulkFill(device->data() + at.pos, static_cast<uint8_t>(call.Integer(2, "byte", 255)), at.len);
  return call.Undefined();
}

napi_value FillAsync(CallFrame& call) {
  const Share device = DeviceOf(call);
  const Stretch at = StretchOf(call, device);
  const uint8_t byte = static_cast<uint8_t>(call.Integer(2, "byte", 255));
  return (new BulkWorker(call.env(), "fill", [device, at, byte] {
           BulkFill(device->data() + at.pos, byte, at.len);
           return SysResult{};
         }))->Start();
}

napi_value Flush(CallFrame& call) {
  const Share& device = DeviceOf(call);
  const Stretch at = StretchOf(call, device);
  Check(call, device->Flush(at.pos, at.len));
  return call.Undefined();
}

napi_value FlushAsync(CallFrame& call) {
  const Share device = DeviceOf(call);
  const Stretch at = StretchOf(call, device);
  return (new BulkWorker(call.env(), "mapping",
                         [device, at] { return device->Flush(at.pos, at.len); }))
      ->Start();
}

napi_value PoisonedCount(CallFrame& call) {
  return call.Number(static_cast<double>(DeviceOf(call)->PoisonedCount()));
}

// poisonedPages(): pages from the start of the mapping, ascending.
napi_value PoisonedPages(CallFrame& call) {
  const std::vector<uint64_t> pages = DeviceOf(call)->PoisonedPages();
  Napi::Array list = Napi::Array::New(call.env(), pages.size());
  for (size_t i = 0; i < pages.size(); i++) {
    list.Set(static_cast<uint32_t>(i), static_cast<double>(pages[i]));
  }
  return list;
}

napi_value Punch(CallFrame& call) {
  const Share& device = DeviceOf(call);
  const Stretch at = StretchOf(call, device);
  Check(call, device->Punch(at.pos, at.len));
  return call.Undefined();
}

// pos and the array of read(pos, target) and write(pos, source).
struct Transfer {
  uint64_t pos;
  Span<uint8_t> bytes;
};

Transfer TransferOf(CallFrame& call, const Share& device, const char* name) {
  const Transfer transfer = {call.Integer(0, "pos"), call.Bytes(1, name)};
  CheckRange(call.env(), "pos", transfer.pos, transfer.bytes.size, device->len());
  return transfer;
}

napi_value Read(CallFrame& call) {
  const Share& device = DeviceOf(call);
  const Transfer t = TransferOf(call, device, "target");
  BulkMove(t.bytes.data, device->data() + t.pos, t.bytes.size);
  return call.Undefined();
}

napi_value Write(CallFrame& call) {
  const Share& device = DeviceOf(call);
  const Transfer t = TransferOf(call, device, "source");
  BulkMove(device->data() + t.pos, t.bytes.data, t.bytes.size);
  return call.Undefined();
}

napi_value ReadAsync(CallFrame& call) {
  const Share device = DeviceOf(call);
  const Transfer t = TransferOf(call, device, "target");
  auto* worker = new BulkWorker(call.env(), "read", [device, t] {
    BulkMove(t.bytes.data, device->data() + t.pos, t.bytes.size);
    return SysResult{};
  });
  worker->Keep(call[1]);
  return worker->Start();
}

napi_value WriteAsync(CallFrame& call) {
  const Share device = DeviceOf(call);
  const Transfer t = TransferOf(call, device, "source");
  auto* worker = new BulkWorker(call.env(), "write", [device, t] {
    BulkMove(device->data() + t.pos, t.bytes.data, t.bytes.size);
    return SysResult{};
  });
  worker->Keep(call[1]);
  return worker->Start();
}

Napi::Function DaxMapping::Define(Napi::Env env) {
  return DefineClass(env, "DaxMapping",
                     {
                         Property<AdviseRandom>("adviseRandom"),
                         Getter<Buffer>("buffer"),
                         Property<CloseMapping>("close"),
                         Property<Compare>("compare"),
                         Property<CopyTo>("copyTo"),
                         Property<Fill>("fill"),
                         Property<FillAsync>("fillAsync"),
                         Property<Flush>("flush"),
                         Property<FlushAsync>("flushAsync"),
                         Getter<Len>("len"),
                         Getter<PoisonedCount>("poisonedCount"),
                         Property<PoisonedPages>("poisonedPages"),
                         Property<Punch>("punch"),
                         Property<Read>("read"),
                         Property<ReadAsync>("readAsync"),
                         Property<Write>("write"),
                         Property<WriteAsync>("writeAsync"),
                     });
}

}  // namespace

Napi::Function DefineDaxMapping(Napi::Env env) {
  Napi::Function constructor = DaxMapping::Define(env);
  AddonData::Of(env).dax_mapping = Napi::Persistent(constructor);
  return constructor;
}

Napi::Object NewDaxMapping(napi_env env, Share device) {
  auto external = Napi::External<Share>::New(Napi::Env(env), &device);
  return AddonData::Of(env).dax_mapping.New({external});
}

}  // namespace leasehold
