// The correlations that a worker serves: their tables, which outlive an image where the next one
// has the same correlation, and what is counted of them.
//
// Thread: made and freed by the control thread; while an image runs the worker that serves its
// messages has the table. Place on the data path: once a cycle.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "route/correlation.h"

namespace hyperroute {

// Counters of one correlation. The last is written by the control thread, the others by the worker.
#define HR_CORRELATION_COUNTERS(X)                                  \
  X(open)      /* gauge: entries that are open */                   \
  X(opened)    /* entries, since the router started, as the rest */ \
  X(closed)    /* by a rule */                                      \
  X(timed_out) /* without an answer */                              \
  X(evicted)   /* to make room */                                   \
  X(not_found) /* messages that belong to no entry */               \
  X(refused)   /* messages that found the table full */             \
  X(forgotten) /* entries lost by an update that changed or removed the table */

struct CorrelationCounters {
#define HR_COUNTER_FIELD(name) std::atomic<uint64_t>* name = nullptr;
  HR_CORRELATION_COUNTERS(HR_COUNTER_FIELD)
#undef HR_COUNTER_FIELD
};

// A table, and how much of its counts the counters have.
struct KeptTable {
  std::unique_ptr<CorrelationTable> table;
  CorrelationCounts published;
  uint32_t number = 0;  // From 1; no other table of the router has it.
};

// A correlation of an image at one worker.
struct CorrelationUse {
  std::shared_ptr<KeptTable> kept;
  CorrelationCounters counters;
};

// Worker. Adds what the table has counted since the last time.
void publish_counts(KeptTable& kept, const CorrelationCounters& counters) noexcept;

// For CorrelationTable::listen(): lets the destination know that nothing waits for it any more.
// `context`: the worker's Cycle.
void entry_removed(void* context, uint64_t destination, Removal removal);

}  // namespace hyperroute
