// A router of the bench: ours, or one written by hand for one configuration. All of them route
// through the same two loops.
//
// Thread: main.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "bench/native/route/traffic.h"
#include "bench/native/samples.h"

namespace hyperroute {

// Messages that arrive together.
inline constexpr uint32_t kBurstCount = 32;

class RouteSubject {
 public:
  RouteSubject() = default;
  RouteSubject(const RouteSubject&) = delete;
  RouteSubject& operator=(const RouteSubject&) = delete;
  virtual ~RouteSubject() = default;

  virtual const char* name() const = 0;
  virtual Routed route(const RouteInput& input) = 0;
  // All messages, one after the other. Returns how many were rejected.
  virtual uint32_t run(std::span<const RouteInput> inputs) = 0;
  // What became of the last messages of either: the n-th stands at n % kBurstCount.
  virtual std::span<const Routed> results() const = 0;
  // The same with a sample for each message, from one reading of the clock to the next.
  virtual uint32_t run_timed(std::span<const RouteInput> inputs, Samples& samples) = 0;
};

// `Router` has a name and `Routed route(const RouteInput&, Sink&)`, and may have
// `void prefetch(std::span<const RouteInput>)` for the messages of a burst.
template <typename Router>
class SubjectOf final : public RouteSubject {
 public:
  template <typename... Arguments>
  SubjectOf(uint32_t endpoint_count, const Arguments&... arguments)
      : sink_(endpoint_count), router_(arguments...) {}

  const char* name() const override { return Router::kName; }
  Routed route(const RouteInput& input) override { return router_.route(input, sink_); }

  uint32_t run(std::span<const RouteInput> inputs) override {
    uint32_t rejected = 0;
    for (size_t start = 0; start < inputs.size(); start += kBurstCount) {
      const auto burst =
          inputs.subspan(start, std::min<size_t>(kBurstCount, inputs.size() - start));
      if constexpr (requires { router_.prefetch(burst); }) router_.prefetch(burst);
      Routed* result = results_;
      for (const RouteInput& input : burst) {
        *result = router_.route(input, sink_);
        rejected += result++->endpoint == kNowhere ? 1 : 0;
      }
    }
    return rejected;
  }

  uint32_t run_timed(std::span<const RouteInput> inputs, Samples& samples) override {
    uint32_t rejected = 0;
    uint32_t number = 0;
    uint64_t before = ticks();
    for (const RouteInput& input : inputs) {
      Routed& result = results_[number++ % kBurstCount];
      result = router_.route(input, sink_);
      rejected += result.endpoint == kNowhere ? 1 : 0;
      const uint64_t after = ticks();
      samples.add(after - before);
      before = after;
    }
    return rejected;
  }

  std::span<const Routed> results() const override { return results_; }

 private:
  Sink sink_;
  Routed results_[kBurstCount] = {};
  Router router_;
};

}  // namespace hyperroute
