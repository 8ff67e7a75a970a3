// What a worker does when a cycle found nothing to do: spin, yield, back off or sleep.
//
// `block`, the default, spins briefly (a reply is often microseconds away) and then sleeps in the
// kernel until a socket, a producer or a timer wakes it. `backoff` does the same in steps and
// never sleeps longer than a millisecond. `yield` gives the CPU away, `spin` never does.
#pragma once

#include <cstdint>

namespace hyperroute {

enum class IdleMode : uint8_t { kSpin, kYield, kBackoff, kBlock };

class IdleStrategy {
 public:
  enum class Action : uint8_t { kPause, kYield, kSleep };

  IdleStrategy(IdleMode mode, uint64_t spin_ns) : mode_(mode), spin_ns_(spin_ns) {}

  void reset() { idle_since_ns_ = 0; }

  // What to do after one more cycle without work.
  Action next(uint64_t now_ns) {
    if (idle_since_ns_ == 0) idle_since_ns_ = now_ns;
    idle_ns_ = now_ns - idle_since_ns_;
    switch (mode_) {
      case IdleMode::kSpin:
        return Action::kPause;
      case IdleMode::kYield:
        return Action::kYield;
      case IdleMode::kBackoff:
        if (idle_ns_ < spin_ns_) return Action::kPause;
        return idle_ns_ < 4 * spin_ns_ ? Action::kYield : Action::kSleep;
      case IdleMode::kBlock:
        break;
    }
    return idle_ns_ < spin_ns_ ? Action::kPause : Action::kSleep;
  }

  // The longest the sleep that follows may last, whatever the timers say: `backoff` sleeps a
  // quarter of the time it has been idle, up to a millisecond.
  [[nodiscard]] uint64_t sleep_ns_max() const {
    if (mode_ != IdleMode::kBackoff) return UINT64_MAX;
    const uint64_t quarter_ns = idle_ns_ / 4;
    return quarter_ns < kBackoffNsMax ? quarter_ns : kBackoffNsMax;
  }

 private:
  static constexpr uint64_t kBackoffNsMax = 1'000'000;

  const IdleMode mode_;
  const uint64_t spin_ns_;
  uint64_t idle_since_ns_ = 0;
  uint64_t idle_ns_ = 0;
};

}  // namespace hyperroute
