// Views of native messages and of those whose fields move. Every read is inside the message by a
// check here, or by bind().
//
// Thread: the worker that owns the source. Data path: yes; nothing is allocated, the work is
// bounded by the view's size and, of native messages, by the slots that they have room for.
#include "route/view_datapath.h"

#include <cstring>

#include "codec/field_datapath.h"
#include "include/hyperroute/bind_datapath.h"

namespace hyperroute {
namespace {

constexpr uint32_t kMalformed = static_cast<uint32_t>(RejectCode::kMalformed);
constexpr uint32_t kUnknownType = static_cast<uint32_t>(RejectCode::kUnknownType);

__extension__ typedef unsigned __int128 UnsignedWide;

// A message of an older version ends where its writer's fields end; the newer ones have their
// fallbacks, and slots without anything behind them.
uint32_t bind_view(const ViewRecord& record, const MessageLayout& layout, const StepState& state,
                   StepMessage& message) noexcept {
  Message bound;
  const MessageFault fault = bind(layout, message.data, message.bytes, bound);
  if (fault != MessageFault::kNone) {
    return fault == MessageFault::kWrongTemplate ? kUnknownType : kMalformed;
  }
  if (bound.version() >= layout.version()) return 0;
  const uint32_t known_bytes = kMessageHeaderBytes + layout.version_bytes(0, bound.version());
  std::memcpy(state.scratch, message.data, known_bytes);
  std::memcpy(state.scratch + known_bytes, layout.initial_message() + known_bytes,
              record.view_bytes - known_bytes);
  message.view = state.scratch;
  return 0;
}

// Where the bytes lie that a field of the view points at. Exact: a place beyond 64 bits is one
// outside the message.
const uint8_t* find_place(const ViewOpRecord& op, const uint8_t* view,
                          const StepMessage& message) noexcept {
  const uint64_t value = load_field(view + op.source, op.load);
  const UnsignedWide place = static_cast<UnsignedWide>(value) * op.scale + op.plus;
  if (place > message.bytes) return nullptr;
  const auto offset = static_cast<uint32_t>(place);
  return op.bytes > message.bytes - offset ? nullptr : message.data + offset;
}

uint32_t build_view(const ImageTables& tables, const ViewRecord& record, const StepState& state,
                    StepMessage& message) noexcept {
  if (message.bytes < record.message_bytes_min) return kMalformed;
  if (record.message_bytes_max != 0 && message.bytes > record.message_bytes_max) return kMalformed;
  uint8_t* const view = state.scratch;
  std::memcpy(view, message.data, record.message_bytes_min);
  const ViewOpRecord* const ops = tables.view_ops.from(record.ops);
  for (uint32_t index = 0; index < record.op_count; ++index) {
    const ViewOpRecord& op = ops[index];
    if (op.kind == ViewOpKind::kBits) {
      const uint64_t mask = (1ull << op.width) - 1;
      const uint64_t bits = load_field_bits(view + op.source, op.load) >> op.shift & mask;
      store_u32_le(view + op.target, static_cast<uint32_t>(bits));
      continue;
    }
    const uint8_t* const place = find_place(op, view, message);
    if (place == nullptr) return kMalformed;
    std::memcpy(view + op.target, place, op.bytes);
  }
  message.view = view;
  return 0;
}

}  // namespace

uint32_t make_view(const ImageTables& tables, const MemberRecord& member, const StepState& state,
                   StepMessage& message) noexcept {
  const ViewRecord& record = tables.views[member.view];
  if (record.kind == ViewKind::kNative) {
    return bind_view(record, tables.layouts[member.view], state, message);
  }
  if (const uint32_t code = build_view(tables, record, state, message); code != 0) return code;
  if (member.has_size == 0) return 0;
  const uint64_t size = load_field(message.view + member.size_offset, member.size_load);
  return size == message.bytes ? 0 : kMalformed;
}

}  // namespace hyperroute
