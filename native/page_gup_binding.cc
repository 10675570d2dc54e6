// PageSpaceObject: the fast path of get_user_pages and pin_user_pages, whole and in its three
// steps.

#include "page_space_binding.h"

namespace leasehold {

namespace {

// name[pos .. pos + nr) of a word array argument and the position after it.
uint32_t* WordsAt(CallFrame& call, size_t i, const char* name, const char* pos_name, uint64_t nr) {
  const Span<uint32_t> words = call.Words(i, name);
  const uint64_t pos = call.Integer(i + 1, pos_name);
  CheckRange(call.env(), pos_name, pos, nr, words.size);
  return words.data + pos;
}

uint64_t StepOf(CallFrame& call, size_t i) { return call.Bool(i, "pin") ? kPinStep : kGetStep; }

// gupFast(ptes, index, nr, write, pin, out, outPos): pages taken
napi_value GupFast(CallFrame& call) {
  const uint64_t nr = call.Integer(2, "nr");
  const uint32_t* ptes = WordsAt(call, 0, "ptes", "index", nr);
  const bool write = call.Bool(3, "write");
  const uint64_t step = StepOf(call, 4);
  uint32_t* out = WordsAt(call, 5, "out", "outPos", nr);
  return call.Number(static_cast<double>(SpaceOf(call).GupFast(ptes, nr, write, step, out)));
}

// gupRead(ptes, index, nr, write, entries, entriesPos): entries that may be taken
napi_value GupRead(CallFrame& call) {
  const uint64_t nr = call.Integer(2, "nr");
  const uint32_t* ptes = WordsAt(call, 0, "ptes", "index", nr);
  const bool write = call.Bool(3, "write");
  uint32_t* entries = WordsAt(call, 4, "entries", "entriesPos", nr);
  return call.Number(static_cast<double>(SpaceOf(call).GupRead(ptes, nr, write, entries)));
}

// gupRaise(entries, entriesPos, nr, pin): pages raised
napi_value GupRaise(CallFrame& call) {
  const uint64_t nr = call.Integer(2, "nr");
  const uint32_t* entries = WordsAt(call, 0, "entries", "entriesPos", nr);
  const uint64_t step = StepOf(call, 3);
  return call.Number(static_cast<double>(SpaceOf(call).GupRaise(entries, nr, step)));
}

// gupRecheck(ptes, index, nr, entries, entriesPos, pin, out, outPos): pages kept
napi_value GupRecheck(CallFrame& call) {
  const uint64_t nr = call.Integer(2, "nr");
  const uint32_t* ptes = WordsAt(call, 0, "ptes", "index", nr);
  const uint32_t* entries = WordsAt(call, 3, "entries", "entriesPos", nr);
  const uint64_t step = StepOf(call, 5);
  uint32_t* out = WordsAt(call, 6, "out", "outPos", nr);
  return call.Number(static_cast<double>(SpaceOf(call).GupRecheck(ptes, nr, entries, step, out)));
}

}  // namespace

void AddGupMethods(Methods* methods, SpaceHandle* handle) {
  const Methods ours = {
      Property<GupFast>("gupFast", handle),
      Property<GupRaise>("gupRaise", handle),
      Property<GupRead>("gupRead", handle),
      Property<GupRecheck>("gupRecheck", handle),
  };
  methods->insert(methods->end(), ours.begin(), ours.end());
}

}  // namespace leasehold
