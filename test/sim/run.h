// What every part of a simulation shares: the virtual clock, the trace and the first violation.
// One Run is one seed; nothing in it depends on the wall clock, on addresses or on hash order, so
// the same seed gives the same trace hash, which main.cc checks on a sample.
// Thread: the simulator's only one.
#pragma once

#include <cinttypes>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <string>

namespace hyperroute::sim {

inline constexpr uint64_t kMicrosecondNs = 1'000;
inline constexpr uint64_t kMillisecondNs = 1'000'000;
inline constexpr uint64_t kSecondNs = 1'000'000'000;

class Trace {
 public:
  explicit Trace(bool prints) noexcept : prints_(prints) {}

  // Order and content of all events go into the hash; the text only where somebody reads along.
  void event(uint64_t at_ns, const char* kind, uint64_t first = 0, uint64_t second = 0,
             uint64_t third = 0) noexcept {
    for (const char* at = kind; *at != '\0'; ++at) mix(static_cast<uint8_t>(*at));
    mix(at_ns);
    mix(first);
    mix(second);
    mix(third);
    if (prints_) {
      std::printf("%14.6f ms  %-18s %" PRIx64 " %" PRIx64 " %" PRIu64 "\n",
                  static_cast<double>(at_ns) / 1e6, kind, first, second, third);
    }
  }

  bool prints() const noexcept { return prints_; }
  uint64_t hash() const noexcept { return hash_; }

 private:
  void mix(uint64_t word) noexcept {
    hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15u;
    hash_ ^= hash_ >> 29;
  }

  uint64_t hash_ = 0x243f6a8885a308d3u;
  bool prints_;
};

struct Run {
  Run(uint64_t seed_value, bool prints) noexcept : seed(seed_value), trace(prints) {}

  // The first violation stays: what follows it is mostly its echo.
  void fail(const char* format, ...) noexcept __attribute__((format(printf, 2, 3))) {
    if (failed) return;
    failed = true;
    char text[900];
    va_list arguments;
    va_start(arguments, format);
    if (std::vsnprintf(text, sizeof text, format, arguments) < 0) text[0] = '\0';
    va_end(arguments);
    char line[960];
    std::snprintf(line, sizeof line, "at %.6f ms: %s", static_cast<double>(now_ns) / 1e6, text);
    violation = line;
  }

  uint64_t seed;
  uint64_t now_ns = kSecondNs;  // not 0, so that a forgotten time stamp shows
  bool failed = false;
  std::string violation;
  Trace trace;
};

}  // namespace hyperroute::sim
