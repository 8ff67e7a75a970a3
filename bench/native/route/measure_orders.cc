// The order flow, one message at a time and in bursts.
#include "bench/native/route/measure_orders.h"

#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "bench/native/allocations.h"
#include "bench/native/options.h"
#include "bench/native/route/order_session.h"

namespace hyperroute {
namespace {

constexpr uint64_t kSeed = 0x2545F4914F6CDD1D;
constexpr uint32_t kComparedCycleCount = 500;

const char* name_of(OrderStep step) {
  switch (step) {
    case OrderStep::kNew:
      return "new order";
    case OrderStep::kReport:
      return "report";
    case OrderStep::kReplace:
      return "replace";
    default:
      return "last report";
  }
}

struct Trader {
  RouteSubject* subject;
  std::unique_ptr<OrderSession> session;

  void step(OrderStep step) {
    subject->run(session->make(step));
    session->learn(step, subject->results());
  }
};

// Both start with the same orders and choose alike, so they are asked the same.
void compare(std::span<Trader> traders) {
  for (uint32_t cycle = 0; cycle < kComparedCycleCount; ++cycle) {
    for (const OrderStep step : kOrderSteps) {
      for (Trader& trader : traders) trader.step(step);
      const std::span<const Routed> ours = traders.front().subject->results();
      for (Trader& trader : traders.subspan(1)) {
        const std::span<const Routed> theirs = trader.subject->results();
        for (uint32_t at = 0; at < kBurstCount; ++at) {
          const bool is_same = ours[at].endpoint == theirs[at].endpoint &&
                               ours[at].bytes == theirs[at].bytes &&
                               std::memcmp(ours[at].output, theirs[at].output, ours[at].bytes) == 0;
          if (!is_same) fail(1, "a %s of '%s' differs", name_of(step), trader.subject->name());
        }
      }
    }
  }
}

class OrderMeasurement {
 public:
  OrderMeasurement(const RouteRun& run, double clock_ns) : run_(run), clock_ns_(clock_ns) {}

  void round(Trader& trader, bool in_bursts, Output& output) {
    const uint32_t cycles = run_.pass_count;
    const uint32_t sample_count = in_bursts ? cycles : cycles * kBurstCount;
    std::vector<Samples> samples;
    for (size_t step = 0; step < std::size(kOrderSteps); ++step) samples.emplace_back(sample_count);
    uint64_t allocations[std::size(kOrderSteps)] = {};
    for (uint32_t cycle = 0; cycle < cycles; ++cycle) {
      for (size_t at = 0; at < std::size(kOrderSteps); ++at) {
        const OrderStep step = kOrderSteps[at];
        const std::span<const RouteInput> inputs = trader.session->make(step);
        const uint64_t allocated = allocation_count();
        if (in_bursts) {
          const uint64_t before = ticks();
          trader.subject->run(inputs);
          samples[at].add(ticks() - before);
        } else {
          trader.subject->run_timed(inputs, samples[at]);
        }
        allocations[at] += allocation_count() - allocated;
        trader.session->learn(step, trader.subject->results());
      }
    }
    for (size_t at = 0; at < std::size(kOrderSteps); ++at) {
      const std::string name = std::string(run_.name) + ", " + name_of(kOrderSteps[at]) +
                               (in_bursts ? ": bursts of 32" : ": one at a time");
      output.add_latency(name, trader.subject->name(), samples[at], clock_ns_,
                         {.operation_count = in_bursts ? kBurstCount : 1,
                          .counts_allocations = true,
                          .allocations = allocations[at]});
    }
  }

 private:
  const RouteRun& run_;
  double clock_ns_;
};

}  // namespace

void measure_orders(std::span<RouteSubject* const> subjects, uint32_t live_count,
                    const RouteRun& run, double clock_ns, Output& output) {
  std::vector<Trader> traders;
  for (RouteSubject* const subject : subjects) {
    Trader& trader =
        traders.emplace_back(Trader{subject, std::make_unique<OrderSession>(live_count, kSeed)});
    while (trader.session->live_count() < live_count) trader.step(OrderStep::kNew);
  }
  compare(traders);
  OrderMeasurement measurement(run, clock_ns);
  // The first round only warms up.
  Output discarded;
  for (uint32_t round = 0; round <= run.round_count; ++round) {
    Output& to = round == 0 ? discarded : output;
    for (const bool in_bursts : {false, true}) {
      for (size_t turn = 0; turn < traders.size(); ++turn) {
        measurement.round(traders[(turn + round) % traders.size()], in_bursts, to);
      }
    }
  }
}

}  // namespace hyperroute
