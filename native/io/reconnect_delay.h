// How long an end that connects waits between attempts. Owner: the thread of the endpoint or node;
// off the data path.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/prng.h"

namespace hyperroute {

class ReconnectDelay {
 public:
  void reset(uint64_t delay_ns_min) noexcept { delay_ns_ = delay_ns_min; }

  void connected(uint64_t now_ns) noexcept { connected_ns_ = now_ns; }
  // A server that was there for long is worth asking at once, one that hangs up at once is not.
  void lost(uint64_t now_ns, uint64_t delay_ns_min, uint64_t delay_ns_max) noexcept {
    if (now_ns - connected_ns_ >= delay_ns_max) reset(delay_ns_min);
  }

  // When the next attempt begins: after a pause between half of the present delay and all of it,
  // so that the clients of a server that restarts do not come back in step; the delay doubles with
  // each pause.
  uint64_t next_attempt_ns(uint64_t now_ns, uint64_t delay_ns_max, Prng& jitter) noexcept {
    const uint64_t half_ns = delay_ns_ / 2;
    delay_ns_ = std::min(delay_ns_ * 2, delay_ns_max);
    return now_ns + half_ns + ((half_ns * jitter.below(kJitterSteps)) / kJitterSteps);
  }

 private:
  static constexpr uint32_t kJitterSteps = 1024;

  uint64_t delay_ns_ = 0;
  uint64_t connected_ns_ = 0;
};

}  // namespace hyperroute
