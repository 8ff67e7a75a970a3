// What the messages of a simulation hold: size and content are functions of the stream and of the
// message's place in it, so that a receiver can check every byte and nobody stores a message.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>
#include <span>

namespace hyperroute::sim {

// From this size on a message says which one of its stream it is; smaller ones are told apart by
// their order alone, or counted.
inline constexpr uint32_t kIdentifiedBytesMin = 8;

struct PayloadPlan {
  uint64_t label = 0;  // the stream's, unique in a run
  uint32_t bytes_min = 0;
  uint32_t bytes_max = 0;
  // One message in so many has any size up to bytes_max, the others at most small_bytes_max.
  uint32_t large_one_in = 1;
  uint32_t small_bytes_max = 0;
};

[[nodiscard]] uint32_t payload_bytes(const PayloadPlan& plan, uint32_t sequence) noexcept;
// `to` has payload_bytes() bytes.
void fill_payload(const PayloadPlan& plan, uint32_t sequence, std::span<uint8_t> to) noexcept;
[[nodiscard]] bool is_payload(const PayloadPlan& plan, uint32_t sequence,
                              std::span<const uint8_t> message) noexcept;
// The place an identified message claims; is_payload() says whether that is true.
[[nodiscard]] uint32_t claimed_sequence(std::span<const uint8_t> message) noexcept;

}  // namespace hyperroute::sim
