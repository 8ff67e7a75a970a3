// Whether what one stream delivers keeps its mode's promise: the oracle of the simulation. It
// knows what was offered and sees what arrives, and nothing of how the core works.
// Thread: the simulator's only one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/payload.h"

namespace hyperroute::sim {

enum class Promise : uint8_t { kOrdered, kUnordered, kLatest, kDeadline, kUnreliable };

class DeliveryCheck {
 public:
  DeliveryCheck(Promise promise, const PayloadPlan& plan) : promise_(promise), plan_(plan) {}

  const PayloadPlan& plan() const { return plan_; }
  Promise promise() const { return promise_; }
  uint32_t offered() const { return offered_; }
  uint32_t delivered() const { return delivered_; }

  // The next message in order was taken by the core.
  void on_offered();
  // A message was handed out; the answer is null or what is wrong with it.
  [[nodiscard]] const char* on_delivered(std::span<const uint8_t> message);
  // Whether all that this stream promises to deliver has been delivered.
  [[nodiscard]] bool is_complete() const;

 private:
  const char* on_ordered(std::span<const uint8_t> message);
  const char* on_tiny(std::span<const uint8_t> message);
  const char* on_identified(std::span<const uint8_t> message);

  Promise promise_;
  PayloadPlan plan_;
  uint32_t offered_ = 0;
  uint32_t delivered_ = 0;
  uint32_t sequence_next_ = 0;  // behind the newest delivered one
  std::vector<bool> seen_;
  // By size, of those too small to tell apart: how many were offered and not yet delivered.
  uint32_t tiny_open_[kIdentifiedBytesMin] = {};
};

}  // namespace hyperroute::sim
