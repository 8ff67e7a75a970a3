// The promises of the five stream modes, checked message by message (delivery_check.h).
#include "sim/delivery_check.h"

namespace hyperroute::sim {

void DeliveryCheck::on_offered() {
  const uint32_t bytes = payload_bytes(plan_, offered_);
  if (bytes < kIdentifiedBytesMin) ++tiny_open_[bytes];
  ++offered_;
}

const char* DeliveryCheck::on_delivered(std::span<const uint8_t> message) {
  const char* wrong = promise_ == Promise::kOrdered          ? on_ordered(message)
                      : message.size() < kIdentifiedBytesMin ? on_tiny(message)
                                                             : on_identified(message);
  if (wrong == nullptr) ++delivered_;
  return wrong;
}

const char* DeliveryCheck::on_ordered(std::span<const uint8_t> message) {
  if (delivered_ >= offered_) return "an ordered stream delivered more than was offered";
  if (is_payload(plan_, delivered_, message)) return nullptr;
  if (message.size() >= kIdentifiedBytesMin) {
    const uint32_t claimed = claimed_sequence(message);
    if (claimed < offered_ && is_payload(plan_, claimed, message)) {
      return claimed < delivered_ ? "an ordered stream delivered a message again"
                                  : "an ordered stream left out a message";
    }
  }
  return "an ordered stream delivered a message that differs from what was offered";
}

// Too small to say which message it is: of each size there cannot be more than were offered.
const char* DeliveryCheck::on_tiny(std::span<const uint8_t> message) {
  if (tiny_open_[message.size()] == 0) return "a stream delivered a tiny message too many";
  --tiny_open_[message.size()];
  return nullptr;
}

const char* DeliveryCheck::on_identified(std::span<const uint8_t> message) {
  const uint32_t sequence = claimed_sequence(message);
  if (sequence >= offered_ || !is_payload(plan_, sequence, message)) {
    return "a stream delivered a message that nobody offered";
  }
  if (seen_.size() < offered_) seen_.resize(offered_);
  if (seen_[sequence]) return "a stream delivered a message twice";
  seen_[sequence] = true;
  const bool is_in_order = promise_ == Promise::kLatest || promise_ == Promise::kDeadline;
  if (is_in_order && sequence < sequence_next_) {
    return "a stream that skips delivered an older message after a newer";
  }
  if (sequence >= sequence_next_) sequence_next_ = sequence + 1;
  return nullptr;
}

bool DeliveryCheck::is_complete() const {
  switch (promise_) {
    case Promise::kOrdered:
    case Promise::kUnordered:
      return delivered_ == offered_;
    case Promise::kLatest:
      return sequence_next_ == offered_;
    case Promise::kDeadline:
    case Promise::kUnreliable:
      return true;
  }
  return false;
}

}  // namespace hyperroute::sim
