// Picks the member of a pool that a message goes to.
//
// Thread: the worker that owns the source. Data path: between the match and the claim. Every
// strategy is a way to go through the members; what varies is which of them may be taken. First
// those that can be used, each for its share of the messages; then, where only members are left
// that get less than all of theirs, those whole; then the endpoints that stand in for the pool;
// and at last, unless the pool would rather reject, members that cannot be used. All but the
// first are out of the way of the usual case. lib/compiler/interpret-pool.ts does the same, and
// draws the same random numbers in the same order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "include/hyperroute/codes.h"
#include "route/image.h"
#include "route/key_hash_datapath.h"
#include "route/plugin_datapath.h"
#include "route/search_datapath.h"

namespace hyperroute {

// xorshift64*. The upper half is the better one.
inline uint64_t next_random(StepState& state) noexcept {
  uint64_t word = state.random;
  word ^= word >> 12;
  word ^= word << 25;
  word ^= word >> 27;
  state.random = word;
  return word * 0x2545F4914F6CDD1D;
}

// Relaxed: a byte on its own. A worker that sees a change late sends to a member that has just
// died, which the destination's queue has to handle anyway.
inline uint8_t alive_byte(const StepState& state, uint16_t endpoint) noexcept {
  return __atomic_load_n(state.alive + endpoint, __ATOMIC_RELAXED);
}

// Which members may be taken.
enum class Taken : uint8_t {
  kByShare,  // Usable ones; by their share where that is not all.
  kUsable,   // Usable ones.
  kAll,
};

inline constexpr uint32_t kNobody = 0xFFFFFFFF;

// One pick: the pool's tables and what the message brings along.
struct PoolPick {
  const ImageTables& tables;
  const PoolRecord& pool;
  StepState& state;
  uint32_t index;  // Of the pool.
  uint64_t hash;   // Of the key, if the pool has one.
  uint64_t id;     // kSticky: the key.
  uint32_t first;  // kPlugin: its answer.

