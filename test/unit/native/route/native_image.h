// Route images by hand for native messages, views and ops: endpoint 0 takes one message type,
// what becomes of it goes to endpoint 1, which takes anything.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "unit/native/route/image_parts.h"
#include "unit/native/route/trade_schema.h"

namespace hyperroute {

inline constexpr uint32_t kTestCode = 1001;
inline constexpr uint32_t kLimitCode = 1002;

// Messages of one size, sent on as they are.
inline ImageParts plain_parts(uint32_t message_bytes) {
  ImageParts parts;
  parts.reject_code_max = 1100;
  parts.endpoints = {{.family = 0, .reserved = 0, .routes = 0},
                     {.family = 1, .reserved = 0, .routes = 1}};
  parts.endpoint_routes = {0, kNoIndex};
  FamilyRecord single{};
  single.kind = FamilyKind::kSingle;
  single.member_count = 1;
  FamilyRecord raw{};
  raw.kind = FamilyKind::kRaw;
  raw.member_count = 1;
  parts.families = {single, raw};
  MemberRecord member{};
  member.message_bytes = message_bytes;
  member.view = kNoRecord;
  parts.members = {member};
  RouteRecord route{};
  route.message_bytes = message_bytes;
  route.rule_count = 1;
  route.view = kNoIndex;
  route.reject = kNoRecord;
  parts.routes = {route};
  ActionRecord action{};
  action.kind = ActionKind::kEndpoint;
  action.target = 1;
  action.transform = kNoIndex;
  action.carriers = kNoIndex;
  action.key = kNoRecord;
  action.extra = kNoIndex;
  parts.actions = {action};
  parts.slots = {0};
  return parts;
}

// Gives the message type a view.
inline void add_view(ImageParts& parts, const ViewRecord& view) {
  const auto index = static_cast<uint16_t>(parts.views.size());
  parts.views.push_back(view);
  parts.members[0].view = index;
  parts.members[0].message_bytes = view.view_bytes;
  parts.routes[0].view = index;
  parts.routes[0].message_bytes = view.view_bytes;
}

inline void add_native_view(ImageParts& parts, const std::vector<uint8_t>& layout) {
  ViewRecord view{};
  view.kind = ViewKind::kNative;
  view.message_bytes_min = kMessageHeaderBytes;
  view.layout = static_cast<uint32_t>(parts.layout_words.size() * 8);
  view.layout_bytes = static_cast<uint32_t>(layout.size());
  parts.layout_words.resize(parts.layout_words.size() + (layout.size() + 7) / 8, 0);
  auto* const words = reinterpret_cast<uint8_t*>(parts.layout_words.data());
  std::memcpy(words + view.layout, layout.data(), layout.size());
  view.view_bytes = kMessageHeaderBytes + MessageLayout(words + view.layout).block_bytes();
  add_view(parts, view);
}

inline uint32_t add_bytes(ImageParts& parts, const void* data, size_t count) {
  const auto start = static_cast<uint32_t>(parts.bytes.size());
  const auto* const from = static_cast<const uint8_t*>(data);
  parts.bytes.insert(parts.bytes.end(), from, from + count);
  return start;
}

inline uint32_t add_bytes(ImageParts& parts, size_t count, uint8_t value) {
  const std::vector<uint8_t> bytes(count, value);
  return add_bytes(parts, bytes.data(), count);
}

struct TransformParts {
  uint32_t source_bytes = 0;
  uint32_t output_bytes = 0;
  uint16_t output_schema = kNoIndex;  // Of entries.
  uint16_t source_view = kNoIndex;
  std::vector<OpRecord> ops = {};
  std::vector<VariableRecord> variables = {};
};

inline void add_transform(ImageParts& parts, const TransformParts& from) {
  TransformRecord record{};
  record.source_bytes = from.source_bytes;
  record.output_bytes = from.output_bytes;
  record.ops = static_cast<uint32_t>(parts.ops.size());
  record.op_count = static_cast<uint16_t>(from.ops.size());
  record.patch_offset = kNoIndex;
  record.output_schema = from.output_schema;
  record.variables = static_cast<uint32_t>(parts.variables.size());
  record.variable_count = static_cast<uint16_t>(from.variables.size());
  record.source_view = from.source_view;
  parts.ops.insert(parts.ops.end(), from.ops.begin(), from.ops.end());
  parts.variables.insert(parts.variables.end(), from.variables.begin(), from.variables.end());
  parts.transforms.push_back(record);
}

// The only action sends what the first transform makes.
inline void use_transform(ImageParts& parts) {
  parts.actions[0].transform = 0;
  parts.actions[0].output_bytes = parts.transforms[0].output_bytes;
}

inline OpRecord copy_op(OpKind kind, uint16_t source, uint16_t target) {
  OpRecord op{};
  op.kind = kind;
  op.source = source;
  op.target = target;
  return op;
}

// `count` bytes of `value`.
inline OpRecord fill_op(ImageParts& parts, uint16_t target, uint16_t count, uint8_t value) {
  OpRecord op{};
  op.kind = OpKind::kConstMany;
  op.source = count;
  op.target = target;
  op.argument = add_bytes(parts, count, value);
  return op;
}

inline VariableRecord bytes_variable(uint16_t source, uint16_t target, uint32_t limit) {
  VariableRecord variable{};
  variable.kind = VariableKind::kBytes;
  variable.source = source;
  variable.target = target;
  variable.limit = limit;
  variable.code = kLimitCode;
  return variable;
}

inline VariableRecord group_variable(uint16_t source, uint16_t target, uint32_t limit,
                                     uint32_t entry, uint32_t initial) {
  VariableRecord variable = bytes_variable(source, target, limit);
  variable.kind = VariableKind::kGroup;
  variable.entry = entry;
  variable.initial = initial;
  return variable;
}

// Trade, known as it was in version 2, becomes Copy. Slots of the output are first written as
// 0xEE: where they come out right, the variables wrote them.
inline ImageParts trade_parts() {
  ImageParts parts = plain_parts(1);
  const LayoutImage reader = load_layout(trade_source().as_of(2));
  const LayoutImage copy = load_layout(copy_source());
  const MessageLayout& layout = reader.layout();
  add_native_view(parts, trade_source().as_of(2).image());
  uint32_t initial[4];
  for (uint32_t block = 1; block < 4; ++block) {
    const LayoutBlock& record = layout.block(block);
    initial[block] = add_bytes(parts, layout.initial(record), record.block_bytes);
  }
  OpRecord header = copy_op(OpKind::kConst8, 0, 0);
  header.argument = add_bytes(parts, copy.layout().initial_message(), kMessageHeaderBytes);
  add_transform(
      parts,
      {.source_bytes = 72,
       .output_bytes = 64,
       .output_schema = 1,
       .source_view = 0,
       .ops = {header, copy_op(OpKind::kCopy8, 16, 8), copy_op(OpKind::kCopy4, 48, 16),
               fill_op(parts, 20, 32, 0xEE), fill_op(parts, 52, 12, 0)},
       .variables = {
           bytes_variable(24, 20, kTextBytesMax), group_variable(32, 28, kLegsMax, 1, initial[1]),
           bytes_variable(52, 36, 1u << 24), group_variable(60, 44, 1000, 3, initial[3])}});
  add_transform(parts, {.source_bytes = 32,
                        .output_bytes = 24,
                        .ops = {copy_op(OpKind::kCopy2, 24, 0), fill_op(parts, 2, 2, 0),
                                copy_op(OpKind::kCopy4, 0, 4), fill_op(parts, 8, 16, 0xEE)},
                        .variables = {group_variable(8, 8, 1000, 2, initial[2]),
                                      bytes_variable(16, 16, 1000)}});
  add_transform(parts, {.source_bytes = 16,
                        .output_bytes = 16,
                        .ops = {copy_op(OpKind::kCopy4, 0, 0), fill_op(parts, 4, 8, 0xEE),
                                fill_op(parts, 12, 4, 0)},
                        .variables = {bytes_variable(8, 4, 1000)}});
  add_transform(parts, {.source_bytes = 8,
                        .output_bytes = 16,
                        .ops = {fill_op(parts, 0, 8, 0), fill_op(parts, 8, 8, 0xEE)},
                        .variables = {bytes_variable(0, 8, 1000)}});
  use_transform(parts);
  return parts;
}

}  // namespace hyperroute
