// Class maps: which class of a field's values a message's value belongs to.
//
// Thread: any (pure functions). Data path: the first half of a matcher. Within a class it makes no
// difference to any rule which value a message has, so all that follows works on class numbers:
// rows of bits and tables of rules are indexed by them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "codec/field_datapath.h"
#include "route/image.h"
#include "route/search_datapath.h"
#include "route/topic_map_datapath.h"

namespace hyperroute {

// Which bucket a key at or above the first bound belongs to.
inline uint32_t bucket_of(const MatchFieldRecord& field, uint64_t first_bound,
                          uint64_t key) noexcept {
  const uint64_t bucket = (key - first_bound) >> field.shift;
  return static_cast<uint32_t>(std::min<uint64_t>(bucket, field.bucket_count - 1));
}

// As count_not_above, but only the bounds that share the key's bucket are looked at: fewer than
// 2^steps, so the search may run into the next ones, which lie above the key.
inline uint32_t count_in_buckets(const ImageTables& tables, const MatchFieldRecord& field,
                                 uint64_t key, const Beside& beside) noexcept {
  const uint64_t* const bounds = tables.bounds.from(field.table);
  if (key < bounds[0]) return 0;
  const uint32_t below = tables.cells[field.buckets + bucket_of(field, bounds[0], key)];
  beside.prefetch(below);
  const uint64_t* const keys = bounds + below;
  uint32_t position = 0;
  for (uint32_t step = (1u << field.steps) >> 1; step != 0; step >>= 1) {
    const uint32_t is_not_above = keys[position + step - 1] <= key;
    position += step & (0u - is_not_above);
  }
  return std::min(below + position, field.bound_count);
}

// As class_of, for all but kDirect.
[[gnu::noinline]] inline uint32_t find_class(const ImageTables& tables,
                                             const MatchFieldRecord& field,
                                             const StepMessage& message, Beside beside) noexcept {
  const uint8_t* const from = message.view + field.offset;
  if (field.kind == ClassMapKind::kSearch) {
    return count_not_above(tables.bounds.from(field.table), field.bound_count, field.steps,
                           load_field_key(from, field.load));
  }
  if (field.kind == ClassMapKind::kDirectWide) {
    const auto bits = static_cast<uint32_t>(load_field_bits(from, field.load));
    return tables.slots[field.table + bits];
  }
  if (field.kind == ClassMapKind::kText) {
    return text_answer(tables, tables.text_maps[field.table], message);
  }
  const uint64_t key = load_field_key(from, field.load);
  if (field.kind == ClassMapKind::kTree) {
    return count_in_tree(tables.bounds.from(field.table), field.bound_count, field.steps, key,
                         beside);
  }
  return count_in_buckets(tables, field, key, beside);
}

// The class of the message's value in one field: which row of the field applies. `beside` has an
// entry for each class.
[[gnu::always_inline]] inline uint32_t class_of(const ImageTables& tables,
                                                const MatchFieldRecord& field,
                                                const StepMessage& message,
                                                Beside beside) noexcept {
  if (field.kind != ClassMapKind::kDirect) return find_class(tables, field, message, beside);
  return tables.slots[field.table + message.view[field.offset]];
}

}  // namespace hyperroute
