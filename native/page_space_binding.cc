// PageSpaceObject: its regions, and the class put together.

#include "page_space_binding.h"

#include "addon_data.h"

namespace leasehold {

namespace {

struct Memory {
  uint8_t* data;
  uint64_t len;
};

// Address and length of a real SharedArrayBuffer, whatever the object says about itself.
Memory MemoryOf(CallFrame& call, Napi::Value buffer) {
  Napi::Env env(call.env());
  Napi::Function shared = env.Global().Get("SharedArrayBuffer").As<Napi::Function>();
  if (!buffer.IsObject() || !buffer.As<Napi::Object>().InstanceOf(shared)) {
    ThrowType(env, "buffer must be a SharedArrayBuffer");
  }
  Napi::Object object = env.Global().Get("Object").As<Napi::Object>();
  Napi::Function descriptor = object.Get("getOwnPropertyDescriptor").As<Napi::Function>();
  Napi::Object getter =
      descriptor.Call({shared.Get("prototype"), Napi::String::New(env, "byteLength")})
          .As<Napi::Object>();
  const double len =
      getter.Get("get").As<Napi::Function>().Call(buffer, {}).As<Napi::Number>().DoubleValue();
  Napi::Function uint8_array = env.Global().Get("Uint8Array").As<Napi::Function>();
  Napi::Object view =
      uint8_array.New({buffer, Napi::Number::New(env, 0), Napi::Number::New(env, 0)});
  void* data = nullptr;
  napi_get_typedarray_info(env, view, nullptr, nullptr, &data, nullptr, nullptr);
  return {static_cast<uint8_t*>(data), static_cast<uint64_t>(len)};
}

uint64_t Field(CallFrame& call, const Napi::Object& from, const char* name, uint64_t align,
               uint64_t fallback = UINT64_MAX) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined() && fallback != UINT64_MAX) return fallback;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= static_cast<double>(kMaxSafeInteger)) ||
      static_cast<double>(static_cast<uint64_t>(number)) != number ||
      static_cast<uint64_t>(number) % align != 0) {
    ThrowRange(call.env(), std::string(name) + " must be a whole number, a multiple of " +
                               std::to_string(align));
  }
  return static_cast<uint64_t>(number);
}

// addRegion({ buffer, basePfn, nrPages, countersPos, summaryPos, talliesPos?, nrSlots?, dataPos })
napi_value AddRegion(CallFrame& call) {
  PageSpaceObject& self = PageSpaceObject::Of(call);
  Napi::Value argument(call.env(), call[0]);
  if (call.Missing(0) || !argument.IsObject()) ThrowType(call.env(), "region must be an object");
  const Napi::Object spec = argument.As<Napi::Object>();
  const Memory memory = MemoryOf(call, spec.Get("buffer"));
  Region region;
  region.base_pfn = Field(call, spec, "basePfn", 1);
  region.nr_pages = Field(call, spec, "nrPages", 1);
  region.nr_slots = Field(call, spec, "nrSlots", 1, 0);
  region.nr_groups = (region.nr_pages + kGroupPages - 1) / kGroupPages;
  if (region.nr_pages == 0 || region.nr_pages > kMaxPfn + 1 ||
      region.base_pfn > kMaxPfn + 1 - region.nr_pages || region.nr_slots > 65536) {
    ThrowRange(call.env(), "nrPages: the region does not fit into " + std::to_string(kMaxPfn + 1) +
                               " page frames");
  }
  auto at = [&](const char* name, uint64_t align, uint64_t len) {
    const uint64_t pos = Field(call, spec, name, align);
    CheckRange(call.env(), name, pos, len, memory.len);
    return memory.data + pos;
  };
  region.data = at("dataPos", 1, region.nr_pages * kPageLen);
  region.words = reinterpret_cast<uint64_t*>(at("countersPos", 8, region.nr_pages * 8));
  region.summary = reinterpret_cast<uint64_t*>(at("summaryPos", 8, region.nr_groups * 8));
  if (region.nr_slots > 0) {
    const uint64_t len = region.nr_slots * region.nr_groups * 8;
    region.tallies = reinterpret_cast<uint64_t*>(at("talliesPos", 8, len));
  }
  const int index = self.space.Add(region);
  if (index < 0) ThrowRange(call.env(), "basePfn: more than 8 regions, or one overlaps another");
  self.buffers.push_back(Napi::Persistent(spec.Get("buffer").As<Napi::Object>()));
  return call.Number(index);
}

// setOpener(regionIndex, slot)
napi_value SetOpener(CallFrame& call) {
  PageSpaceObject& self = PageSpaceObject::Of(call);
  const uint64_t index = call.Integer(0, "regionIndex", PageSpace::kMaxRegions - 1);
  if (!self.space.SetOpener(static_cast<int>(index), call.Integer(1, "slot"))) {
    ThrowRange(call.env(), "slot: no such region or slot");
  }
  return call.Undefined();
}

}  // namespace

PageSpaceObject& PageSpaceObject::Of(CallFrame& call) {
  PageSpaceObject* object = static_cast<SpaceHandle*>(call.data())->object;
  if (object == nullptr) ThrowType(call.env(), "the PageSpace of this method is gone");
  return *object;
}

const PageSpace& SpaceOf(CallFrame& call) { return PageSpaceObject::Of(call).space; }

void CheckList(CallFrame& call, const PageSpace& space, const uint32_t* pfns, uint64_t nr) {
  const int64_t bad = space.CheckList(pfns, nr);
  if (bad < 0) return;
  ThrowRange(call.env(), "pfns: page " + std::to_string(pfns[bad]) + " at " + std::to_string(bad) +
                             " is in no region");
}

PageSpaceObject::PageSpaceObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<PageSpaceObject>(info), handle_(std::make_shared<SpaceHandle>()) {
  handle_->object = this;
  AddonData::Of(info.Env()).handles.push_back(handle_);
  Methods methods = {Property<AddRegion>("addRegion", handle_.get()),
                     Property<SetOpener>("setOpener", handle_.get())};
  AddCounterMethods(&methods, handle_.get());
  AddGupMethods(&methods, handle_.get());
  AddBytesMethods(&methods, handle_.get());
  napi_define_properties(info.Env(), info.This(), methods.size(), methods.data());
}

Napi::Function PageSpaceObject::Define(Napi::Env env) { return DefineClass(env, "PageSpace", {}); }

Napi::Function DefinePageSpace(Napi::Env env) { return PageSpaceObject::Define(env); }

}  // namespace leasehold
