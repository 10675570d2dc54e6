// PageSpaceObject: the bytes of pages, and 64-bit atomics on them.
//
// A run of bytes is a list of pages and an offset from the start of its first page. Calls that end
// in Async work on the libuv pool, on a copy of the list.

#include <errno.h>

#include <memory>
#include <utility>

#include "bulk.h"
#include "bulk_worker.h"
#include "page_space_binding.h"

namespace leasehold {

namespace {

uint64_t PagesFor(uint64_t offset, uint64_t len) {
  return len == 0 ? 0 : (offset + len - 1) / kPageLen + 1;
}

// pages is argument i, offset the one after it.
PageBytes PageBytesOf(CallFrame& call, size_t i, const char* offset_name, uint64_t len) {
  const Span<uint32_t> pfns = call.Words(i, "pfns");
  const uint64_t offset = call.Integer(i + 1, offset_name);
  CheckRange(call.env(), offset_name, offset, len, pfns.size * kPageLen);
  const uint64_t nr = PagesFor(offset, len);
  const uint64_t first = offset / kPageLen;
  if (nr > 0) CheckList(call, SpaceOf(call), pfns.data + first, nr - first);
  return {pfns.data, nr, offset, len};
}

// The arguments of copyFrom and copyTo: pfns, byteOffset, array, arrayPos, len.
struct Transfer {
  PageBytes pages;
  uint8_t* bytes;
};

Transfer TransferOf(CallFrame& call, const char* array_name, const char* pos_name) {
  const uint64_t len = call.Integer(4, "len");
  const Span<uint8_t> array = call.Bytes(2, array_name);
  const uint64_t pos = call.Integer(3, pos_name);
  CheckRange(call.env(), pos_name, pos, len, array.size);
  return {PageBytesOf(call, 0, "byteOffset", len), array.data + pos};
}

// A list of its own for work that outlives the call.
struct OwnPages {
  explicit OwnPages(const PageBytes& bytes)
      : list(bytes.pfns, bytes.pfns + bytes.nr), offset(bytes.offset), len(bytes.len) {}
  PageBytes Get() const { return {list.data(), list.size(), offset, len}; }
  std::vector<uint32_t> list;
  uint64_t offset, len;
};

// The space by value: its regions may not change under the work, whose buffers the object keeps.
napi_value StartOn(CallFrame& call, const char* what, BulkWorker::Work work, napi_value array) {
  auto* worker = new BulkWorker(call.env(), what, std::move(work));
  worker->Keep(PageSpaceObject::Of(call).Value());
  if (array != nullptr) worker->Keep(array);
  return worker->Start();
}

napi_value CopyFrom(CallFrame& call) {
  const Transfer t = TransferOf(call, "target", "targetPos");
  SpaceOf(call).CopyFrom(t.pages, t.bytes);
  return nullptr;
}

napi_value CopyFromAsync(CallFrame& call) {
  const Transfer t = TransferOf(call, "target", "targetPos");
  const OwnPages pages(t.pages);
  const PageSpace space = SpaceOf(call);
  auto work = [space, pages, bytes = t.bytes] {
    space.CopyFrom(pages.Get(), bytes);
    return SysResult{};
  };
  return StartOn(call, "copyFrom", work, call[2]);
}

napi_value CopyTo(CallFrame& call) {
  const Transfer t = TransferOf(call, "source", "sourcePos");
  SpaceOf(call).CopyTo(t.pages, t.bytes);
  return nullptr;
}

napi_value CopyToAsync(CallFrame& call) {
  const Transfer t = TransferOf(call, "source", "sourcePos");
  const OwnPages pages(t.pages);
  const PageSpace space = SpaceOf(call);
  auto work = [space, pages, bytes = t.bytes] {
    space.CopyTo(pages.Get(), bytes);
    return SysResult{};
  };
  return StartOn(call, "copyTo", work, call[2]);
}

// copyPages(target, targetOffset, source, sourceOffset, len)
napi_value CopyPages(CallFrame& call) {
  const uint64_t len = call.Integer(4, "len");
  const PageBytes target = PageBytesOf(call, 0, "targetOffset", len);
  const PageBytes source = PageBytesOf(call, 2, "sourceOffset", len);
  if (!SpaceOf(call).CopyPages(target, source)) {
    ThrowSystem(call.env(), {ENOMEM, "copyPages"}, std::to_string(len) + " bytes");
  }
  return nullptr;
}

// comparePages(a, aOffset, b, bOffset, len): index of the first byte that differs, or -1
napi_value ComparePages(CallFrame& call) {
  const uint64_t len = call.Integer(4, "len");
  const PageBytes a = PageBytesOf(call, 0, "aOffset", len);
  const PageBytes b = PageBytesOf(call, 2, "bOffset", len);
  const uint64_t same = SpaceOf(call).Compare(a, b);
  return call.Number(same == len ? -1 : static_cast<double>(same));
}

// compareBytes(pfns, byteOffset, bytes, bytesPos, len): index of the first that differs, or -1
napi_value CompareBytes(CallFrame& call) {
  const Transfer t = TransferOf(call, "bytes", "bytesPos");
  const uint64_t same = SpaceOf(call).CompareBytes(t.pages, t.bytes);
  return call.Number(same == t.pages.len ? -1 : static_cast<double>(same));
}

// fillPages(pfns, byteOffset, len, byte)
napi_value FillPages(CallFrame& call) {
  const PageBytes pages = PageBytesOf(call, 0, "byteOffset", call.Integer(2, "len"));
  SpaceOf(call).Fill(pages, static_cast<uint8_t>(call.Integer(3, "byte", 255)));
  return nullptr;
}

napi_value FillPagesAsync(CallFrame& call) {
  const OwnPages pages(PageBytesOf(call, 0, "byteOffset", call.Integer(2, "len")));
  const uint8_t byte = static_cast<uint8_t>(call.Integer(3, "byte", 255));
  const PageSpace space = SpaceOf(call);
  auto work = [space, pages, byte] {
    space.Fill(pages.Get(), byte);
    return SysResult{};
  };
  return StartOn(call, "fillPages", work, nullptr);
}

uint8_t* PageAt(CallFrame& call) {
  const uint64_t pfn = call.Integer(0, "pfn", kMaxPfn);
  const Region* region = SpaceOf(call).Find(pfn);
  if (region == nullptr) ThrowRange(call.env(), "pfn: " + std::to_string(pfn) + " is in no region");
  return region->data + (pfn - region->base_pfn) * kPageLen;
}

napi_value ZeroPage(CallFrame& call) {
  BulkFill(PageAt(call), 0, kPageLen);
  return nullptr;
}

// ---- 64-bit atomics: pfn, byteOffset within the page (a multiple of 8), then unsigned bigints

uint64_t* AtomicAt(CallFrame& call) {
  uint8_t* page = PageAt(call);
  const uint64_t offset = call.Integer(1, "byteOffset", kPageLen - 8);
  if ((reinterpret_cast<uintptr_t>(page) + offset) % 8 != 0) {
    ThrowRange(call.env(), "byteOffset must be a multiple of 8");
  }
  return reinterpret_cast<uint64_t*>(page + offset);
}

// Like BigInt.asUintN(64): what does not fit is cut off.
uint64_t BigIntOf(CallFrame& call, size_t i, const char* name) {
  uint64_t value = 0;
  bool lossless = false;
  if (call.Missing(i) ||
      napi_get_value_bigint_uint64(call.env(), call[i], &value, &lossless) != napi_ok) {
    ThrowType(call.env(), std::string(name) + " must be a bigint");
  }
  return value;
}

napi_value BigIntFrom(CallFrame& call, uint64_t value) {
  napi_value result;
  napi_create_bigint_uint64(call.env(), value, &result);
  return result;
}

// fetchAdd(pfn, byteOffset, value): what was there before
napi_value FetchAdd(CallFrame& call) {
  uint64_t* at = AtomicAt(call);
  return BigIntFrom(call, __atomic_fetch_add(at, BigIntOf(call, 2, "value"), __ATOMIC_SEQ_CST));
}

// compareSwap(pfn, byteOffset, expected, desired): what was there before
napi_value CompareSwap(CallFrame& call) {
  uint64_t* at = AtomicAt(call);
  uint64_t expected = BigIntOf(call, 2, "expected");
  const uint64_t desired = BigIntOf(call, 3, "desired");
  __atomic_compare_exchange_n(at, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return BigIntFrom(call, expected);
}

}  // namespace

void AddBytesMethods(Methods* methods, SpaceHandle* handle) {
  const Methods ours = {
      Property<CompareBytes>("compareBytes", handle),
      Property<ComparePages>("comparePages", handle),
      Property<CompareSwap>("compareSwap", handle),
      Property<CopyFrom>("copyFrom", handle),
      Property<CopyFromAsync>("copyFromAsync", handle),
      Property<CopyPages>("copyPages", handle),
      Property<CopyTo>("copyTo", handle),
      Property<CopyToAsync>("copyToAsync", handle),
      Property<FetchAdd>("fetchAdd", handle),
      Property<FillPages>("fillPages", handle),
      Property<FillPagesAsync>("fillPagesAsync", handle),
      Property<ZeroPage>("zeroPage", handle),
  };
  methods->insert(methods->end(), ours.begin(), ours.end());
}

}  // namespace leasehold
