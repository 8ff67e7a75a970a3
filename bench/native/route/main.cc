// Which routers take part in which flow.
#include "bench/native/route/main.h"

#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "base/cpu.h"
#include "bench/native/options.h"
#include "bench/native/route/measure.h"
#include "bench/native/route/measure_orders.h"
#include "bench/native/route/orders.h"
#include "bench/native/route/ours.h"
#include "bench/native/route/stateless.h"
#include "bench/native/route/subject.h"
#include "bench/native/route/traffic.h"
#include "route/image.h"

namespace hyperroute {
namespace {

constexpr uint32_t kRoundCountMax = 1'000;
constexpr uint32_t kPassCountMax = 100'000;
constexpr uint32_t kLiveMax = 10'000'000;

uint32_t parse_count(const char* text, uint32_t high, uint32_t low = 0) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < low || value > high) {
    fail(2, "not a number from %u to %u: '%s'", low, high, text);
  }
  return static_cast<uint32_t>(value);
}

void bench_orders(const RouteImage& image, uint32_t live_count, const RouteRun& run,
                  Output& output) {
  if (image.tables().correlations.count != 1) fail(1, "one correlation is expected");
  const uint32_t endpoint_count = image.summary().endpoint_count;
  SubjectOf<OurRouter> ours(endpoint_count, image);
  SubjectOf<OrderRouter> by_hand(endpoint_count, image.tables().correlations[0].capacity);
  RouteSubject* const subjects[] = {&ours, &by_hand};
  const double clock_ns = add_clock(output);
  measure_orders(subjects, live_count, run, clock_ns, output);
}

}  // namespace

void bench_route(int argument_count, char** arguments, Output& output) {
  if (argument_count != 7) fail(2, "expected FLOW CPU ROUNDS PASSES NAME IMAGE MESSAGES");
  const std::string_view flow = arguments[0];
  const uint32_t cpu = parse_count(arguments[1], UINT16_MAX);
  const RouteRun run{
      .name = arguments[4],
      .round_count = parse_count(arguments[2], kRoundCountMax),
      .pass_count = parse_count(arguments[3], kPassCountMax),
  };
  if (!pin_to_cpu(cpu).ok()) fail(1, "cannot run on CPU %u", cpu);
  const RouteImage image = load_image(read_file(arguments[5], kImageBytesMax));
  if (flow == "orders") {
    const uint32_t live_count = parse_count(arguments[6], kLiveMax, kBurstCount);
    return bench_orders(image, live_count, run, output);
  }
  const Traffic traffic(arguments[6]);

  const uint32_t endpoint_count = image.summary().endpoint_count;
  SubjectOf<OurRouter> ours(endpoint_count, image);
  std::vector<RouteSubject*> subjects{&ours};
  std::unique_ptr<RouteSubject> by_hand;
  if (flow == "stateless") {
    by_hand = std::make_unique<SubjectOf<StatelessRouter>>(endpoint_count, image);
    subjects.push_back(by_hand.get());
  } else if (flow != "alone") {
    fail(2, "no flow '%s'", arguments[0]);
  }
  check_routers(subjects, traffic.inputs());
  const double clock_ns = add_clock(output);
  measure_routers(subjects, traffic.inputs(), run, clock_ns, output);
}

}  // namespace hyperroute
