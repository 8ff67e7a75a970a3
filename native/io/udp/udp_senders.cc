// Set-up of the sender table; its data path is udp_senders_datapath.cc.
#include <sys/random.h>

#include <algorithm>

#include "base/bits.h"
#include "base/clock.h"
#include "io/udp/udp_senders.h"

namespace hyperroute {

Status UdpSenders::create(uint32_t sender_count_max, const SocketAddress& pinned,
                          uint16_t generation_seed) {
  has_pinned_ = !pinned.empty();
  const uint32_t capacity = sender_count_max + (has_pinned_ ? 1u : 0u);
  HR_TRY(peers_.create(capacity, generation_seed));
  senders_ = std::make_unique<Sender[]>(capacity);
  const uint32_t slot_count = std::bit_ceil(capacity * 2);
  slots_ = std::make_unique<uint16_t[]>(slot_count);
  std::fill_n(slots_.get(), slot_count, kNone);
  slot_mask_ = slot_count - 1;
  // A seed that senders cannot know keeps them from filling one probe sequence on purpose. Where
  // the kernel has none to give yet, the clock is still better than a constant.
  if (::getrandom(&hash_seed_, sizeof hash_seed_, GRND_NONBLOCK) != sizeof hash_seed_) {
    hash_seed_ = monotonic_ns();
  }
  if (has_pinned_) {
    const Interned interned = intern(pinned);
    HR_ASSERT(interned.peer.index == kPinnedIndex);
    unlink(kPinnedIndex);
  }
  return Status::success();
}

}  // namespace hyperroute
