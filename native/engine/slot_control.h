// What control says about the endpoint in a slot, and what the workers tell control about it.
//
// Thread: each group of words names who writes it; all are read from anywhere. Place on the data
// path: one load for each message (admission_datapath.h), more only where the endpoint has limits.
// The words outlive every image, so a swap changes none of them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "base/memory.h"
#include "route/step.h"

namespace hyperroute {

inline constexpr uint32_t kPriorityCount = 8;

// Counters of one endpoint beside the backend's. The first group is added to by any worker, the
// second is written by the control thread.
#define HR_CONTROL_COUNTERS(X)                                                      \
  X(shed)              /* messages not taken because their priority was too low */  \
  X(rate_limited)      /* messages over the rate */                                 \
  X(in_flight_limited) /* messages over the number that may be without an answer */ \
  X(state)             /* gauge: what control takes it for (lib/router/control) */  \
  X(share)             /* gauge: 0 none, 255 all of its messages */                 \
  X(ejections)         /* times it was left out by a pool */                        \
  X(trips)             /* times its breaker opened */                               \
  X(probes_failed)     /* probes without the expected answer */

struct ControlCounters {
#define HR_COUNTER_FIELD(name) std::atomic<uint64_t>* name = nullptr;
  HR_CONTROL_COUNTERS(HR_COUNTER_FIELD)
#undef HR_COUNTER_FIELD
};

// Which limits an endpoint has.
inline constexpr uint8_t kLimitShed = 1;
inline constexpr uint8_t kLimitRate = 2;
inline constexpr uint8_t kLimitInFlight = 4;
// It takes nothing from rules that name it; a pool that has nobody else may still send to it.
inline constexpr uint8_t kLimitShut = 128;

// Times of the rate limit are 256ths of a nanosecond, modulo 2^64, so that the interval of a
// million messages a second is exact to 1 in 250,000.
inline constexpr uint32_t kRateTickShift = 8;

// The most that a rate and its burst may be; lib/endpoints/control.ts has the same.
inline constexpr uint32_t kRatePerSecondMax = 10'000'000;
inline constexpr uint32_t kRateBurstMax = 1'000'000;

// Control's words stand on their own: no data is published with one, and one that is seen late
// applies late.
template <class Word>
inline Word word(const std::atomic<Word>& from) noexcept {
  // Relaxed: see above.
  return from.load(std::memory_order_relaxed);
}
template <class Word>
inline void set_word(std::atomic<Word>& to, std::type_identity_t<Word> value) noexcept {
  // Relaxed: see above.
  to.store(value, std::memory_order_relaxed);
}
// Where more than one worker writes.
template <class Word>
inline void add_word(std::atomic<Word>& to, std::type_identity_t<Word> amount) noexcept {
  // Relaxed: see above.
  to.fetch_add(amount, std::memory_order_relaxed);
}

struct LimitOptions {
  uint32_t rate_per_second = 0;  // 0: none.
  uint32_t rate_burst = 1;
  uint32_t in_flight_max = 0;  // 0: none.
  // By priority: with so many bytes waiting the endpoint takes none of them; UINT32_MAX: never so.
  std::array<uint32_t, kPriorityCount> shed_bytes{};
  bool sheds = false;
};

struct SlotControl {
  // Control thread.
  alignas(kCacheLineBytes) std::atomic<uint8_t> share{kAlive};
  std::atomic<uint8_t> limits{0};
  std::atomic<uint32_t> in_flight_max{0};
  std::atomic<uint64_t> rate_interval_ticks{0};
  std::atomic<uint64_t> rate_burst_ticks{0};
  std::array<std::atomic<uint32_t>, kPriorityCount> shed_bytes{};
  // Set before the slot is used, not changed while it is.
  ControlCounters counters;
  // Which of the endpoints that have the slot one after the other this is, modulo 2^24.
  std::atomic<uint32_t> instance{0};

  // The endpoint's worker.
  alignas(kCacheLineBytes) std::atomic<uint32_t> failures_in_row{0};
  std::atomic<uint32_t> failures{0};  // Modulo 2^32.
  // What the transport was given and has not sent: a connection's backlog, an application's ring.
  std::atomic<uint32_t> backlog_bytes{0};

  // Any worker.
  alignas(kCacheLineBytes) std::atomic<uint64_t> rate_position{0};
  std::atomic<uint32_t> outstanding{0};
  std::atomic<uint32_t> unanswered_in_row{0};
  std::atomic<uint32_t> unanswered{0};  // Modulo 2^32.

  // Control thread, before the slot's endpoint is attached: as if it were new.
  void reset() noexcept {
    set_word(instance, (word(instance) + 1) & 0xFFFFFF);
    set_word(share, kAlive);
    set_word(limits, 0);
    set_word(failures_in_row, 0);
    set_word(failures, 0);
    set_word(backlog_bytes, 0);
    set_word(outstanding, 0);
    set_word(unanswered_in_row, 0);
    set_word(unanswered, 0);
  }

  // Control thread. Apply to the messages that come after.
  void set_shut(bool is_shut) noexcept {
    const uint8_t others = word(limits) & static_cast<uint8_t>(~kLimitShut);
    set_word(limits, is_shut ? static_cast<uint8_t>(others | kLimitShut) : others);
  }
  void set_limits(const LimitOptions& options) noexcept;

  // Endpoint's worker. A send that its peer, or the way to it, made fail.
  // `row_min`: failures known to have come before it without a success in between.
  void note_failure(uint32_t row_min = 0) noexcept {
    set_word(failures_in_row, std::max(word(failures_in_row), row_min) + 1);
    set_word(failures, word(failures) + 1);
  }
  void note_success() noexcept {
    // Read first: the line stays where it is while all goes well.
    if (word(failures_in_row) != 0) [[unlikely]]
      set_word(failures_in_row, 0);
  }

  // Any worker. A message left that waits for an answer; the answer came; none came in time.
  void note_request() noexcept { add_word(outstanding, 1); }
  void note_answer() noexcept {
    add_word(outstanding, -1u);
    if (word(unanswered_in_row) != 0) [[unlikely]]
      set_word(unanswered_in_row, 0);
  }
  void note_timeout() noexcept {
    add_word(outstanding, -1u);
    add_word(unanswered_in_row, 1);
    add_word(unanswered, 1);
  }
  // Any worker. It does not wait any more, for a reason that says nothing about the endpoint.
  void note_forgotten() noexcept { add_word(outstanding, -1u); }
};

// What control reads of a slot.
struct SlotReport {
  bool live = false;
  uint32_t failures_in_row = 0;
  uint32_t failures = 0;
  uint32_t sent = 0;  // Messages given to the transport, modulo 2^32.
  uint32_t outstanding = 0;
  uint32_t unanswered_in_row = 0;
  uint32_t unanswered = 0;
};

}  // namespace hyperroute
