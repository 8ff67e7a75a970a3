// Runs a verified transform: builds the outgoing message in the destination's claimed slot.
//
// Thread: the worker that owns the source. Data path: once for each transformed message, the
// only place where message bytes are written. The loader has shown that ops write every byte of
// the fixed part, change none that they have not written, and that no op leaves its message.
#include "route/transform_datapath.h"

#include <bit>
#include <cstring>

#include "base/shuffle.h"
#include "codec/field_datapath.h"
#include "route/plugin_datapath.h"
#include "route/program_datapath.h"
#include "route/search_datapath.h"
#include "route/text_map_datapath.h"
#include "route/variables_datapath.h"

namespace hyperroute {
namespace {

// What an op answers besides reject codes, which are smaller: the next one is not for this message,
// or has been run.
constexpr uint32_t kSkipNext = UINT32_MAX;

// A copy of constant size is one or two moves. The ends never overlap: one is a received
// message or the image, the other a claim.
template <uint32_t kBytes>
void move_bytes(uint8_t* to, const uint8_t* from) {
  std::memcpy(to, from, kBytes);
}

// Returns 0, or the op's reject code when the value does not fit its target.
uint32_t narrow(const ImageTables& tables, const OpRecord& op, const uint8_t* source,
                uint8_t* output) {
  const uint64_t key = load_field_key(source + op.source, op.load);
  const uint64_t* const limits = tables.bounds.from(op.argument);
  if (key - limits[0] > limits[1]) return op.code;
  store_field(output + op.target, op.store, load_field(source + op.source, op.load));
  return 0;
}

// Returns 0, or the op's reject code when the value has no entry.
uint32_t map_value(const ImageTables& tables, const OpRecord& op, const uint8_t* source,
                   uint8_t* output) {
  const uint64_t key = load_field_key(source + op.source, op.load);
  const uint64_t* const map = tables.bounds.from(op.argument);
  const auto count = static_cast<uint32_t>(map[0]);
  const uint64_t* const keys = map + 1;
  const uint32_t above = count_not_above(keys, count, op.steps, key);
  const uint64_t* const values = keys + ((1ull << op.steps) - 1);
  if (above != 0 && keys[above - 1] == key) [[likely]] {
    store_field(output + op.target, op.store, values[above - 1]);
    return 0;
  }
  // Without a code, the value for all others stands behind those of the entries.
  if (op.code == 0) store_field(output + op.target, op.store, values[count]);
  return op.code;
}

// The same for one byte, with the value of every one of them at hand.
uint32_t map_byte(const ImageTables& tables, const OpRecord& op, const uint8_t* from, uint8_t* to) {
  const uint16_t value = tables.slots[op.argument + *from];
  if (value == kNoIndex) [[unlikely]]
    return op.code;
  if (field_bytes(op.store) != 1) {
    store_field(to, op.store, value);
  } else {
    *to = static_cast<uint8_t>(value);
  }
  return 0;
}

// Returns 0, or the op's reject code when the bits are too many for their place.
uint32_t or_bits(const OpRecord& op, const uint8_t* from, uint8_t* to) {
  // A negative value is above every limit here.
  const uint64_t value = load_field(from, op.load);
  if (value > op.argument) return op.code;
  store_field(to, op.store, load_field_bits(to, op.store) | value << op.steps);
  return 0;
}

// A value times a factor, or divided by one without a remainder. Exact: the factor is below 2^63,
// so the product fits 128 bits. Returns 0, or the op's reject code.
uint32_t scale(const ImageTables& tables, const OpRecord& op, const uint8_t* from, uint8_t* to) {
  const uint64_t* const factor_and_limits = tables.bounds.from(op.argument);
  const Wide value = load_wide(from, op.load);
  const auto factor = static_cast<Wide>(factor_and_limits[0]);
  const bool is_product = op.steps == 0;
  if (!is_product && value % factor != 0) return op.code;
  const Wide result = is_product ? value * factor : value / factor;
  const bool is_signed = (op.store & kFieldSigned) != 0;
  const Wide low = is_signed ? INT64_MIN : 0;
  if (result < low || result - low > static_cast<Wide>(UINT64_MAX)) return op.code;
  const auto bits = static_cast<uint64_t>(result);
  const uint64_t key = bits ^ (is_signed ? kSignBit : 0);
  if (key - factor_and_limits[1] > factor_and_limits[2]) return op.code;
  store_field(to, op.store, bits);
  return 0;
}

void widen_float(const OpRecord& op, const uint8_t* from, uint8_t* to) {
  constexpr uint64_t kNan = 0x7ff8000000000000;
  const auto value = std::bit_cast<float>(static_cast<uint32_t>(load_field_bits(from, op.load)));
  const bool is_nan = value != value;
  store_field(to, op.store, is_nan ? kNan : std::bit_cast<uint64_t>(double{value}));
}

// ASCII without its padding, into a field with padding of its own. Returns 0, or the op's reject
// code where it is too long, no ASCII, or would end like the padding.
uint32_t fit_text(const OpRecord& op, const uint8_t* from, uint8_t* to) {
  const uint8_t source_padding = (op.steps & 1) != 0 ? 0x20 : 0;
  const uint8_t target_padding = (op.steps & 2) != 0 ? 0x20 : 0;
  const auto field_bytes = static_cast<uint32_t>(op.load | op.store << 8);
  const uint32_t text_bytes = unpadded_bytes(from, field_bytes, source_padding);
  if (text_bytes > op.argument) return op.code;
  for (uint32_t index = 0; index < text_bytes; ++index) {
    if (from[index] == 0 || from[index] > 0x7F) return op.code;
  }
  if (text_bytes != 0 && from[text_bytes - 1] == target_padding) return op.code;
  std::memcpy(to, from, text_bytes);
  std::memset(to + text_bytes, target_padding, op.argument - text_bytes);
  return 0;
}

// The ops that change what was written, those that few messages need, and calls of memcpy.
// Returns as run_op does.
[[gnu::noinline]] uint32_t run_rare_op(const ImageTables& tables, const OpRecord& op,
                                       const uint8_t* from, uint8_t* to) {
  switch (op.kind) {
    case OpKind::kCopyMany:
      std::memcpy(to, from, op.argument);
      return 0;
    case OpKind::kConstMany:
      std::memcpy(to, tables.bytes.from(op.argument), op.source);
      return 0;
    case OpKind::kSwap2:
      store_u16_le(to, load_u16_be(from));
      return 0;
    case OpKind::kOrPresence:
      *to = static_cast<uint8_t>(*to | load_field_bits(from, op.load) << op.store);
      return 0;
    case OpKind::kOrBits:
      return or_bits(op, from, to);
    case OpKind::kGuard:
      return load_field_bits(from, op.load) == 0 ? kSkipNext : 0;
    case OpKind::kRequire:
      return load_field_bits(from, op.load) == 0 ? op.code : 0;
    case OpKind::kScale:
      return scale(tables, op, from, to);
    case OpKind::kPlugin:
      return plugin_transform(tables, op.argument, from, to);
    case OpKind::kRestore:
      std::memcpy(to, tables.bytes.from(op.argument), op.source);
      return 0;
    case OpKind::kFitText:
      return fit_text(op, from, to);
    default:
      widen_float(op, from, to);
      return 0;
  }
}

[[nodiscard]] uint32_t run_on_saved(const ImageTables& tables, const OpRecord& op,
                                    const TransformContext& context, const Correlating& correlating,
                                    uint8_t* output);

// Runs one op. `correlating`: what the step has found; no op of an entry needs it. Returns 0,
// kSkipNext or a reject code.
// Inlined: a call for each op costs more than most of them.
[[gnu::always_inline]] inline uint32_t run_op(const ImageTables& tables, const OpRecord& op,
                                              const uint8_t* message,
                                              const TransformContext& context,
                                              const Correlating* correlating, uint8_t* output) {
  uint8_t* const to = output + op.target;
  const uint8_t* const from = message + op.source;
  switch (op.kind) {
    case OpKind::kMapByte:
      return map_byte(tables, op, from, to);
    case OpKind::kCopy1:
      move_bytes<1>(to, from);
      return 0;
    case OpKind::kCopy2:
      move_bytes<2>(to, from);
      return 0;
    case OpKind::kCopy4:
      move_bytes<4>(to, from);
      return 0;
    case OpKind::kCopy8:
      move_bytes<8>(to, from);
      return 0;
    case OpKind::kCopy16:
      move_bytes<16>(to, from);
      return 0;
    case OpKind::kConst1:
      move_bytes<1>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kConst2:
      move_bytes<2>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kConst4:
      move_bytes<4>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kConst8:
      move_bytes<8>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kConst16:
      move_bytes<16>(to, tables.bytes.from(op.argument));
      return 0;
    case OpKind::kSwap4:
      store_u32_le(to, load_u32_be(from));
      return 0;
    case OpKind::kSwap8:
      store_u64_le(to, load_u64_be(from));
      return 0;
    case OpKind::kWiden:
      store_field(to, op.store, load_field(from, op.load));
      return 0;
    case OpKind::kNarrowChecked:
      return narrow(tables, op, message, output);
    case OpKind::kMap:
      return map_value(tables, op, message, output);
    case OpKind::kReturnAddress:
      store_field(to, op.store, context.return_address);
      return 0;
    case OpKind::kRejectCode:
      if (context.reject_code > op.argument) return op.code;
      store_field(to, op.store, context.reject_code);
      return 0;
    case OpKind::kCorrelationId:
      store_field(to, op.store, op.steps == 0 ? correlating->opening_id : correlating->found_id);
      return 0;
    case OpKind::kFromSaved:
      return run_on_saved(tables, *(&op + 1), context, *correlating, output);
    default:
      return run_rare_op(tables, op, from, to);
  }
}

// The op behind kFromSaved reads what is kept in an entry.
[[gnu::noinline]] uint32_t run_on_saved(const ImageTables& tables, const OpRecord& op,
                                        const TransformContext& context,
                                        const Correlating& correlating, uint8_t* output) {
  const uint32_t code = run_op(tables, op, correlating.saved, context, &correlating, output);
  return code == 0 ? kSkipNext : code;
}

// Most bytes of most messages are written here. What a second shuffle of the same bytes has not to
// do with is kept: it is or'ed with zero.
[[gnu::always_inline]] inline void run_shuffles(const TransformPlan& plan, const uint8_t* message,
                                                uint8_t* output) {
  for (const ShufflePlan& shuffle : plan.shuffles) {
    shuffle_bytes(output + shuffle.target, message + shuffle.source, shuffle.picks, shuffle.fill);
  }
  for (const ShufflePlan& shuffle : plan.adding) {
    uint8_t* const to = output + shuffle.target;
    shuffle_bytes(to, message + shuffle.source, shuffle.picks, to);
  }
}

// Not inlined: few messages have such ops, and all would save registers for them.
[[gnu::noinline]] uint32_t run_in_order(const ImageTables& tables, const Run<OpRecord>& ops,
                                        const uint8_t* view, const Correlating* correlating,
                                        const TransformContext& context, uint8_t* output) {
  // Not read again after each op, which might have changed it for all that the compiler knows.
  const OpRecord* const end = ops.end();
  for (const OpRecord* op = ops.begin(); op < end; ++op) {
    const uint32_t code = run_op(tables, *op, view, context, correlating, output);
    if (code == 0) [[likely]]
      continue;
    if (code != kSkipNext) return code;
    ++op;
  }
  return 0;
}

// False: a value has no entry.
[[gnu::always_inline]] inline bool run_maps(const TransformPlan& plan, const uint8_t* message,
                                            uint8_t* output) {
  bool fails = false;
  for (const MapPlan& map : plan.maps) {
    const uint16_t value = map.values[message[map.source]];
    fails |= value == kNoIndex;
    output[map.target] = static_cast<uint8_t>(value);
  }
  return !fails;
}

[[gnu::always_inline]] inline uint64_t word_of(const WordPlan& word, const Correlating* correlating,
                                               const TransformContext& context) {
  switch (word.source) {
    case WordSource::kReturnAddress:
      return context.return_address;
    case WordSource::kOpeningId:
      return correlating->opening_id;
    case WordSource::kFoundId:
      return correlating->found_id;
    default:
      return load_u64_le(correlating->saved + word.offset);
  }
}

// `correlating`: what the step has found; no word of an entry needs it.
[[gnu::always_inline]] inline void run_words(const TransformPlan& plan,
                                             const Correlating* correlating,
                                             const TransformContext& context, uint8_t* output) {
  for (const WordPlan& word : plan.words) {
    const uint64_t value = word_of(word, correlating, context);
    store_u64_le(output + word.target, word.swaps ? byte_swap(value) : value);
  }
}

// All ops in order, where a map has failed: what failed first says why. What they write is not
// used.
[[gnu::noinline, gnu::cold]] uint32_t find_failed(
    const ImageTables& tables, const TransformRecord& record, const uint8_t* view,
    const Correlating* correlating, const TransformContext& context, uint8_t* output) {
  const OpRecord* const ops = tables.ops.from(record.ops);
  const uint32_t code = run_in_order(tables, {ops + record.shuffle_count, ops + record.op_count},
                                     view, correlating, context, output);
  // Of bytes that have changed since.
  return code == 0 ? static_cast<uint32_t>(RejectCode::kMalformed) : code;
}

// A message has it inlined, entries call it.
[[gnu::always_inline]] inline uint32_t run_all(const ImageTables& tables, const TransformPlan& plan,
                                               const uint8_t* view, const Correlating* correlating,
                                               const TransformContext& context, uint8_t* output) {
  run_shuffles(plan, view, output);
  if (!run_maps(plan, view, output)) [[unlikely]]
    return find_failed(tables, *plan.record, view, correlating, context, output);
  run_words(plan, correlating, context, output);
  if (plan.ops.empty()) [[likely]]
    return 0;
  return run_in_order(tables, plan.ops, view, correlating, context, output);
}

}  // namespace

uint32_t run_ops(const ImageTables& tables, const TransformPlan& plan, const uint8_t* view,
                 const TransformContext& context, uint8_t* output) noexcept {
  return run_all(tables, plan, view, nullptr, context, output);
}

TransformResult run_transform(const RouteImage& image, const StepState& state, uint16_t transform,
                              const StepMessage& message, const TransformContext& context,
                              std::span<uint8_t> output) {
  const TransformPlan& plan = image.plan().transform(transform);
  TransformResult result{
      .reject_code =
          run_all(image.tables(), plan, message.view, state.correlating, context, output.data()),
      .patch = plan.patch,
  };
  if (plan.has_variables && result.reject_code == 0) [[unlikely]]
    result.reject_code = write_variables(image, transform, state, message, context, output);
  return result;
}

}  // namespace hyperroute
