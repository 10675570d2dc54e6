// PageSpaceObject: PageSpace for JavaScript; what the calls mean stands in page_space.h.
//
// A region's buffer is held by this object, so its memory stays as long as the space does. The
// methods are in three files: counters, the fast path, and bytes. A refused call has changed
// nothing.
#ifndef LEASEHOLD_PAGE_SPACE_BINDING_H_
#define LEASEHOLD_PAGE_SPACE_BINDING_H_

#include <napi.h>

#include <memory>
#include <vector>

#include "call_frame.h"
#include "page_space.h"

namespace leasehold {

class PageSpaceObject;

/** What methods have instead of `this`; it may outlive the object, as a method may. */
struct SpaceHandle {
  PageSpaceObject* object = nullptr;
};

class PageSpaceObject : public Napi::ObjectWrap<PageSpaceObject> {
 public:
  explicit PageSpaceObject(const Napi::CallbackInfo& info);
  ~PageSpaceObject() override { handle_->object = nullptr; }
  static Napi::Function Define(Napi::Env env);
  /** The object of a call. TypeError if it was collected: the method was taken off it and kept. */
  static PageSpaceObject& Of(CallFrame& call);

  PageSpace space;
  std::vector<Napi::ObjectReference> buffers;

 private:
  std::shared_ptr<SpaceHandle> handle_;
};

struct PageList {
  const uint32_t* pfns;
  uint64_t nr;
};

const PageSpace& SpaceOf(CallFrame& call);
/** Refuse a list with a page that is in no region. */
void CheckList(CallFrame& call, const PageSpace& space, const uint32_t* pfns, uint64_t nr);

using Methods = std::vector<napi_property_descriptor>;
void AddCounterMethods(Methods* methods, SpaceHandle* handle);
void AddGupMethods(Methods* methods, SpaceHandle* handle);
void AddBytesMethods(Methods* methods, SpaceHandle* handle);

}  // namespace leasehold

#endif  // LEASEHOLD_PAGE_SPACE_BINDING_H_
