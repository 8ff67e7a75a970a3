// What the host's own pauses would cost any link: two threads spin on the CPUs of a pair, each
// notes when it was stopped, and a schedule is played over what they noted. Beside the figures of
// the open loop it tells how much of a tail is the host's.
//
// Played is a link without latency that never loses anything: a sender and a receiver in a row,
// each of which carries the link's maximum, and nothing while its CPU stands still.
// Thread: main.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "bench/native/options.h"
#include "bench/native/output.h"
#include "bench/native/pair.h"
#include "bench/native/samples.h"

namespace hyperroute::links {

struct Pause {
  uint64_t from_ns;
  uint64_t until_ns;
};

// Two readings of the clock lie some 30 ns apart; what takes longer than this was a pause.
inline constexpr uint64_t kPauseNsMin = 2'000;
inline constexpr size_t kPauseCountMax = 1'000'000;
inline constexpr uint64_t kStepNs = 1'000;

inline std::vector<Pause> watch_pauses(uint32_t cpu, uint64_t until_ns) {
  pin_or_fail(cpu);
  std::vector<Pause> pauses;
  pauses.reserve(kPauseCountMax);
  uint64_t last_ns = monotonic_ns();
  while (last_ns < until_ns) {
    const uint64_t now_ns = monotonic_ns();
    if (now_ns - last_ns >= kPauseNsMin && pauses.size() < kPauseCountMax) {
      pauses.push_back({last_ns, now_ns});
    }
    last_ns = now_ns;
  }
  return pauses;
}

// One end in the row: takes a step's worth of what lies before it, unless its CPU stands still.
class PausedEnd {
 public:
  explicit PausedEnd(const std::vector<Pause>& pauses) : pauses_(pauses) {}

  double step(uint64_t now_ns, double before) {
    while (next_ < pauses_.size() && pauses_[next_].until_ns <= now_ns) ++next_;
    const bool is_paused = next_ < pauses_.size() && pauses_[next_].from_ns <= now_ns;
    if (!is_paused) done_ = std::min(before, done_ + 1);
    return done_;
  }

 private:
  const std::vector<Pause>& pauses_;
  size_t next_ = 0;
  double done_ = 0;
};

// A sample for each step of the schedule: how long after its time what it offered was taken.
inline void play(const std::vector<Pause>& sender, const std::vector<Pause>& receiver,
                 uint64_t start_ns, double share, uint32_t step_count, Samples& samples) {
  // Sums of the same shares in another order differ by this little.
  constexpr double kRounding = 1e-6;
  PausedEnd sending(sender);
  PausedEnd receiving(receiver);
  uint32_t taken_count = 0;
  for (uint64_t step = 0; taken_count < step_count; ++step) {
    const uint64_t now_ns = start_ns + step * kStepNs;
    const double offered = share * static_cast<double>(std::min<uint64_t>(step + 1, step_count));
    const double taken = receiving.step(now_ns, sending.step(now_ns, offered));
    while (taken_count < step_count && share * (taken_count + 1) <= taken + kRounding) {
      samples.add(ns_to_ticks((step - taken_count) * kStepNs));
      ++taken_count;
    }
  }
}

// `share` of the maximum, for `duration_us`.
inline void measure_host_pauses(Output& output, const std::string& name, const std::string& subject,
                                const uint32_t (&cpus)[2], double share, uint32_t duration_us) {
  const uint64_t start_ns = monotonic_ns();
  const uint64_t until_ns = start_ns + uint64_t{duration_us} * 1'000;
  std::vector<Pause> receiver;
  std::thread receiving([&] { receiver = watch_pauses(cpus[1], until_ns); });
  const std::vector<Pause> sender = watch_pauses(cpus[0], until_ns);
  receiving.join();
  const uint32_t step_count = std::max(1u, duration_us);
  Samples samples(step_count);
  play(sender, receiver, start_ns, share, step_count, samples);
  output.add_latency(name, subject, samples, 0);
}

}  // namespace hyperroute::links
