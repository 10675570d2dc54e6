// AddonData: what the addon keeps per environment, that is per main thread or worker.
#ifndef LEASEHOLD_ADDON_DATA_H_
#define LEASEHOLD_ADDON_DATA_H_

#include <napi.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "dax_device.h"

namespace leasehold {

class FutexChannel;
struct SpaceHandle;

struct AddonData {
  Napi::FunctionReference dax_file;
  Napi::FunctionReference dax_mapping;
  /** The buffer of each mapping by its id, weakly: a mapping is wrapped once per environment. */
  std::unordered_map<uint64_t, Napi::Reference<Napi::Object>> buffers;
  /** Of every PageSpace there ever was: their methods point to them. A few words each. */
  std::vector<std::shared_ptr<SpaceHandle>> handles;
  /** Made by the first asynchronous futex wait. */
  std::shared_ptr<FutexChannel> futex;

  static AddonData& Of(napi_env env) { return *Napi::Env(env).GetInstanceData<AddonData>(); }
};

Napi::Function DefineDaxFile(Napi::Env env);
Napi::Function DefineDaxMapping(Napi::Env env);
Napi::Function DefinePageSpace(Napi::Env env);
void DefineFutex(Napi::Env env, Napi::Object exports);
/** A new DaxMapping object that shares in the device. */
Napi::Object NewDaxMapping(napi_env env, std::shared_ptr<DaxDevice> device);
/** openFile and memoryFile, which make DaxFile objects. */
void DefineOpeners(Napi::Env env, Napi::Object exports);

}  // namespace leasehold

#endif  // LEASEHOLD_ADDON_DATA_H_
