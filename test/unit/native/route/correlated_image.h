// An image that remembers orders: clients on the left and at the echo endpoint, a venue on the
// right. Made by hand, so that every record of it can be damaged.
//
//   orders    client → venue, opens an entry; the venue gets its id in place of the client's number
//   replaces  client → where the order went, found by its key; opens another and closes the found
//   finals    venue → where the order came from, found by its id; closes it
//   partials  the same, and the entry stays
#pragma once

#include <cstdint>
#include <vector>

#include "base/bits.h"
#include "unit/native/route/image_parts.h"

namespace hyperroute {

enum CorrelatedEndpoint : uint16_t { kClient, kVenue, kOtherClient };
enum CorrelatedRoute : uint16_t { kOrders, kReplaces, kFinals, kPartials };
enum CorrelatedSchema : uint16_t {
  kOrder,
  kReplace,
  kClientReport,
  kVenueOrder,
  kFinal,
  kPartial,
};

// All messages: u8 type, u32 client at 4, u64 number at 8, u64 qty at 16.
inline constexpr uint32_t kCorrelatedBytes = 24;
inline constexpr FieldKind kU32 = 3;
inline constexpr FieldKind kU64 = 7;

struct CorrelatedMessage {
  uint8_t type = 1;
  uint32_t client = 0;
  uint64_t number = 0;  // Of replaces: the number of the order to be replaced.
  uint64_t qty = 0;     // Of replaces: the new number.

