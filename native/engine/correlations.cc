// What is counted of correlations. Thread: the worker that has the table.
#include "engine/correlations.h"

#include "engine/correlated_datapath.h"

namespace hyperroute {
namespace {

void publish(std::atomic<uint64_t>* counter, uint64_t counted, uint64_t& published) noexcept {
  if (counted == published) return;
  count(counter, counted - published);
  published = counted;
}

}  // namespace

void publish_counts(KeptTable& kept, const CorrelationCounters& counters) noexcept {
  const CorrelationCounts& counts = kept.table->counts();
  CorrelationCounts& published = kept.published;
  set_word(*counters.open, kept.table->open_count());
  publish(counters.opened, counts.opened, published.opened);
  publish(counters.closed, counts.closed, published.closed);
  publish(counters.timed_out, counts.timed_out, published.timed_out);
  publish(counters.evicted, counts.evicted, published.evicted);
  publish(counters.not_found, counts.not_found, published.not_found);
  publish(counters.refused, counts.refused, published.refused);
}

void entry_removed(void* context, uint64_t destination, Removal removal) {
  const auto& cycle = *static_cast<const Cycle*>(context);
  const Destination* const found = find_destination(*cycle.view, destination);
  if (found == nullptr) return;
  switch (removal) {
    case Removal::kClosed:
      return found->control->note_answer();
    case Removal::kTimedOut:
      return found->control->note_timeout();
    case Removal::kEvicted:
      return found->control->note_forgotten();
  }
}

}  // namespace hyperroute
