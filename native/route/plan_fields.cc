// Plans single fields, checks of one or two of them, and the headers of messages.
// Thread: control thread, when an image is loaded. Not on the data path.
#include "route/plan_fields.h"

#include <algorithm>
#include <cstring>

#include "route/image.h"
#include "route/program_datapath.h"

namespace hyperroute {
namespace {

constexpr uint32_t kTopBytes = 8;

// The values that a field can have.
struct Interval {
  Wide low;
  Wide high;
};

Interval values_of(FieldKind kind) {
  const auto excess = static_cast<Wide>(key_excess(kind));
  return {-excess, (static_cast<Wide>(1) << field_bits(kind)) - 1 - excess};
}

Interval results_of(Opcode operation, const Interval& left, const Interval& right) {
  if (operation == Opcode::kAdd) return {left.low + right.low, left.high + right.high};
  if (operation == Opcode::kSub) return {left.low - right.high, left.high - right.low};
  const Wide ends[] = {left.low * right.low, left.low * right.high, left.high * right.low,
                       left.high * right.high};
  return {*std::min_element(ends, ends + 4), *std::max_element(ends, ends + 4)};
}

// Requires of a message that an integer in its first bytes has a value. False: it does not lie
// there, or cannot have it.
bool require_value(FieldKind kind, uint32_t offset, uint64_t value, HeaderPlan& plan) {
  if (is_bit_kind(kind) || offset + field_bytes(kind) > kHeaderBytes) return false;
  uint8_t mask[kHeaderBytes] = {};
  uint8_t expected[kHeaderBytes] = {};
  std::memset(mask + offset, 0xFF, field_bytes(kind));
  store_field(expected + offset, kind, value);
  if (load_field(expected + offset, kind) != value) return false;
  for (uint32_t word = 0; word < 2; ++word) {
    const uint64_t more = load_u64_le(mask + 8 * word);
    const uint64_t bits = load_u64_le(expected + 8 * word);
    // Both may be the same bytes.
    if (((plan.expected[word] ^ bits) & plan.mask[word] & more) != 0) return false;
    plan.mask[word] |= more;
    plan.expected[word] |= bits;
  }
  return true;
}

// The value that names a member, if it is the only one.
bool find_discriminator(const ImageTables& tables, const FamilyRecord& family, uint32_t member,
                        uint64_t& value) {
  const bool is_direct = family.kind == FamilyKind::kDirect;
  const uint32_t slot_count = is_direct ? 256 : family.member_count;
  uint32_t found_count = 0;
  for (uint32_t slot = 0; slot < slot_count; ++slot) {
    if (tables.slots[family.slots + slot] != member) continue;
    ++found_count;
    const uint64_t key = is_direct ? slot : tables.bounds[family.keys + slot];
    value = key_excess(family.load) != 0 ? key ^ kSignBit : key;
  }
  return found_count == 1;
}
}  // namespace

uint32_t field_bits(FieldKind kind) { return is_bit_kind(kind) ? 1 : 8 * field_bytes(kind); }
uint64_t key_excess(FieldKind kind) {
  return (kind & kFieldSigned) != 0 && !is_bit_kind(kind) ? 1ull << (field_bits(kind) - 1) : 0;
}

bool plan_field(FieldKind kind, uint32_t offset, uint32_t message_bytes, Meaning meaning,
                FieldPlan& plan) {
  const uint32_t end = offset + load_bytes(kind);
  const uint32_t at = end > kTopBytes ? end - kTopBytes : 0;
  if (at + kTopBytes > message_bytes) return false;
  const uint32_t bits = field_bits(kind);
  const bool is_bit = is_bit_kind(kind);
  const bool is_swapped = !is_bit && (kind & kFieldBigEndian) != 0;
  // The field's highest bit, counted from the lowest one of the eight bytes as they are loaded.
  const uint32_t top = is_bit       ? 8 * (offset - at) + (kind >> kFieldBitShift)
                       : is_swapped ? 63 - 8 * (offset - at)
                                    : 8 * (end - at) - 1;
  const uint64_t excess = key_excess(kind);
  plan.flip = excess != 0 ? kSignBit : 0;
  plan.bias = meaning == Meaning::kValue ? 0 - excess : excess != 0 ? kSignBit - excess : 0;
  plan.offset = static_cast<uint16_t>(at);
  plan.left = static_cast<uint8_t>(63 - top);
  plan.right = static_cast<uint8_t>(64 - bits);
  plan.swaps = is_swapped ? 1 : 0;
  return true;
}

Wide own_key(FieldKind kind, uint64_t key) {
  const uint64_t excess = key_excess(kind);
  if (excess == 0) return static_cast<Wide>(key);
  return static_cast<Wide>(static_cast<int64_t>(key ^ kSignBit)) + static_cast<Wide>(excess);
}

bool plan_range(const ImageTables& tables, const CheckRecord& check, uint32_t message_bytes,
                RangePlan& plan) {
  FieldPlan field;
  if (!plan_field(check.load, check.offset, message_bytes, Meaning::kKey, field)) return false;
  const uint64_t* const limits = tables.bounds.from(check.table);
  const Wide greatest = (static_cast<Wide>(1) << field_bits(check.load)) - 1;
  const Wide low = std::max<Wide>(own_key(check.load, limits[0]), 0);
  const Wide high = std::min(own_key(check.load, limits[0] + limits[1]), greatest);
  if (low > high) return false;
  const uint32_t below = field.right;
  const auto low_bits = static_cast<uint64_t>(low) << below;
  // What stands below the field in the eight bytes may be anything.
  const uint64_t any_below = below == 0 ? 0 : (1ull << below) - 1;
  // To flip the top bit is to add it.
  plan = {.low = low_bits - field.flip,
          .span = static_cast<uint64_t>(high - low) << below | any_below,
          .offset = field.offset,
          .left = field.left,
          .swaps = field.swaps};
  return true;
}

bool plan_pair(const ImageTables& tables, const CheckRecord& check, uint32_t message_bytes,
               PairPlan& plan) {
  if (!plan_field(check.load, check.offset, message_bytes, Meaning::kValue, plan.left) ||
      !plan_field(check.second_load, check.second_offset, message_bytes, Meaning::kValue,
                  plan.right)) {
    return false;
  }
  const Interval results =
      results_of(check.operation, values_of(check.load), values_of(check.second_load));
  // So many results are told apart by 64 bits, whatever is lost above them.
  if (results.high - results.low > static_cast<Wide>(UINT64_MAX)) return false;
  const Wide low = std::max(wide_of(tables.wides[check.table]), results.low);
  const Wide high = std::min(wide_of(tables.wides[check.table + 1]), results.high);
  if (low > high) return false;
  plan.low = static_cast<uint64_t>(low);
  plan.span = static_cast<uint64_t>(high - low);
  plan.operation = check.operation;
  return true;
}

KeptPlan plan_kept(const KeptFieldRecord& record) {
  KeptPlan plan{};
  // It lies within every message it is read from, however long that is.
  const uint32_t known_bytes = uint32_t{record.offset} + load_bytes(record.load);
  plan.is_planned =
      record.kind == KeptKind::kNumber &&
      plan_field(record.load, record.offset, known_bytes, Meaning::kValue, plan.field);
  return plan;
}

bool plan_header(const ImageTables& tables, const FamilyRecord& family, uint32_t member,
                 HeaderPlan& plan) {
  const MemberRecord& record = tables.members[family.members + member];
  plan = {};
  plan.message_bytes = record.message_bytes;
  if (record.view != kNoRecord || record.message_bytes < kHeaderBytes) return false;
  if (family.kind != FamilyKind::kSingle) {
    if (record.message_bytes < family.message_bytes_min) return false;
    uint64_t value = 0;
    if (!find_discriminator(tables, family, member, value) ||
        !require_value(family.load, family.offset, value, plan)) {
      return false;
    }
  }
  return record.has_size == 0 ||
         require_value(record.size_load, record.size_offset, record.message_bytes, plan);
}

size_t count_checks(const ImageTables& tables, CheckKind kind) {
  size_t count = 0;
  for (uint32_t index = 0; index < tables.routes.count; ++index) {
    const RouteRecord& route = tables.routes[index];
    const CheckRecord* const checks = tables.checks.from(route.checks);
    count += static_cast<size_t>(
        std::count_if(checks, checks + route.check_count,
                      [kind](const CheckRecord& check) { return check.kind == kind; }));
  }
  return count;
}

const OpeningRecord* find_opening(const ImageTables& tables, const RouteRecord& route) {
  for (uint32_t rule = 0; rule < route.rule_count; ++rule) {
    const uint16_t extra = tables.actions[tables.slots[route.actions + rule]].extra;
    if (extra == kNoIndex || tables.extras[extra].opening == kNoIndex) continue;
    return &tables.openings[tables.extras[extra].opening];
  }
  return nullptr;
}

std::vector<uint32_t> smallest_messages(const ImageTables& tables) {
  std::vector<uint32_t> message_bytes(tables.actions.count, UINT32_MAX);
  for (uint32_t index = 0; index < tables.routes.count; ++index) {
    const RouteRecord& route = tables.routes[index];
    for (uint32_t rule = 0; rule < route.rule_count; ++rule) {
      uint32_t& least = message_bytes[tables.slots[route.actions + rule]];
      least = std::min(least, route.message_bytes);
    }
  }
  return message_bytes;
}

}  // namespace hyperroute
