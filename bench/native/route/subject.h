// A router of the bench: ours, or one written by hand for one configuration. All of them route
// through the same two loops.
//
// Thread: main.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.h"
#include "bench/native/route/traffic.h"
#include "bench/native/samples.h"

namespace hyperroute {

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
  // The same with a sample for each message, from one reading of the clock to the next.
  virtual uint32_t run_timed(std::span<const RouteInput> inputs, Samples& samples) = 0;
};

// `Router` has a name and `Routed route(const RouteInput&, Sink&)`.
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
    for (const RouteInput& input : inputs) {
      rejected += router_.route(input, sink_).endpoint == kNowhere ? 1 : 0;
    }
    return rejected;
  }

  uint32_t run_timed(std::span<const RouteInput> inputs, Samples& samples) override {
    uint32_t rejected = 0;
    uint64_t before = ticks();
    for (const RouteInput& input : inputs) {
      rejected += router_.route(input, sink_).endpoint == kNowhere ? 1 : 0;
      const uint64_t after = ticks();
      samples.add(after - before);
      before = after;
    }
    return rejected;
  }

 private:
  Sink sink_;
  Router router_;
};

}  // namespace hyperroute
