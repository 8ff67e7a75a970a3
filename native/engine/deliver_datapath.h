// Brings one message to its destinations: claim → transform → seal → commit.
//
// Thread: the worker that owns the source. Data path: behind the decision. One destination is
// claimed and committed at once. Several are claimed and written one after the other, and become
// visible only when all that must be there are; else none of them does.
#pragma once

#include <cstdint>

#include "engine/duty_cycle.h"
#include "route/step.h"

namespace hyperroute {

// What deliver() answers besides the reject codes, which start at 1.
inline constexpr uint32_t kDelivered = 0;
inline constexpr uint32_t kHold = UINT32_MAX;             // Nothing has happened; try again later.
inline constexpr uint32_t kNothingSent = UINT32_MAX - 1;  // All was on best effort, and skipped.

// A message in hand and where it came from.
struct Inbound {
  const RxView& view;
  StepMessage message;
  uint8_t slot;
  uint64_t rx_ticks;
};

// Sends what a decision of outcome kDeliver says. `reject_code`: of the message whose notice this
// is, or 0.
[[nodiscard]] uint32_t deliver(Cycle& cycle, const Inbound& inbound, const Decision& decision,
                               uint32_t reject_code);

// A message is done with that is not rejected: counts the copies that were left out, lets its taps
// count it, opens and closes entries. `destination`: the address that an opened entry waits for.
void settle_message(Cycle& cycle, const Inbound& inbound, const Decision& decision,
                    uint32_t skipped_count, uint64_t destination);

}  // namespace hyperroute
