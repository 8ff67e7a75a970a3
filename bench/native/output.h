// The one JSON object that the executable prints: the percentile levels and every round.
// Thread: main. Place: after the measurement, never inside it.
#pragma once

#include <cstdint>
#include <string>

#include "bench/native/samples.h"

namespace hyperroute {

// What a round tells besides its latencies.
struct RoundDetail {
  uint32_t operation_count = 1;  // In each sample; the figures are of one.
  uint32_t bytes = 0;            // Of one encoded message; 0 where there are none.
  bool counts_allocations = false;
  uint64_t allocations = 0;  // In the whole round.
};

class Output {
 public:
  // A round of latencies. `name` and `subject` must need no escaping in JSON.
  void add_latency(const std::string& name, const std::string& subject, Samples& samples,
                   double cost_ns, const RoundDetail& detail = {});

  // A round of throughput: `message_count` messages in `elapsed_ns`.
  void add_rate(const std::string& name, const std::string& subject, uint64_t message_count,
                uint64_t elapsed_ns);

  // A round of which one figure came out, in any unit.
  void add_figure(const std::string& name, const std::string& subject, const char* unit,
                  double value);

  // Prints everything to stdout. False if that failed.
  [[nodiscard]] bool print() const;

 private:
  void open_round(const std::string& name, const std::string& subject, const char* unit,
                  uint64_t sample_count);

  std::string rounds_;
};

// Measures what reading the clock costs, as a round of its own; returns its median in ns, which
// every other figure is net of.
double add_clock(Output& output);

}  // namespace hyperroute
