// Bulk: the streaming loops; SSE2 is part of x86-64, elsewhere libc does it all.

#include "bulk.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace leasehold {

#if defined(__SSE2__)

namespace {

// Bytes until p is aligned for 64-byte lines, at most len.
size_t Head(const uint8_t* p, size_t len) {
  const size_t head = (64 - reinterpret_cast<uintptr_t>(p) % 64) % 64;
  return head < len ? head : len;
}

}  // namespace

void BulkCopy(uint8_t* target, const uint8_t* source, size_t len) {
  if (len <= kStreamLen) {
    memcpy(target, source, len);
    return;
  }
  const size_t head = Head(target, len);
  memcpy(target, source, head);
  size_t i = head;
  for (; i + 64 <= len; i += 64) {
    const __m128i* from = reinterpret_cast<const __m128i*>(source + i);
    __m128i* to = reinterpret_cast<__m128i*>(target + i);
    const __m128i a = _mm_loadu_si128(from), b = _mm_loadu_si128(from + 1);
    const __m128i c = _mm_loadu_si128(from + 2), d = _mm_loadu_si128(from + 3);
    _mm_stream_si128(to, a);
    _mm_stream_si128(to + 1, b);
    _mm_stream_si128(to + 2, c);
    _mm_stream_si128(to + 3, d);
  }
  // Streamed stores are weakly ordered even on x86: without the fence an unpin could overtake them.
  _mm_sfence();
  memcpy(target + i, source + i, len - i);
}

void BulkFill(uint8_t* target, uint8_t byte, size_t len) {
  if (len <= kStreamLen) {
    memset(target, byte, len);
    return;
  }
  const size_t head = Head(target, len);
  memset(target, byte, head);
  const __m128i value = _mm_set1_epi8(static_cast<char>(byte));
  size_t i = head;
  for (; i + 64 <= len; i += 64) {
    __m128i* to = reinterpret_cast<__m128i*>(target + i);
    _mm_stream_si128(to, value);
    _mm_stream_si128(to + 1, value);
    _mm_stream_si128(to + 2, value);
    _mm_stream_si128(to + 3, value);
  }
  _mm_sfence();
  memset(target + i, byte, len - i);
}

#else

void BulkCopy(uint8_t* target, const uint8_t* source, size_t len) { memcpy(target, source, len); }
void BulkFill(uint8_t* target, uint8_t byte, size_t len) { memset(target, byte, len); }

#endif

void BulkMove(uint8_t* target, const uint8_t* source, size_t len) {
  if (source + len <= target || target + len <= source) {
    BulkCopy(target, source, len);
  } else {
    memmove(target, source, len);
  }
}

}  // namespace leasehold
