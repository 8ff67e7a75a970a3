// The step, with the state that a worker keeps for it.
#include "bench/native/route/ours.h"

#include <cstring>

#include "bench/native/options.h"

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
}

Routed OurRouter::route(const RouteInput& input, Sink& sink) {
  StepMessage message{.data = input.data, .bytes = input.bytes, .source = input.source};
  const Decision decision = decide(image_, state_, message);
  if (decision.outcome != Outcome::kDeliver) [[unlikely]]
    return rejected(decision.reject_code);
  const Delivery& delivery = decision.first;
  uint8_t* const slot = sink.claim(delivery.endpoint, delivery.output_bytes);
  if (delivery.transform == kNoIndex) {
    std::memcpy(slot, message.data, message.bytes);
  } else {
    const TransformContext context{.return_address = kReturnAddress, .reject_code = 0};
    const TransformResult result = run_transform(image_, state_, delivery.transform, message,
                                                 context, {slot, delivery.output_bytes});
    if (result.reject_code != 0) [[unlikely]]
      return rejected(result.reject_code);
  }
  return {.output = slot,
          .bytes = delivery.output_bytes,
          .endpoint = delivery.endpoint,
          .reject_code = 0};
}

RouteImage load_image(std::span<const uint8_t> octets) {
  RouteImage image;
  if (!RouteImage::load(octets, image).ok()) fail(1, "the route image is refused");
  return image;
}

}  // namespace hyperroute
