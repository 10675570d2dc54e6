// PageSpaceObject: counters, for one page, a range within one region, or a list.
//
// A count that would pass its limit throws ENOMEM (as try_grab_folio answers), one that is not
// there to give back throws a RangeError; both carry `index` and `pfn` of the page, and nothing was
// changed.

#include <errno.h>

#include "page_space_binding.h"

namespace leasehold {

namespace {

[[noreturn]] void ThrowRefusal(CallFrame& call, const RangeResult& result, uint64_t pfn) {
  Napi::Env env(call.env());
  const std::string page = "page " + std::to_string(pfn);
  Napi::Error error;
  if (result.refusal == Refusal::kOverflow) {
    error = SystemError(env, {ENOMEM, "pin"}, page + ", whose count is at its limit");
  } else {
    const bool other = result.refusal == Refusal::kTallyUnderflow;
    error = Napi::RangeError::New(
        env, page + (other ? ": held by another opener" : ": no such reference to give back"));
    error.Set("code", Napi::String::New(env, "ERR_PAGE_UNDERFLOW"));
  }
  error.Set("index", Napi::Number::New(env, static_cast<double>(result.index)));
  error.Set("pfn", Napi::Number::New(env, static_cast<double>(pfn)));
  throw error;
}

struct PageRange {
  const Region* region;
  uint64_t pfn, nr;
  uint64_t first() const { return pfn - region->base_pfn; }
};

// pfn and nrPages of the first two arguments, which lie within one region.
PageRange RangeOf(CallFrame& call, const PageSpace& space) {
  const uint64_t pfn = call.Integer(0, "pfn", kMaxPfn);
  const uint64_t nr = call.Integer(1, "nrPages", kMaxPfn + 1);
  const Region* region = space.FindRange(pfn, nr);
  if (region == nullptr) {
    ThrowRange(call.env(), "pfn: [" + std::to_string(pfn) + ", +" + std::to_string(nr) +
                               ") is in no region");
  }
  return {region, pfn, nr};
}

// pfns, pos and nrPages of the first three arguments.
PageList ListOf(CallFrame& call, const PageSpace& space) {
  const Span<uint32_t> pfns = call.Words(0, "pfns");
  const uint64_t pos = call.Integer(1, "pos");
  const uint64_t nr = call.Integer(2, "nrPages");
  CheckRange(call.env(), "pos", pos, nr, pfns.size);
  CheckList(call, space, pfns.data + pos, nr);
  return {pfns.data + pos, nr};
}

template <uint64_t step>
napi_value RaiseRange(CallFrame& call) {
  const PageRange range = RangeOf(call, SpaceOf(call));
  const RangeResult result = range.region->counters.Raise(range.first(), range.nr, step);
  if (!result.ok()) ThrowRefusal(call, result, range.pfn + result.index);
  return nullptr;
}

template <uint64_t step>
napi_value LowerRange(CallFrame& call) {
  const PageRange range = RangeOf(call, SpaceOf(call));
  const RangeResult result = range.region->counters.Lower(range.first(), range.nr, step);
  if (!result.ok()) ThrowRefusal(call, result, range.pfn + result.index);
  return nullptr;
}

template <uint64_t step>
napi_value RaiseList(CallFrame& call) {
  const PageSpace& space = SpaceOf(call);
  const PageList list = ListOf(call, space);
  const RangeResult result = space.RaiseList(list.pfns, list.nr, step);
  if (!result.ok()) ThrowRefusal(call, result, list.pfns[result.index]);
  return nullptr;
}

template <uint64_t step>
napi_value LowerList(CallFrame& call) {
  const PageSpace& space = SpaceOf(call);
  const PageList list = ListOf(call, space);
  const RangeResult result = space.LowerList(list.pfns, list.nr, step);
  if (!result.ok()) ThrowRefusal(call, result, list.pfns[result.index]);
  return nullptr;
}

napi_value FirstBusy(CallFrame& call) {
  const PageRange range = RangeOf(call, SpaceOf(call));
  return call.Number(
      static_cast<double>(range.region->counters.FirstBusy(range.first(), range.nr)));
}

napi_value FirstBusyList(CallFrame& call) {
  const PageSpace& space = SpaceOf(call);
  const PageList list = ListOf(call, space);
  return call.Number(static_cast<double>(space.FirstBusyList(list.pfns, list.nr)));
}

uint64_t WordOf(CallFrame& call) {
  const uint64_t pfn = call.Integer(0, "pfn", kMaxPfn);
  const Region* region = SpaceOf(call).Find(pfn);
  if (region == nullptr) ThrowRange(call.env(), "pfn: " + std::to_string(pfn) + " is in no region");
  return region->counters.Load(pfn - region->base_pfn);
}

napi_value Refcount(CallFrame& call) { return call.Number(RefsOf(WordOf(call))); }
napi_value Pincount(CallFrame& call) { return call.Number(PinsOf(WordOf(call))); }

}  // namespace

void AddCounterMethods(Methods* methods, SpaceHandle* handle) {
  const Methods ours = {
      Property<FirstBusy>("firstBusy", handle),
      Property<FirstBusyList>("firstBusyList", handle),
      Property<RaiseList<kGetStep>>("getList", handle),
      Property<RaiseRange<kGetStep>>("getRange", handle),
      Property<Pincount>("pincount", handle),
      Property<RaiseList<kPinStep>>("pinList", handle),
      Property<RaiseRange<kPinStep>>("pinRange", handle),
      Property<LowerList<kGetStep>>("putList", handle),
      Property<LowerRange<kGetStep>>("putRange", handle),
      Property<Refcount>("refcount", handle),
      Property<LowerList<kPinStep>>("unpinList", handle),
      Property<LowerRange<kPinStep>>("unpinRange", handle),
  };
  methods->insert(methods->end(), ours.begin(), ours.end());
}

}  // namespace leasehold
