// Runs a verified condition program: arithmetic over a message's fields, exact in 128 bits.
//
// Thread: any (pure functions). Data path: checks and rules that compare sums, differences or
// products; conditions on single fields never come here, class maps decide them. A program ends
// after at most as many steps as it has instructions, since jumps only go forward.
#pragma once

#include <cstdint>

#include "codec/field_datapath.h"
#include "route/image.h"
#include "route/plugin_datapath.h"
#include "route/topic_map_datapath.h"

namespace hyperroute {

__extension__ typedef __int128 Wide;

enum class Truth : uint8_t { kFalse, kTrue, kOverflow };

inline Wide wide_of(const WideRecord& record) noexcept {
  __extension__ typedef unsigned __int128 UnsignedWide;
  return static_cast<Wide>((static_cast<UnsignedWide>(record.high) << 64) | record.low);
}

inline Wide load_wide(const uint8_t* from, FieldKind kind) noexcept {
  const uint64_t value = load_field(from, kind);
  if ((kind & kFieldSigned) != 0) return static_cast<int64_t>(value);
  return static_cast<Wide>(value);
}

// Whether the value lies in one of `count` ascending closed intervals, stored as pairs.
inline bool lies_within(const WideRecord* intervals, uint32_t count, Wide value) noexcept {
  uint32_t low = 0;
  uint32_t high = count;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (wide_of(intervals[2 * middle]) <= value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low != 0 && value <= wide_of(intervals[2 * low - 1]);
}

inline bool compare_wide(Opcode code, Wide left, Wide right) noexcept {
  switch (code) {
    case Opcode::kEqual:
      return left == right;
    case Opcode::kNotEqual:
      return left != right;
    case Opcode::kLess:
      return left < right;
    case Opcode::kLessEqual:
      return left <= right;
    case Opcode::kGreater:
      return left > right;
    default:
      return left >= right;
  }
}

// Returns whether the result overflowed.
inline bool combine_wide(Opcode code, Wide left, Wide right, Wide* result) noexcept {
  switch (code) {
    case Opcode::kAdd:
      return __builtin_add_overflow(left, right, result);
    case Opcode::kSub:
      return __builtin_sub_overflow(left, right, result);
    default:
      return __builtin_mul_overflow(left, right, result);
  }
}

inline Truth run_program(const ImageTables& tables, uint32_t first, uint32_t count,
                         const StepMessage& message) noexcept {
  const Instruction* const program = tables.instructions.from(first);
  Wide stack[kProgramStackMax];
  uint32_t depth = 0;
  bool flag = false;
  for (uint32_t index = 0; index < count;) {
    const Instruction& instruction = program[index++];
    switch (instruction.code) {
      case Opcode::kPushField:
        stack[depth++] = load_wide(message.view + instruction.offset, instruction.load);
        break;
      case Opcode::kPushConst:
        stack[depth++] = wide_of(tables.wides[instruction.argument]);
        break;
      case Opcode::kAdd:
      case Opcode::kSub:
      case Opcode::kMul:
        --depth;
        if (combine_wide(instruction.code, stack[depth - 1], stack[depth], &stack[depth - 1])) {
          return Truth::kOverflow;
        }
        break;
      case Opcode::kIn:
        flag = lies_within(tables.wides.from(instruction.argument), instruction.offset,
                           stack[--depth]);
        break;
      case Opcode::kPushText:
        stack[depth++] = text_answer(tables, tables.text_maps[instruction.argument], message);
        break;
      case Opcode::kNot:
        flag = !flag;
        break;
      case Opcode::kSetFlag:
        flag = instruction.argument != 0;
        break;
      case Opcode::kPlugin:
        flag = plugin_matches(tables, instruction.argument, message.view);
        break;
      case Opcode::kJumpIfFalse:
        if (!flag) index = instruction.argument;
        break;
      case Opcode::kJumpIfTrue:
        if (flag) index = instruction.argument;
        break;
      default:
        depth -= 2;
        flag = compare_wide(instruction.code, stack[depth], stack[depth + 1]);
        break;
    }
  }
  return flag ? Truth::kTrue : Truth::kFalse;
}

}  // namespace hyperroute
