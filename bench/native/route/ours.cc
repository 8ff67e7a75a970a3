// The step, with the state that a worker keeps for it.
#include "bench/native/route/ours.h"

#include <algorithm>
#include <cstring>

#include "bench/native/options.h"
#include "route/correlate_datapath.h"

namespace hyperroute {
namespace {

Routed rejected(uint32_t code) {
  return {.output = nullptr,
          .bytes = 0,
          .endpoint = kNowhere,
          .reject_code = static_cast<uint16_t>(code)};
}

}  // namespace

OurRouter::OurRouter(const RouteImage& image)
    : image_(image),
      positions_(image.summary().pool_count),
      alive_(image.summary().endpoint_count, kAlive),
      loads_(image.summary().endpoint_count),
      scratch_(kScratchBytes),
      tap_counts_(image.summary().tap_count),
      fan_out_(std::make_unique<FanOut>()) {
  state_.pool_positions = positions_.data();
  state_.alive = alive_.data();
  state_.load = loads_.data();
  state_.scratch = scratch_.data();
  state_.fan_out = fan_out_.get();
  state_.tap_counts = tap_counts_.data();
  make_tables();
  correlating_.tables = table_pointers_.data();
  state_.correlating = &correlating_;
}

void OurRouter::make_tables() {
  const Table<CorrelationRecord>& records = image_.tables().correlations;
  for (uint32_t index = 0; index < records.count; ++index) {
    Result<std::unique_ptr<CorrelationTable>> made = CorrelationTable::create(records[index], 0);
    if (!made.ok()) fail(1, "no memory for a correlation");
    tables_.push_back(made.take());
    table_pointers_.push_back(tables_.back().get());
    prefetches_ |= tables_.back()->bytes() > kNearTableBytesMax;
  }
}

void OurRouter::prefetch(std::span<const RouteInput> inputs) {
  if (!prefetches_) return;
  StepMessage messages[kPrefetchCountMax];
  const size_t count = std::min<size_t>(inputs.size(), kPrefetchCountMax);
  for (size_t index = 0; index < count; ++index) {
    const RouteInput& input = inputs[index];
    messages[index] = {.data = input.data, .bytes = input.bytes, .source = input.source};
  }
  hyperroute::prefetch(image_, state_, std::span(messages, count));
}

Routed OurRouter::route(const RouteInput& input, Sink& sink) {
  StepMessage message{.data = input.data, .bytes = input.bytes, .source = input.source};
  const Decision decision = decide(image_, state_, message);
  if (decision.outcome != Outcome::kDeliver) [[unlikely]]
    return rejected(decision.reject_code);
  const Delivery& delivery = decision.first;
  // Addresses are the numbers of endpoints here.
  const auto endpoint = delivery.target == TargetKind::kCorrelated
                            ? static_cast<uint16_t>(delivery.return_address)
                            : delivery.endpoint;
  uint8_t* const slot = sink.claim(endpoint, delivery.output_bytes);
  if (delivery.transform == kNoIndex) {
    std::memcpy(slot, message.data, message.bytes);
  } else {
    const TransformContext context{.return_address = kReturnAddress, .reject_code = 0};
    const TransformResult result = run_transform(image_, state_, delivery.transform, message,
                                                 context, {slot, delivery.output_bytes});
    if (result.reject_code != 0) [[unlikely]]
      return rejected(result.reject_code);
  }
  if (decision.correlates != 0) {
    const SentMessage sent{.source = input.source, .destination = endpoint, .now_ns = 0};
    settle_correlations(state_, decision, sent);
  }
  return {.output = slot, .bytes = delivery.output_bytes, .endpoint = endpoint, .reject_code = 0};
}

RouteImage load_image(std::span<const uint8_t> bytes) {
  RouteImage image;
  const Status status = RouteImage::load(bytes, image);
  if (!status.ok()) fail(1, "the route image is refused: %s", status.context);
  return image;
}

}  // namespace hyperroute
