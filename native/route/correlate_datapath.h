// What messages do with correlation tables: find an entry, fill in the one that their rule opens,
// and, when they have been sent, open and close.
//
// Thread: the worker that has the tables. Data path: lookups behind the checks, the rest for rules
// that open or close. The loader has shown that every field lies within its message's view.
#pragma once

#include <cstdint>
#include <cstring>

#include "codec/field_datapath.h"
#include "include/hyperroute/codes.h"
#include "route/correlation.h"
#include "route/image.h"
#include "route/plan_datapath.h"
#include "route/step.h"

namespace hyperroute {

// Writes fields as words of 8 bytes: numbers as they are, bytes with zeros behind them.
inline void keep_fields(const RouteImage& image, uint32_t first, uint32_t count,
                        const uint8_t* view, uint64_t* words) noexcept {
  const KeptPlan* const plans = image.plan().kept(first);
  for (uint32_t index = 0; index < count; ++index) {
    if (plans[index].is_planned) [[likely]] {
      *words++ = load_planned(view, plans[index].field);
      continue;
    }
    const KeptFieldRecord& field = image.tables().kept_fields[first + index];
    if (field.kind == KeptKind::kNumber) {
      *words++ = load_field(view + field.offset, field.load);
      continue;
    }
    const uint32_t word_count = kept_words(field);
    words[word_count - 1] = 0;
    std::memcpy(words, view + field.offset, field.bytes);
    words += word_count;
  }
}

// Notes what the route's lookup finds for the message. Returns 0 or the reject code.
[[nodiscard, gnu::noinline]] inline uint32_t look_up(const RouteImage& image,
                                                     const StepState& state,
                                                     const StepMessage& message,
                                                     const LookupRecord& lookup) noexcept {
  Correlating& correlating = *state.correlating;
  CorrelationTable& table = *correlating.tables[lookup.correlation];
  uint64_t key[kCorrelationKeyWordsMax];
  keep_fields(image, lookup.fields, lookup.field_count, message.view, key);
  const uint32_t found = lookup.by == LookupBy::kId ? table.find_id(key[0]) : table.find_key(key);
  if (found == kNoEntry) [[unlikely]] {
    table.count_not_found();
    return static_cast<uint32_t>(RejectCode::kNotCorrelated);
  }
  correlating.found_in = &table;
  correlating.found = found;
  correlating.found_id = table.id_of(found);
  correlating.saved = table.saved_of(found);
  return 0;
}

// Writes the entry that the message will open. Nothing has happened before it is opened. Returns
// 0 or the reject code.
[[nodiscard]] inline uint32_t reserve_entry(const RouteImage& image, const StepState& state,
                                            const StepMessage& message, uint32_t index) noexcept {
  const OpeningRecord& opening = image.tables().openings[index];
  Correlating& correlating = *state.correlating;
  CorrelationTable& table = *correlating.tables[opening.correlation];
  const uint32_t entry = table.reserve();
  if (entry == kNoEntry) [[unlikely]]
    return static_cast<uint32_t>(RejectCode::kCorrelationFull);
  keep_fields(image, opening.fields, uint32_t{opening.key_count} + opening.saved_count,
              message.view, table.entry(entry).words());
  table.prepare(entry);
  correlating.opens_in = &table;
  correlating.opening_id = table.reserved_id(entry);
  return 0;
}

// Where the message that opened the entry came from, or where it went.
[[nodiscard]] inline uint64_t found_address(const StepState& state, bool is_source) noexcept {
  const Correlating& correlating = *state.correlating;
  const CorrelationEntry& entry = correlating.found_in->entry(correlating.found);
  return is_source ? entry.source : entry.destination;
}

// Where a message came from and where it went, as the engine will read it again, and when.
struct SentMessage {
  uint64_t source;
  uint64_t destination;
  uint64_t now_ns;
};

// The message of `decision`, the one decided last, has been sent, or discarded as it should be:
// opens and closes what its rule says.
inline void settle_correlations(const StepState& state, const Decision& decision,
                                const SentMessage& sent) noexcept {
  const Correlating& correlating = *state.correlating;
  if ((decision.correlates & kOpensEntry) != 0) {
    correlating.opens_in->open(sent.source, sent.destination, sent.now_ns);
  }
  // The one just opened may have evicted it; then there is nothing to close.
  if ((decision.correlates & kClosesEntry) != 0) {
    correlating.found_in->close(correlating.found_id);
  }
}

}  // namespace hyperroute
