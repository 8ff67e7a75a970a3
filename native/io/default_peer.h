// The numbers of frames for the default peer of an endpoint that connects: whichever connection or
// session it has.
//
// A frame gets its number when it is routed and may wait in its producer's queue from then on. If
// the peer goes meanwhile, the number would be wrong on the next one; such frames are counted here
// and told from others when they are offered again. Owner: the endpoint's worker. Data path: all
// but end().
#pragma once

#include <array>
#include <cstdint>

#include "io/endpoint.h"

namespace hyperroute {

class DefaultPeerNumbers {
 public:
  // The next number of the peer there is, or will be.
  uint64_t take() noexcept { return next_++; }
  bool is_any_taken() const noexcept { return next_ > 1; }

  // The producer offers again what waits.
  void begin_burst(uint8_t producer) noexcept { waiting_[producer] = 0; }
  // A frame waits with a number of the present peer.
  void keep(uint8_t producer) noexcept { ++waiting_[producer]; }
  // A frame waits with a number of a peer that has gone.
  void outdate(uint8_t producer) noexcept { ++outdated_[producer]; }
  // Whether the frame that the producer offers first is one of those; it is no longer counted then.
  [[nodiscard]] bool take_outdated(uint8_t producer) noexcept {
    if (outdated_[producer] == 0) return false;
    --outdated_[producer];
    return true;
  }

  // The peer has gone, and numbers begin again. Without `outdates`, what waits is as good for the
  // next peer. True: there are outdated frames, whose verdict is known as soon as they are offered.
  [[nodiscard]] bool end(bool outdates) noexcept {
    next_ = 1;
    bool has_outdated = false;
    for (uint32_t producer = 0; producer < kProducersMax; ++producer) {
      if (outdates) outdated_[producer] += waiting_[producer];
      waiting_[producer] = 0;
      if (outdated_[producer] > 0) has_outdated = true;
    }
    return has_outdated;
  }

 private:
  uint64_t next_ = 1;
  std::array<uint32_t, kProducersMax> waiting_{};
  std::array<uint32_t, kProducersMax> outdated_{};
};

}  // namespace hyperroute
