// Plans single fields, checks of one or two of them, and headers; and finds out what is planned
// of routes and actions.
//
// Thread: control thread, when an image is loaded (pure functions). Each says whether what it was
// asked for can be planned; what cannot is left to the records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "route/plan.h"
#include "route/program_datapath.h"

namespace hyperroute {

// What a planned field gives.
enum class Meaning : uint8_t { kValue, kKey };

constexpr uint32_t kHeaderBytes = sizeof(HeaderPlan::mask);

// Of an integer, or one bit: how many bits it has, and by how much its key is above its value.
[[nodiscard]] uint32_t field_bits(FieldKind kind);
[[nodiscard]] uint64_t key_excess(FieldKind kind);
// A key of the image as the field's own, which has no more bits than the field. May lie outside.
[[nodiscard]] Wide own_key(FieldKind kind, uint64_t key);

// False: the eight bytes would not lie within a message of `message_bytes`.
[[nodiscard]] bool plan_field(FieldKind kind, uint32_t offset, uint32_t message_bytes,
                              Meaning meaning, FieldPlan& plan);
// False: it never holds, or its field is not planned.
[[nodiscard]] bool plan_range(const ImageTables& tables, const CheckRecord& check,
                              uint32_t message_bytes, RangePlan& plan);
// False: it never holds, its fields are not planned, or results need more than 64 bits.
[[nodiscard]] bool plan_pair(const ImageTables& tables, const CheckRecord& check,
                             uint32_t message_bytes, PairPlan& plan);
[[nodiscard]] KeptPlan plan_kept(const KeptFieldRecord& record);
// Of a family's member; all but the route. False: it takes more to tell its messages.
[[nodiscard]] bool plan_header(const ImageTables& tables, const FamilyRecord& family,
                               uint32_t member, HeaderPlan& plan);

// Of all routes.
[[nodiscard]] size_t count_checks(const ImageTables& tables, CheckKind kind);
// Of the first rule that has one, or nullptr.
[[nodiscard]] const OpeningRecord* find_opening(const ImageTables& tables,
                                                const RouteRecord& route);
// By action: the bytes of the smallest messages that it is for; UINT32_MAX: no rule names it.
[[nodiscard]] std::vector<uint32_t> smallest_messages(const ImageTables& tables);

}  // namespace hyperroute
