// Walks a message all the way through an image, as the engine does when every queue has room.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "route/correlate_datapath.h"
#include "route/image.h"
#include "route/step.h"

namespace hyperroute {

// What changes while an image runs, everything alive at first.
struct WalkState {
  explicit WalkState(const RouteImage& image)
      : positions(image.summary().pool_count, 0),
        alive(image.summary().endpoint_count, kAlive),
        loads(image.summary().endpoint_count),
        scratch(kScratchBytes, 0xA5),
        tap_counts(image.summary().tap_count, 0) {
    for (uint32_t index = 0; index < image.summary().correlation_count; ++index) {
      CorrelationRecord record = image.tables().correlations[index];
      // So that a full one is met soon.
      record.capacity = std::min(record.capacity, 8u);
      auto table = CorrelationTable::create(record, 0);
      HR_ASSERT(table.ok());
      owned.push_back(table.take());
      tables.push_back(owned.back().get());
    }
    correlating.tables = tables.data();
  }

  StepState step() {
    return StepState{.pool_positions = positions.data(),
                     .alive = alive.data(),
                     .load = loads.data(),
                     .scratch = scratch.data(),
                     .random = random,
                     .fan_out = &fan_out,
                     .tap_counts = tap_counts.data(),
                     .correlating = &correlating};
  }

  std::vector<uint32_t> positions;
  std::vector<uint8_t> alive;
  std::vector<EndpointLoad> loads;
  std::vector<uint8_t> scratch;
  uint64_t random = random_state(0);
  std::vector<uint32_t> tap_counts;
  FanOut fan_out{};
  std::vector<std::unique_ptr<CorrelationTable>> owned;
  std::vector<CorrelationTable*> tables;
  Correlating correlating;
  uint64_t now_ns = 0;
};

struct Walk {
  Decision decision;
  Decision reject;
  uint32_t reject_code = 0;
  TransformResult transform{0, {kNoIndex, 0, 0}};
  std::vector<uint8_t> output;  // What leaves, to the destination or as a reject; else empty.
};

inline uint32_t walk_output(const RouteImage& image, const StepState& step,
                            const Delivery& delivery, const StepMessage& message,
                            const TransformContext& context, Walk& walk) {
  walk.output.assign(delivery.output_bytes, 0xA5);
  if (delivery.transform == kNoIndex) {
    walk.output.assign(message.data, message.data + message.bytes);
    return 0;
  }
  walk.transform = run_transform(image, step, delivery.transform, message, context, walk.output);
  if (walk.transform.reject_code != 0) walk.output.clear();
  return walk.transform.reject_code;
}

// The message's bytes are copied to a buffer of exactly its size, so that a sanitizer sees any
// read behind its end.
inline Walk walk(const RouteImage& image, WalkState& state, uint16_t source,
                 const std::vector<uint8_t>& bytes, uint64_t return_address = 0) {
  const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
  StepMessage message{copy.data(), static_cast<uint32_t>(copy.size()), source};
  StepState step = state.step();
  Walk result{};
  result.decision = decide(image, step, message);
  state.random = step.random;
  result.reject_code = result.decision.reject_code;
  if (result.decision.outcome == Outcome::kDeliver) {
    result.reject_code =
        walk_output(image, step, result.decision.first, message, {return_address, 0}, result);
  }
  if (result.reject_code == 0) {
    const uint64_t destination = result.decision.first.endpoint;
    settle_correlations(step, result.decision, {return_address, destination, state.now_ns});
    return result;
  }
  result.reject = decide_reject(image, step, message, result.decision);
  state.random = step.random;
  if (result.reject.outcome != Outcome::kDeliver) return result;
  (void)walk_output(image, step, result.reject.first, message, {return_address, result.reject_code},
                    result);
  return result;
}

}  // namespace hyperroute
