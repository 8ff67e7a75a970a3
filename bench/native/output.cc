// Formatting of rounds as JSON.
#include "bench/native/output.h"

#include <cinttypes>
#include <cstdio>

#include "base/clock.h"

namespace hyperroute {
namespace {

constexpr uint32_t kClockReadCount = 200'000;
constexpr uint32_t kMedianIndex = 3;
static_assert(kLevels[kMedianIndex] == 50);

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

void Output::open_round(const std::string& name, const std::string& subject, const char* unit,
                        uint64_t sample_count) {
  if (!rounds_.empty()) rounds_ += ",\n";
  rounds_ += "{\"case\":\"" + name + "\",\"subject\":\"" + subject + "\",\"unit\":\"" + unit +
             "\",\"n\":" + std::to_string(sample_count);
}

void Output::add_latency(const std::string& name, const std::string& subject, Samples& samples,
                         double cost_ns, const RoundDetail& detail) {
  double values_ns[kLevelCount];
  samples.summarise(cost_ns, values_ns);
  open_round(name, subject, "ns", uint64_t{samples.count()} * detail.operation_count);
  if (detail.bytes != 0) rounds_ += ",\"bytes\":" + std::to_string(detail.bytes);
  if (detail.counts_allocations) {
    rounds_ += ",\"allocations\":" + std::to_string(detail.allocations);
  }
  rounds_ += ",\"values\":[";
  for (uint32_t index = 0; index < kLevelCount; ++index) {
    if (index > 0) rounds_ += ",";
    rounds_ += number("%.2f", values_ns[index] / detail.operation_count);
  }
  rounds_ += "]}";
}

void Output::add_rate(const std::string& name, const std::string& subject, uint64_t message_count,
                      uint64_t elapsed_ns) {
  constexpr double kNsPerSecond = 1e9;
  const double rate =
      static_cast<double>(message_count) * kNsPerSecond / static_cast<double>(elapsed_ns);
  open_round(name, subject, "msg/s", message_count);
  rounds_ += ",\"rate\":" + number("%.0f", rate) + "}";
}

void Output::add_figure(const std::string& name, const std::string& subject, const char* unit,
                        double value) {
  open_round(name, subject, unit, 1);
  rounds_ += ",\"values\":[";
  for (uint32_t index = 0; index < kLevelCount; ++index) {
    if (index > 0) rounds_ += ",";
    rounds_ += number("%.3f", value);
  }
  rounds_ += "]}";
}

bool Output::print() const {
  std::string text = "{\"levels\":[";
  for (uint32_t index = 0; index < kLevelCount; ++index) {
    if (index > 0) text += ",";
    text += number("%g", kLevels[index]);
  }
  text += "],\"rounds\":[\n" + rounds_ + "\n]}\n";
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

double add_clock(Output& output) {
  Samples samples(kClockReadCount);
  uint64_t before = ticks();
  for (uint32_t read = 0; read < kClockReadCount; ++read) {
    const uint64_t after = ticks();
    samples.add(after - before);
    before = after;
  }
  output.add_latency("clock", "ours", samples, 0);
  double values_ns[kLevelCount];
  samples.summarise(0, values_ns);
  return values_ns[kMedianIndex];
}

}  // namespace hyperroute
