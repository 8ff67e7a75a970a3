// Reads messages by the plan of an image: fields, headers, checks.
//
// Thread: any (pure functions). Data path: the usual case of all that the step does before it
// picks. Where a plan says `kOther` the records are asked, by the functions of the other headers.
#pragma once

#include <cstdint>

#include "base/bits.h"
#include "route/image.h"
#include "route/plan.h"
#include "route/search_datapath.h"
#include "route/set_datapath.h"

namespace hyperroute {

// Eight bytes of the view with the field's bits on top; what is below may be anything.
[[gnu::always_inline]] inline uint64_t load_top(const uint8_t* view, uint32_t offset,
                                                uint32_t swaps, uint32_t left) noexcept {
  const uint64_t loaded = load_u64_le(view + offset);
  return (swaps != 0 ? byte_swap(loaded) : loaded) << left;
}
[[gnu::always_inline]] inline uint64_t load_top(const uint8_t* view,
                                                const FieldPlan& field) noexcept {
  return load_top(view, field.offset, field.swaps, field.left) ^ field.flip;
}

// The field's value or key, whichever it was planned for.
[[gnu::always_inline]] inline uint64_t load_planned(const uint8_t* view,
                                                    const FieldPlan& field) noexcept {
  return (load_top(view, field) >> field.right) + field.bias;
}

// A message of the size that such messages have is at least as long as what is compared.
[[gnu::always_inline]] inline bool is_such(const HeaderPlan& header,
                                           const StepMessage& message) noexcept {
  if (message.bytes != header.message_bytes) return false;
  const uint64_t first = load_u64_le(message.data) & header.mask[0];
  const uint64_t second = load_u64_le(message.data + 8) & header.mask[1];
  return ((first ^ header.expected[0]) | (second ^ header.expected[1])) == 0;
}

// What messages like this one have in common, or nullptr: it is none of those that are planned and
// compared.
[[gnu::always_inline]] inline const HeaderPlan* find_header(const SourcePlan& source,
                                                            const StepMessage& message) noexcept {
  for (const HeaderPlan& header : source.headers) {
    if (is_such(header, message)) return &header;
  }
  return nullptr;
}

// The member of a family that a discriminator's key names, or kNoIndex.
inline uint16_t member_of(const ImageTables& tables, const FamilyRecord& family,
                          uint64_t key) noexcept {
  if (family.kind == FamilyKind::kDirect) {
    return key > 255 ? kNoIndex : tables.slots[family.slots + static_cast<uint32_t>(key)];
  }
  const uint64_t* const keys = tables.bounds.from(family.keys);
  const uint32_t above = count_not_above(keys, family.member_count, family.steps, key);
  if (above == 0 || keys[above - 1] != key) return kNoIndex;
  return tables.slots[family.slots + above - 1];
}

// As find_header, where there are more types than it compares.
inline const HeaderPlan* find_header_by_member(const ImageTables& tables, const SourcePlan& source,
                                               const StepMessage& message) noexcept {
  if (source.by_member == nullptr || message.bytes < sizeof(HeaderPlan::mask)) return nullptr;
  const uint64_t key = load_planned(message.data, source.discriminator);
  const uint16_t member = member_of(tables, *source.family, key);
  if (member == kNoIndex || !is_such(source.by_member[member], message)) return nullptr;
  return source.by_member + member;
}

[[gnu::always_inline]] inline bool is_within(const PairPlan& pair, const uint8_t* view) noexcept {
  const uint64_t left = load_planned(view, pair.left);
  const uint64_t right = load_planned(view, pair.right);
  const uint64_t result = pair.operation == Opcode::kMul   ? left * right
                          : pair.operation == Opcode::kAdd ? left + right
                                                           : left - right;
  return result - pair.low <= pair.span;
}

[[gnu::always_inline]] inline bool is_in(const SetPlan& set, const uint8_t* view) noexcept {
  const uint64_t key = load_planned(view, set.field);
  // Most values that are in it stand where their hash says.
  if (set.words[1 + set_slot(key, set.hash_shift)] == key) [[likely]]
    return key != set.words[0];
  return is_in_set(set.words, set.bits, set.probe_max, key);
}

// Whether every check of the route holds that can be asked in any order.
[[gnu::always_inline]] inline bool passes(const RoutePlan& route, const uint8_t* view) noexcept {
  bool fails = false;
  for (const RangePlan& range : route.plain_ranges) {
    fails |= load_u64_le(view + range.offset) - range.low > range.span;
  }
  for (const RangePlan& range : route.ranges) {
    fails |= load_top(view, range.offset, range.swaps, range.left) - range.low > range.span;
  }
  for (const SetPlan& set : route.sets) fails |= !is_in(set, view);
  for (const PairPlan& pair : route.pairs) fails |= !is_within(pair, view);
  return !fails;
}

}  // namespace hyperroute
