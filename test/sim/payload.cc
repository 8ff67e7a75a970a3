// The content of a simulation's messages (payload.h): a counter hashed by SplitMix64, behind the
// message's own number.
#include "sim/payload.h"

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "base/prng.h"

namespace hyperroute::sim {
namespace {

uint64_t hash_of(uint64_t label, uint64_t sequence, uint64_t purpose) noexcept {
  uint64_t state = label ^ (sequence << 20) ^ (purpose << 56);
  splitmix64_next(state);
  return splitmix64_next(state);
}

// Words of the message in order, the first of which holds the sequence.
class Words {
 public:
  Words(const PayloadPlan& plan, uint32_t sequence) noexcept
      : sequence_(sequence), state_(hash_of(plan.label, sequence, 1)) {}

  uint64_t next() noexcept {
    const uint64_t word = splitmix64_next(state_);
    if (!is_first_) return word;
    is_first_ = false;
    return (word & 0xffffffff00000000u) | sequence_;
  }

 private:
  uint32_t sequence_;
  uint64_t state_;
  bool is_first_ = true;
};

}  // namespace

uint32_t payload_bytes(const PayloadPlan& plan, uint32_t sequence) noexcept {
  const uint64_t random = hash_of(plan.label, sequence, 2);
  const bool is_large = (random >> 40) % plan.large_one_in == 0;
  const uint32_t high = is_large ? plan.bytes_max : std::max(plan.bytes_min, plan.small_bytes_max);
  return plan.bytes_min +
         static_cast<uint32_t>((random & 0xffffffffu) % (high - plan.bytes_min + 1));
}

void fill_payload(const PayloadPlan& plan, uint32_t sequence, std::span<uint8_t> to) noexcept {
  Words words(plan, sequence);
  for (size_t at = 0; at < to.size(); at += 8) {
    const uint64_t word = words.next();
    std::memcpy(to.data() + at, &word, std::min<size_t>(8, to.size() - at));
  }
}

bool is_payload(const PayloadPlan& plan, uint32_t sequence,
                std::span<const uint8_t> message) noexcept {
  if (message.size() != payload_bytes(plan, sequence)) return false;
  Words words(plan, sequence);
  for (size_t at = 0; at < message.size(); at += 8) {
    const uint64_t word = words.next();
    if (std::memcmp(message.data() + at, &word, std::min<size_t>(8, message.size() - at)) != 0) {
      return false;
    }
  }
  return true;
}

uint32_t claimed_sequence(std::span<const uint8_t> message) noexcept {
  return load_u32_le(message.data());
}

}  // namespace hyperroute::sim