  const PoolMemberRecord& member(uint32_t number) const noexcept {
    return tables.pool_members[pool.members + number];
  }
  uint32_t slot_member(uint32_t slot) const noexcept { return tables.bytes[pool.slots + slot]; }
};

template <Taken kTaken>
inline bool may_take(const PoolPick& pick, uint32_t number) noexcept {
  if constexpr (kTaken == Taken::kAll) return true;
  const uint8_t alive = alive_byte(pick.state, pick.member(number).endpoint);
  if (kTaken == Taken::kUsable || alive == kAlive || alive == kDead) [[likely]]
    return alive != kDead;
  // By the key, so that a member that comes back gets more and more of its keys, and keeps them.
  const uint64_t number_drawn = is_keyed(pick.pool.kind) ? pick.hash : next_random(pick.state);
  return number_drawn >> 56 < alive;
}

// A position kept from an image with a larger pool starts over.
inline uint32_t position_of(const PoolPick& pick, uint32_t count) noexcept {
  const uint32_t position = pick.state.pool_positions[pick.index];
  return position < count ? position : 0;
}

constexpr uint32_t next_in_turn(uint32_t position, uint32_t count) noexcept {
  return position + 1 == count ? 0 : position + 1;
}

template <Taken kTaken>
inline uint32_t pick_in_turn(const PoolPick& pick) noexcept {
  const uint32_t count = pick.pool.member_count;
  uint32_t position = position_of(pick, count);
  for (uint32_t tried = 0; tried < count; ++tried) {
    const uint32_t number = position;
    position = next_in_turn(position, count);
    if (!may_take<kTaken>(pick, number)) continue;
    pick.state.pool_positions[pick.index] = position;
    return number;
  }
  return kNobody;
}

template <Taken kTaken>
inline uint32_t pick_by_schedule(const PoolPick& pick) noexcept {
  const uint32_t count = pick.pool.slot_count;
  uint32_t position = position_of(pick, count);
  for (uint32_t tried = 0; tried < count; ++tried) {
    const uint32_t number = pick.slot_member(position);
    position = next_in_turn(position, count);
    if (!may_take<kTaken>(pick, number)) continue;
    pick.state.pool_positions[pick.index] = position;
    return number;
  }
  return kNobody;
}

template <Taken kTaken>
inline uint32_t pick_first(const PoolPick& pick) noexcept {
  for (uint32_t number = 0; number < pick.pool.member_count; ++number) {
    if (may_take<kTaken>(pick, number)) return number;
  }
  return kNobody;
}

inline uint32_t load_of(const PoolPick& pick, uint32_t number) noexcept {
  const EndpointLoad& load = pick.state.load[pick.member(number).endpoint];
  // Relaxed: a figure to compare, nothing is read because of it.
  return static_cast<LoadMeasure>(pick.pool.option) == LoadMeasure::kQueue
             ? __atomic_load_n(&load.queued_bytes, __ATOMIC_RELAXED)
             : __atomic_load_n(&load.outstanding, __ATOMIC_RELAXED);
}

// A member and how much it has to do.
struct Candidate {
  uint32_t number;
  uint64_t load;
  uint64_t weight;
};

inline Candidate candidate(const PoolPick& pick, uint32_t number) noexcept {
  return {number, load_of(pick, number), pick.member(number).weight};
}

// Less to do for its weight.
inline bool is_less_busy(const Candidate& one, const Candidate& other) noexcept {
  return one.load * other.weight < other.load * one.weight;
}

// The scan starts with the one whose turn it is, so that equally busy members take turns.
template <Taken kTaken>
inline uint32_t pick_least_loaded(const PoolPick& pick) noexcept {
  const uint32_t count = pick.pool.member_count;
  uint32_t position = position_of(pick, count);
  Candidate best{kNobody, 0, 0};
  for (uint32_t tried = 0; tried < count; ++tried) {
    const uint32_t number = position;
    position = next_in_turn(position, count);
    if (!may_take<kTaken>(pick, number)) continue;
    const Candidate each = candidate(pick, number);
    if (best.number == kNobody || is_less_busy(each, best)) best = each;
  }
  if (best.number == kNobody) return kNobody;
  pick.state.pool_positions[pick.index] = next_in_turn(best.number, count);
  return best.number;
}

// Slots stand for members as often as their weights say. When neither of two slots can be taken,
// the ones behind the first are tried in order.
template <Taken kTaken>
inline uint32_t pick_of_two(const PoolPick& pick) noexcept {
  const uint32_t count = pick.pool.slot_count;
  const uint64_t drawn = next_random(pick.state);
  const uint32_t first = low_share(drawn >> 32, count);
  uint32_t second = first;
  if (count > 1) second = (first + 1 + low_share(drawn, count - 1)) % count;
  const uint32_t one = pick.slot_member(first);
  const uint32_t other = pick.slot_member(second);
  const bool takes_one = may_take<kTaken>(pick, one);
  const bool takes_other = one == other ? takes_one : may_take<kTaken>(pick, other);
  if (takes_one && takes_other) [[likely]] {
    return is_less_busy(candidate(pick, other), candidate(pick, one)) ? other : one;
  }
  if (takes_one) return one;
  if (takes_other) return other;
  for (uint32_t offset = 1; offset < count; ++offset) {
    const uint32_t number = pick.slot_member((first + offset) % count);
    if (may_take<kTaken>(pick, number)) return number;
  }
  return kNobody;
}

// The first of the ranked members of the key's slot.
template <Taken kTaken>
inline uint32_t pick_ranked(const PoolPick& pick) noexcept {
  const uint32_t slot_count = pick.pool.slot_count;
  const uint32_t slot = low_share(pick.hash, slot_count);
  for (uint32_t rank = 0; rank < pick.pool.ranks; ++rank) {
    const uint32_t number = pick.slot_member(rank * slot_count + slot);
    if (number == kNoMember) break;
    if (may_take<kTaken>(pick, number)) return number;
  }
  if (pick.pool.kind == PoolKind::kTable) return kNobody;
  // Others in the order in which they are listed, from behind the slot's first member on.
  const uint32_t count = pick.pool.member_count;
  uint32_t number = pick.slot_member(slot);
  for (uint32_t tried = 1; tried < count; ++tried) {
    number = next_in_turn(number, count);
    if (may_take<kTaken>(pick, number)) return number;
  }
  return kNobody;
}

template <Taken kTaken>
inline uint32_t pick_sticky(const PoolPick& pick) noexcept {
  const PoolRecord& pool = pick.pool;
  const uint64_t* const ids = pick.tables.bounds.from(pool.ids);
  const uint32_t above = count_not_above(ids, pool.id_count, pool.id_steps, pick.id);
  if (above != 0 && ids[above - 1] == pick.id) {
    const uint32_t number = pick.tables.bytes[pool.id_members + above - 1];
    if (may_take<kTaken>(pick, number)) return number;
  }
  return pick_ranked<kTaken>(pick);
}

// The member that a plug-in named, or the next behind it.
template <Taken kTaken>
inline uint32_t pick_from(const PoolPick& pick) noexcept {
  uint32_t number = pick.first;
  for (uint32_t tried = 0; tried < pick.pool.member_count; ++tried) {
    if (may_take<kTaken>(pick, number)) return number;
    number = next_in_turn(number, pick.pool.member_count);
  }
  return kNobody;
}

// Asks the pool's plug-in, once a message. Its answer may be any number.
[[gnu::noinline]] inline uint32_t ask_plugin(const PoolPick& pick) noexcept {
  static_assert(sizeof(PluginLoad) == sizeof(EndpointLoad) &&
                offsetof(PluginLoad, outstanding) == offsetof(EndpointLoad, outstanding));
  const PluginPick asked{
      .key_hash = pick.hash,
      .random = next_random(pick.state),
      .position = &pick.state.pool_positions[pick.index],
      .member_count = pick.pool.member_count,
      .member_bytes = sizeof(PoolMemberRecord),
      .members = reinterpret_cast<const uint8_t*>(&pick.member(0)),
      .alive = pick.state.alive,
      .load = reinterpret_cast<const PluginLoad*>(pick.state.load),
  };
  const PluginCall& call = pick.tables.plugin_calls[pick.pool.ids];
  return call.function->pick(call.instance, &asked);
}

template <Taken kTaken>
inline uint32_t pick_number(const PoolPick& pick) noexcept {
  switch (pick.pool.kind) {
    case PoolKind::kRoundRobin:
      return pick_in_turn<kTaken>(pick);
    case PoolKind::kWeighted:
      return pick_by_schedule<kTaken>(pick);
    case PoolKind::kFailover:
      return pick_first<kTaken>(pick);
    case PoolKind::kLeastLoaded:
      return pick_least_loaded<kTaken>(pick);
    case PoolKind::kTwoChoices:
      return pick_of_two<kTaken>(pick);
    case PoolKind::kHash:
    case PoolKind::kTable:
      return pick_ranked<kTaken>(pick);
    case PoolKind::kSticky:
      return pick_sticky<kTaken>(pick);
    case PoolKind::kPlugin:
      return pick_from<kTaken>(pick);
    default:
      return kNobody;
  }
}

// Nobody takes the message by share.
[[gnu::noinline, gnu::cold]] inline uint32_t pick_in_need(const PoolPick& pick) noexcept {
  const uint32_t number = pick_number<Taken::kUsable>(pick);
  if (number != kNobody) return number;
  const PoolRecord& pool = pick.pool;
  for (uint32_t backup = 0; backup < pool.backup_count; ++backup) {
    const uint32_t standing_in = pool.member_count + backup;
    if (may_take<Taken::kUsable>(pick, standing_in)) return standing_in;
  }
  return pool.panic == PoolPanic::kReject ? kNobody : pick_number<Taken::kAll>(pick);
}

// What a pool by hash usually answers: the first member of the key's slot, if it is well.
inline bool pick_first_rank(const ImageTables& tables, const StepState& state,
                            const PoolRecord& pool, uint64_t hash, uint16_t& endpoint) noexcept {
  if (pool.kind != PoolKind::kHash && pool.kind != PoolKind::kTable) return false;
  const uint32_t number = tables.bytes[pool.slots + low_share(hash, pool.slot_count)];
  endpoint = tables.pool_members[pool.members + number].endpoint;
  return alive_byte(state, endpoint) == kAlive;
}

// Returns 0 and the endpoint, or the reject code. `key` is the first field of the message's key,
// kNoRecord for pools that need none.
inline uint32_t pick_member(const ImageTables& tables, StepState& state, const StepMessage& message,
                            uint32_t pool_index, uint32_t key, uint16_t& endpoint) noexcept {
  const PoolRecord& pool = tables.pools[pool_index];
  uint64_t hash = 0;
  uint64_t id = 0;
  if (key != kNoRecord) {
    const KeyFieldRecord* const fields = tables.key_fields.from(key);
    hash = hash_key(fields, message);
    if (pick_first_rank(tables, state, pool, hash, endpoint)) [[likely]]
      return 0;
    if (pool.kind == PoolKind::kSticky) {
      id = load_field(message.view + fields->offset, fields->load);
    }
  }
  PoolPick pick{tables, pool, state, pool_index, hash, id, 0};
  if (pool.kind == PoolKind::kPlugin) [[unlikely]] {
    pick.first = ask_plugin(pick);
    if (pick.first >= pool.member_count) return kPluginFaultCode;
  }
  uint32_t number = pick_number<Taken::kByShare>(pick);
  if (number == kNobody) [[unlikely]]
    number = pick_in_need(pick);
  if (number == kNobody) return static_cast<uint32_t>(RejectCode::kNoDestination);
  endpoint = pick.member(number).endpoint;
  return 0;
}

}  // namespace hyperroute
