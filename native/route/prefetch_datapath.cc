// What the correlations of a burst's messages will need from memory, asked for before it is needed:
// all places in an index first, then the entries that stand there, then their neighbours.
//
// Thread: the worker that has the tables. Data path: once a burst, where a table is large. Changes
// nothing.
#include <span>

#include "route/correlate_datapath.h"
#include "route/step.h"

namespace hyperroute {
namespace {

class Prefetcher {
 public:
  Prefetcher(const RouteImage& image, const StepState& state) noexcept
      : image_(image), state_(state) {}

  // A message and what its route does.
  void add(const StepMessage& message, const RoutePlan& route) noexcept {
    if (count_ == kPrefetchCountMax) return;
    if (route.lookup != nullptr) seek(message, *route.lookup);
    if (route.opening != nullptr) open(message, *route.opening);
  }

  void finish() noexcept {
    for (uint32_t index = 0; index < count_; ++index) {
      Sought& sought = sought_[index];
      if (sought.is_hash) sought.number = sought.table->prefetch_entry(sought.number);
    }
    for (uint32_t index = 0; index < count_; ++index) {
      const Sought& sought = sought_[index];
      if (sought.number != kNoEntry) sought.table->prefetch_close(sought.number);
    }
  }

 private:
  struct Sought {
    const CorrelationTable* table;
    uint32_t number;  // Hash of the key, then index of the entry.
    bool is_hash;
  };

  void seek(const StepMessage& message, const LookupRecord& lookup) noexcept {
    const CorrelationTable& table = *state_.correlating->tables[lookup.correlation];
    uint64_t key[kCorrelationKeyWordsMax];
    keep_fields(image_, lookup.fields, lookup.field_count, message.view, key);
    const bool by_key = lookup.by == LookupBy::kKey;
    const uint32_t number = by_key ? table.prefetch_slot(key) : table.prefetch_id(key[0]);
    sought_[count_++] = {&table, number, by_key};
  }

  void open(const StepMessage& message, const OpeningRecord& opening) noexcept {
    const CorrelationTable& table = *state_.correlating->tables[opening.correlation];
    if (opening.key_count != 0) {
      uint64_t key[kCorrelationKeyWordsMax];
      keep_fields(image_, opening.fields, opening.key_count, message.view, key);
      (void)table.prefetch_slot(key);
    }
    // Most bursts open entries of one table.
    if (opened_in_ != &table) opening_count_ = 0;
    opened_in_ = &table;
    table.prefetch_free(opening_count_++);
  }

  const RouteImage& image_;
  const StepState& state_;
  const CorrelationTable* opened_in_ = nullptr;
  uint32_t count_ = 0;
  uint32_t opening_count_ = 0;
  Sought sought_[kPrefetchCountMax];
};

}  // namespace

void prefetch(const RouteImage& image, const StepState& state,
              std::span<const StepMessage> messages) {
  Prefetcher prefetcher(image, state);
  for (StepMessage message : messages) {
    // The step finds it once more: what it shares with others costs it more than this costs.
    const SourcePlan& source = image.plan().source(message.source);
    const HeaderPlan* header = find_header(source, message);
    if (header == nullptr) header = find_header_by_member(image.tables(), source, message);
    if (header == nullptr || header->route == nullptr) continue;
    message.view = message.data;
    prefetcher.add(message, *header->route);
  }
  prefetcher.finish();
}

}  // namespace hyperroute