  [[nodiscard]] std::vector<uint8_t> bytes() const {
    std::vector<uint8_t> result(kCorrelatedBytes, 0);
    result[0] = type;
    store_u32_le(&result[4], client);
    store_u64_le(&result[8], number);
    store_u64_le(&result[16], qty);
    return result;
  }
  static CorrelatedMessage of(const std::vector<uint8_t>& bytes) {
    HR_ASSERT(bytes.size() == kCorrelatedBytes);
    return {bytes[0], load_u32_le(&bytes[4]), load_u64_le(&bytes[8]), load_u64_le(&bytes[16])};
  }
};

inline std::vector<uint8_t> order_bytes(uint32_t client, uint64_t number, uint64_t qty) {
  return CorrelatedMessage{1, client, number, qty}.bytes();
}
inline std::vector<uint8_t> replace_bytes(uint32_t client, uint64_t original, uint64_t number) {
  return CorrelatedMessage{2, client, original, number}.bytes();
}
inline std::vector<uint8_t> final_bytes(uint64_t id, uint64_t qty) {
  return CorrelatedMessage{2, 0, id, qty}.bytes();
}
inline std::vector<uint8_t> partial_bytes(uint64_t id, uint64_t qty) {
  return CorrelatedMessage{3, 0, id, qty}.bytes();
}

// A family of three message types, told apart by their first byte, from 1 on.
inline void add_family(ImageParts& parts, const std::vector<uint16_t>& schemas) {
  FamilyRecord family{};
  family.kind = FamilyKind::kDirect;
  family.message_bytes_min = 1;
  family.member_count = static_cast<uint16_t>(schemas.size());
  family.members = static_cast<uint32_t>(parts.members.size());
  family.slots = static_cast<uint32_t>(parts.slots.size());
  parts.slots.resize(parts.slots.size() + 256, kNoIndex);
  for (uint16_t member = 0; member < schemas.size(); ++member) {
    MemberRecord record{};
    record.schema = schemas[member];
    record.message_bytes = kCorrelatedBytes;
    record.view = kNoRecord;
    parts.members.push_back(record);
    parts.slots[family.slots + member + 1u] = member;
  }
  parts.families.push_back(family);
}

inline void add_transform(ImageParts& parts, CorrelatedSchema output,
                          const std::vector<OpRecord>& ops) {
  TransformRecord record{};
  record.source_bytes = kCorrelatedBytes;
  record.output_bytes = kCorrelatedBytes;
  record.ops = static_cast<uint32_t>(parts.ops.size());
  record.op_count = static_cast<uint16_t>(ops.size());
  record.patch_offset = kNoIndex;
  record.output_schema = output;
  record.source_view = kNoIndex;
  parts.ops.insert(parts.ops.end(), ops.begin(), ops.end());
  parts.transforms.push_back(record);
}

// A route of one rule for every message; `extra`: what it does with the correlation.
inline void add_route(ImageParts& parts, CorrelatedSchema schema, ActionRecord action,
                      const ExtraRecord& extra, bool has_lookup) {
  RouteRecord route{};
  route.schema = schema;
  route.view = kNoIndex;
  route.message_bytes = kCorrelatedBytes;
  route.actions = static_cast<uint32_t>(parts.slots.size());
  parts.slots.push_back(static_cast<uint16_t>(parts.actions.size()));
  route.rule_count = 1;
  route.reject = kNoRecord;
  route.checks = static_cast<uint32_t>(parts.checks.size());
  if (has_lookup) {
    CheckRecord check{};
    check.kind = CheckKind::kLookup;
    check.table = static_cast<uint32_t>(parts.checks.size());
    route.check_count = 1;
    parts.checks.push_back(check);
  }
  action.extra = static_cast<uint16_t>(parts.extras.size());
  parts.extras.push_back(extra);
  parts.actions.push_back(action);
  parts.routes.push_back(route);
}

inline ActionRecord correlated_action(ActionKind kind, uint16_t transform, uint16_t carriers) {
  ActionRecord action{};
  action.kind = kind;
  action.transform = transform;
  action.carriers = carriers;
  action.output_bytes = kCorrelatedBytes;
  action.key = kNoRecord;
  return action;
}

inline CarriersRecord carriers_of(CorrelatedSchema schema, uint64_t endpoints) {
  CarriersRecord record{};
  record.schema = schema;
  record.message_bytes = kCorrelatedBytes;
  record.endpoints[0] = endpoints;
  return record;
}

inline void add_correlation(ImageParts& parts, uint32_t capacity, uint8_t evicts) {
  CorrelationRecord correlation{};
  correlation.capacity = capacity;
  correlation.timeout_ms = 1000;
  correlation.key_words = 2;
  correlation.saved_words = 2;
  correlation.evicts = evicts;
  parts.correlations = {correlation};
  const KeptFieldRecord client{KeptKind::kNumber, kU32, 4, 0, 0};
  const KeptFieldRecord number{KeptKind::kNumber, kU64, 8, 0, 0};
  const KeptFieldRecord qty{KeptKind::kNumber, kU64, 16, 0, 0};
  // Of orders: key and what is kept; of replaces: the same; then the replaced key and an id.
  parts.kept_fields = {client, number, number, qty, client, qty, qty, number, client, number};
  parts.openings = {{0, 2, 2, 0, 0}, {0, 2, 2, 0, 4}};
  parts.lookups = {{0, LookupBy::kKey, 0, 8, 2, 0},
                   {0, LookupBy::kId, 0, 9, 1, 0},
                   {0, LookupBy::kId, 0, 9, 1, 0}};
}

inline ImageParts correlated_parts(uint32_t capacity = 4, uint8_t evicts = 0) {
  ImageParts parts;
  add_correlation(parts, capacity, evicts);
  parts.bytes = {1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0};
  add_family(parts, {kOrder, kReplace, kClientReport});
  add_family(parts, {kVenueOrder, kFinal, kPartial});
  parts.endpoint_routes = {kOrders, kReplaces, kNoIndex, kNoIndex, kFinals, kPartials};
  parts.endpoints = {{0, 0, 0}, {1, 0, 3}, {0, 0, 0}};
  const OpRecord venue_head{OpKind::kConst8, 0, 0, 0, 0, 0, 0, 0};
  const OpRecord client_head{OpKind::kConst8, 0, 0, 0, 0, 0, 8, 0};
  const OpRecord id{OpKind::kCorrelationId, 0, kU64, 0, 0, 8, 0, 0};
  const OpRecord saved{OpKind::kFromSaved, 0, 0, 0, 0, 0, 0, 0};
  const OpRecord qty{OpKind::kCopy8, 0, 0, 0, 16, 16, 0, 0};
  const OpRecord saved_number{OpKind::kCopy8, 0, 0, 0, 0, 8, 0, 0};
  const OpRecord saved_qty{OpKind::kWiden, kU64, kU64, 0, 8, 16, 0, 0};
  add_transform(parts, kVenueOrder, {venue_head, id, qty});
  add_transform(parts, kVenueOrder, {venue_head, id, saved, saved_qty});
  add_transform(parts, kClientReport, {client_head, saved, saved_number, qty});
  parts.carriers = {carriers_of(kVenueOrder, 1u << kVenue),
                    carriers_of(kClientReport, 1u << kClient | 1u << kOtherClient)};
  ActionRecord to_venue = correlated_action(ActionKind::kEndpoint, 0, kNoIndex);
  to_venue.target = kVenue;
  const ActionRecord to_client = correlated_action(ActionKind::kCorrelatedSource, 2, 1);
  add_route(parts, kOrder, to_venue, {0, 0, 0, 0, {}}, false);
  add_route(parts, kReplace, correlated_action(ActionKind::kCorrelatedDestination, 1, 0),
            {0, 0, 1, 1, {}}, true);
  add_route(parts, kFinal, to_client, {0, 0, kNoIndex, 1, {}}, true);
  add_route(parts, kPartial, to_client, {0, 0, kNoIndex, 0, {}}, true);
  return parts;
}

}  // namespace hyperroute
