// PageSpaceObject: PageSpace for JavaScript; what the calls mean stands in page_space.h.
//
// A region's buffer is held by this object, so its memory stays as long as the space does. The methods
// are in three files: counters, the fast path, and bytes. A refused call has changed nothing.
#ifndef LEASEHOLD_PAGE_SPACE_BINDING_H_
#define LEASEHOLD_PAGE_SPACE_BINDING_H_

#include <napi.h>

#include <vector>

#include "call_frame.h"
#include "page_space.h"

namespace leasehold {

class PageSpaceObject : public Napi::ObjectWrap<PageSpaceObject> {
 public:
  explicit PageSpaceObject(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<PageSpaceObject>(info) {}
  static Napi::Function Define(Napi::Env env);

  PageSpace space;
  std::vector<Napi::ObjectReference> buffers;
};

struct PageList {
  const uint32_t* pfns;
  uint64_t nr;
};

const PageSpace& SpaceOf(CallFrame& call);
/** Refuse a list with a page that is in no region. */
void CheckList(CallFrame& call, const PageSpace& space, const uint32_t* pfns, uint64_t nr);

using Methods = std::vector<Napi::ClassPropertyDescriptor<PageSpaceObject>>;
void AddCounterMethods(Methods* methods);
void AddGupMethods(Methods* methods);
void AddBytesMethods(Methods* methods);

}  // namespace leasehold

#endif  // LEASEHOLD_PAGE_SPACE_BINDING_H_
