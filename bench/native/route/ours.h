// The step as a worker calls it: decide, claim, transform.
//
// Thread: main.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bench/native/route/traffic.h"
#include "route/correlation.h"
#include "route/image.h"
#include "route/step.h"

namespace hyperroute {

class OurRouter {
 public:
  static constexpr const char* kName = "ours";

  // The image outlives this.
  explicit OurRouter(const RouteImage& image);

  Routed route(const RouteInput& input, Sink& sink);
  // At most kPrefetchCountMax messages, that are routed next.
  void prefetch(std::span<const RouteInput> inputs);

 private:
  void make_tables();

  const RouteImage& image_;
  std::vector<uint32_t> positions_;
  std::vector<uint8_t> alive_;
  std::vector<EndpointLoad> loads_;
  std::vector<uint8_t> scratch_;
  std::vector<uint32_t> tap_counts_;
  std::unique_ptr<FanOut> fan_out_;
  std::vector<std::unique_ptr<CorrelationTable>> tables_;
  std::vector<CorrelationTable*> table_pointers_;
  // As the engine does: only where a table is far away.
  bool prefetches_ = false;
  Correlating correlating_;
  StepState state_;
};

// Ends the program when the image is refused.
RouteImage load_image(std::span<const uint8_t> bytes);

}  // namespace hyperroute
