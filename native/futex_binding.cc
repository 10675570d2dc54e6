// Futex for JavaScript: futexWait (blocks this thread), futexWaitAsync (a promise) and futexWake.
//
//   a wait: pending --woken | word changed--> 'ok'
//                   --deadline--------------> 'timed-out'
//                   --cancelled-------------> 'cancelled'
// 'not-equal' says that the word was not what the caller expected, so nothing was waited for.
//
// Everything asynchronous of an environment goes through its one FutexChannel, a threadsafe
// function which keeps the event loop alive only while a wait is pending. A pending wait holds its
// array.

#include <napi.h>

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "addon_data.h"
#include "call_frame.h"
#include "futex.h"

namespace leasehold {

namespace {

// As long as a year: no deadline needs more, and sums of nanoseconds do not overflow.
constexpr uint64_t kMaxTimeoutMs = uint64_t{366} * 24 * 3600 * 1000;

const char* NameOf(FutexOutcome outcome) {
  switch (outcome) {
    case FutexOutcome::kWoken: return "ok";
    case FutexOutcome::kNotEqual: return "not-equal";
    case FutexOutcome::kTimedOut: return "timed-out";
  }
  return "";
}

napi_value NameValue(napi_env env, const char* name) {
  napi_value value;
  napi_create_string_latin1(env, name, NAPI_AUTO_LENGTH, &value);
  return value;
}

}  // namespace

class FutexChannel {
 public:
  explicit FutexChannel(Napi::Env env) : env_(env) {
    napi_create_threadsafe_function(env, nullptr, nullptr, NameValue(env, "futexWaitAsync"), 0, 1,
                                    nullptr, nullptr, this, Deliver, &function_);
    napi_unref_threadsafe_function(env, function_);
  }
  ~FutexChannel() {
    // The environment is going: no thread may call us from here on.
    FutexPoller::Get().Cancel(this);
    napi_release_threadsafe_function(function_, napi_tsfn_abort);
  }

  napi_value Wait(Napi::Object words, const uint32_t* word, uint32_t expected, int64_t deadline_ns,
                  uint64_t* id) {
    *id = next_id_++;
    auto deferred = Napi::Promise::Deferred::New(env_);
    if (pending_.empty()) napi_ref_threadsafe_function(env_, function_);
    pending_.emplace(*id, Pending{deferred, Napi::Persistent(words)});
    FutexPoller::Get().Wait(this, *id, word, expected, deadline_ns,
                            [this](uint64_t done, FutexOutcome outcome) { Report(done, outcome); });
    return deferred.Promise();
  }

  bool Cancel(uint64_t id) {
    if (!FutexPoller::Get().CancelOne(this, id)) return false;
    Settle(id, "cancelled");
    return true;
  }

 private:
  struct Pending {
    Napi::Promise::Deferred deferred;
    Napi::ObjectReference words;
  };

  // On a thread of the poller: leave a note, and have the loop come for it.
  void Report(uint64_t id, FutexOutcome outcome) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      reports_.emplace_back(id, outcome);
    }
    napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
  }

  static void Deliver(napi_env env, napi_value, void* context, void*) {
    if (env == nullptr) return;
    static_cast<FutexChannel*>(context)->SettleReports();
  }

  void SettleReports() {
    std::vector<std::pair<uint64_t, FutexOutcome>> reports;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      reports.swap(reports_);
    }
    for (const auto& [id, outcome] : reports) Settle(id, NameOf(outcome));
  }

  void Settle(uint64_t id, const char* name) {
    auto it = pending_.find(id);
    if (it == pending_.end()) return;
    Napi::HandleScope scope(env_);
    it->second.deferred.Resolve(NameValue(env_, name));
    pending_.erase(it);
    if (pending_.empty()) napi_unref_threadsafe_function(env_, function_);
  }

  Napi::Env env_;
  napi_threadsafe_function function_ = nullptr;
  uint64_t next_id_ = 1;
  std::unordered_map<uint64_t, Pending> pending_;
  std::mutex mutex_;
  std::vector<std::pair<uint64_t, FutexOutcome>> reports_;  // under mutex_
};

namespace {

const uint32_t* WordOf(CallFrame& call) {
  const Span<uint32_t> words = call.Words(0, "words");
  const uint64_t index = call.Integer(1, "index");
  CheckRange(call.env(), "index", index, 1, words.size);
  return words.data + index;
}

// Argument 2 as a 32-bit value, signed or not.
uint32_t ExpectedOf(CallFrame& call) {
  int64_t value = 0;
  if (call.Missing(2) || napi_get_value_int64(call.env(), call[2], &value) != napi_ok) {
    ThrowType(call.env(), "expected must be a number");
  }
  return static_cast<uint32_t>(value);
}

// Argument 3, milliseconds; left out: no deadline.
int64_t DeadlineOf(CallFrame& call) {
  if (call.Missing(3)) return -1;
  const uint64_t timeout_ms = call.Integer(3, "timeoutMs", kMaxTimeoutMs);
  return MonotonicNs() + static_cast<int64_t>(timeout_ms) * 1000000;
}

// futexWait(words, index, expected, timeoutMs)
napi_value Wait(CallFrame& call) {
  const uint32_t* word = WordOf(call);
  const uint32_t expected = ExpectedOf(call);
  const int64_t deadline_ns = DeadlineOf(call);
  // A thread that sleeps here cannot be terminated, so it may not sleep for ever.
  if (deadline_ns < 0) ThrowType(call.env(), "timeoutMs must be a number");
  return NameValue(call.env(), NameOf(FutexWait(word, expected, deadline_ns)));
}

// futexWaitAsync(words, index, expected, timeoutMs?): { id, result: Promise } or 'not-equal'
napi_value WaitAsync(CallFrame& call) {
  Napi::Env env(call.env());
  const uint32_t* word = WordOf(call);
  const uint32_t expected = ExpectedOf(call);
  const int64_t deadline_ns = DeadlineOf(call);
  if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != expected) {
    return NameValue(env, NameOf(FutexOutcome::kNotEqual));
  }
  auto& channel = AddonData::Of(env).futex;
  if (channel == nullptr) {
    channel = std::make_shared<FutexChannel>(env);
    env.AddCleanupHook([data = &AddonData::Of(env)] { data->futex.reset(); });
  }
  uint64_t id = 0;
  Napi::Value words(env, call[0]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("result", Napi::Value(env, channel->Wait(words.As<Napi::Object>(), word, expected,
                                                      deadline_ns, &id)));
  result.Set("id", Napi::Number::New(env, static_cast<double>(id)));
  return result;
}

// futexCancel(id): whether the wait was still pending
napi_value Cancel(CallFrame& call) {
  const uint64_t id = call.Integer(0, "id");
  auto& channel = AddonData::Of(call.env()).futex;
  return call.Boolean(channel != nullptr && channel->Cancel(id));
}

// futexWake(words, index, nr): how many were woken
napi_value Wake(CallFrame& call) {
  const uint32_t* word = WordOf(call);
  return call.Number(FutexWake(word, static_cast<int>(call.Integer(2, "nr", 0x7fffffff))));
}

}  // namespace

void DefineFutex(Napi::Env env, Napi::Object exports) {
  (void)env;
  exports.DefineProperties({
      Napi::PropertyDescriptor(Property<Cancel>("futexCancel")),
      Napi::PropertyDescriptor(Property<Wait>("futexWait")),
      Napi::PropertyDescriptor(Property<WaitAsync>("futexWaitAsync")),
      Napi::PropertyDescriptor(Property<Wake>("futexWake")),
  });
}

}  // namespace leasehold
