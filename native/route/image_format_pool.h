// The records of pools in a route image, as docs/route-image.md specifies them byte by byte.
//
// Thread: any (plain data). See image_format.h for the others.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/field_datapath.h"

namespace hyperroute {

inline constexpr uint32_t kPoolMembersMax = 250;  // Slots name members by one byte.
inline constexpr uint32_t kPoolSlotsMax = 65537;
inline constexpr uint32_t kPoolRanksMax = 8;
inline constexpr uint32_t kKeyFieldsMax = 16;
inline constexpr uint8_t kNoMember = 0xFF;

enum class KeyFieldKind : uint8_t {
  kInteger,
  kBytes,  // Text or bytes of a fixed size.
  kSlot,   // A string or blob of a native message.
};

// A field by which a pool's member is picked. A key's fields follow one another.
struct KeyFieldRecord {
  KeyFieldKind kind;
  FieldKind load;  // kInteger.
  uint16_t offset;
  uint16_t bytes;  // kBytes.
  uint8_t more;    // Fields of the same key behind this one.
  uint8_t reserved;
};
static_assert(sizeof(KeyFieldRecord) == 8);

enum class PoolKind : uint8_t {
  kRoundRobin,
  kWeighted,     // In the order of the slots.
  kFailover,     // The first that can be used.
  kLeastLoaded,  // Of all, beside their weights.
  kTwoChoices,   // Of two slots drawn at random, beside their weights.
  kHash,         // The ranked members of the slot that the key's hash picks; then all others.
  kSticky,       // The member whose id the key is; without one, as kHash.
  kTable,        // The ranked members of the slot, no others.
  kBroadcast,    // All of them.
  kPlugin,       // The member that function plugins[ids] names; then those behind it.
  kCount,
};

// By the key of the message.
constexpr bool is_keyed(PoolKind kind) noexcept {
  return kind >= PoolKind::kHash && kind <= PoolKind::kTable;
}

enum class PoolPanic : uint8_t { kReject, kSpread, kPark };

enum class LoadMeasure : uint8_t { kQueue, kOutstanding };

struct PoolRecord {
  PoolKind kind;
  PoolPanic panic;
  uint8_t option;  // kLeastLoaded, kTwoChoices: the measure; kBroadcast: 1: best effort; else 0.
  uint8_t ranks;   // Members a slot names; 0 without slots.
  uint16_t member_count;
  uint16_t backup_count;
  uint32_t members;     // In pool members; the backups follow.
  uint32_t slots;       // In bytes: `ranks` members for each, kNoMember fills up.
  uint32_t slot_count;  // 0: none.
  uint32_t ids;         // kSticky: padded keys in bounds; kPlugin: the function.
  uint32_t id_members;  // kSticky: in bytes, the member of each.
  uint16_t id_count;
  uint8_t id_steps;
  uint8_t reserved;
};
static_assert(sizeof(PoolRecord) == 32 && offsetof(PoolRecord, ids) == 20);

struct PoolMemberRecord {
  uint16_t endpoint;
  uint16_t weight;  // 1 or more.
};
static_assert(sizeof(PoolMemberRecord) == 4);

}  // namespace hyperroute
