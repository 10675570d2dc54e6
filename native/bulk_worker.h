// BulkWorker: long work on bytes, done on a thread of the libuv pool, as a promise.
//
// Everything the work touches is kept alive by what it captures and by the objects handed to Keep.
#ifndef LEASEHOLD_BULK_WORKER_H_
#define LEASEHOLD_BULK_WORKER_H_

#include <napi.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "call_frame.h"

namespace leasehold {

class BulkWorker : public Napi::AsyncWorker {
 public:
  using Work = std::function<SysResult()>;

  BulkWorker(napi_env env, std::string what, Work work)
      : Napi::AsyncWorker(Napi::Env(env)),
        deferred_(Napi::Promise::Deferred::New(Napi::Env(env))),
        what_(std::move(what)),
        work_(std::move(work)) {}

  void Keep(napi_value value) {
    kept_.push_back(Napi::Persistent(Napi::Value(Env(), value).As<Napi::Object>()));
  }
  /** Start, and give the promise. The worker deletes itself. */
  napi_value Start() {
    napi_value promise = deferred_.Promise();
    Queue();
    return promise;
  }

 protected:
  void Execute() override { result_ = work_(); }
  void OnOK() override {
    if (result_.ok()) {
      deferred_.Resolve(Env().Undefined());
    } else {
      deferred_.Reject(SystemError(Env(), result_, what_).Value());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::string what_;
  Work work_;
  SysResult result_;
  std::vector<Napi::ObjectReference> kept_;
};

}  // namespace leasehold

#endif  // LEASEHOLD_BULK_WORKER_H_
