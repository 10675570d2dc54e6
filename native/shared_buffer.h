// SharedBuffer: makes a SharedArrayBuffer over memory that is not V8's.
//
// Two ways, tried in order. Node-API has node_api_create_external_sharedarraybuffer since Node
// 22.23.3, 24.16.0 and 26.1.0; where it is missing V8's own NewBackingStore is called by its
// symbol, which was the same in V8 11.3 (Node 20) to 14.6 (Node 26). Both are looked up at run
// time, so that one binary built without v8.h serves all. V8 builds with the sandbox take neither.
#ifndef LEASEHOLD_SHARED_BUFFER_H_
#define LEASEHOLD_SHARED_BUFFER_H_

#include <node_api.h>

#include <memory>

#include "dax_device.h"

namespace leasehold {

/**
 * A new SharedArrayBuffer over the whole device, which shares in it until it was collected by every
 * thread that it was sent to. Null when this Node can do neither of the two ways.
 */
napi_value NewSharedBuffer(napi_env env, const std::shared_ptr<DaxDevice>& device);

}  // namespace leasehold

#endif  // LEASEHOLD_SHARED_BUFFER_H_
