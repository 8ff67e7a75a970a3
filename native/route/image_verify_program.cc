// Verification of a route image: condition programs. A verified program ends after at most as
// many instructions as it has, never reads outside the message and never leaves its stack.
// Thread: control thread, before the image is installed. Not on the data path.
#include <vector>

#include "route/image_verify.h"
#include "route/program_datapath.h"

namespace hyperroute {
namespace {

// Values an instruction takes from the stack and leaves on it.
struct StackEffect {
  uint32_t taken;
  uint32_t left;
};

StackEffect effect_of(Opcode code) {
  switch (code) {
    case Opcode::kPushField:
    case Opcode::kPushConst:
    case Opcode::kPushText:
      return {0, 1};
    case Opcode::kAdd:
    case Opcode::kSub:
    case Opcode::kMul:
      return {2, 1};
    case Opcode::kEqual:
    case Opcode::kNotEqual:
    case Opcode::kLess:
    case Opcode::kLessEqual:
    case Opcode::kGreater:
    case Opcode::kGreaterEqual:
      return {2, 0};
    case Opcode::kIn:
      return {1, 0};
    default:
      return {0, 0};
  }
}

bool is_jump(Opcode code) { return code == Opcode::kJumpIfFalse || code == Opcode::kJumpIfTrue; }

}  // namespace

Status ImageVerifier::verify_instruction(const Instruction& instruction, const RouteRecord& route) {
  HR_IMAGE_REQUIRE(instruction.code < Opcode::kCount, "an unknown instruction");
  if (instruction.code == Opcode::kPushField) {
    HR_IMAGE_REQUIRE(field_fits(instruction.load, instruction.offset, route.message_bytes),
                     "a program reads outside its message");
  }
  if (instruction.code == Opcode::kPlugin) {
    return verify_plugin_use(instruction.argument, PluginKind::kMatch, route.message_bytes);
  }
  if (instruction.code == Opcode::kPushText) return verify_text_of(instruction.argument, route);
  if (instruction.code == Opcode::kPushConst) {
    return verify_run(instruction.argument, 1, tables_.wides.count, "constants");
  }
  if (instruction.code == Opcode::kIn) {
    const uint32_t count = instruction.offset;
    HR_TRY(verify_run(instruction.argument, 2ull * count, tables_.wides.count, "intervals"));
    for (uint32_t index = 0; index < 2 * count; ++index) {
      if (index == 0) continue;
      const Wide before = wide_of(tables_.wides[instruction.argument + index - 1]);
      const Wide after = wide_of(tables_.wides[instruction.argument + index]);
      HR_IMAGE_REQUIRE(before <= after, "intervals are not ascending");
    }
  }
  return Status::success();
}

Status ImageVerifier::verify_program(uint32_t first, uint32_t count, const RouteRecord& route) {
  HR_IMAGE_REQUIRE(count >= 1, "an empty program");
  HR_TRY(verify_run(first, count, tables_.instructions.count, "instructions"));
  std::vector<bool> is_target(static_cast<size_t>(count) + 1, false);
  uint32_t depth = 0;
  for (uint32_t index = 0; index < count; ++index) {
    HR_IMAGE_REQUIRE(depth == 0 || !is_target[index], "a jump into the middle of an expression");
    const Instruction& instruction = tables_.instructions[first + index];
    HR_TRY(verify_instruction(instruction, route));
    const StackEffect effect = effect_of(instruction.code);
    HR_IMAGE_REQUIRE(depth >= effect.taken, "a program takes from an empty stack");
    depth = depth - effect.taken + effect.left;
    HR_IMAGE_REQUIRE(depth <= kProgramStackMax, "a program needs too deep a stack");
    if (!is_jump(instruction.code)) continue;
    HR_IMAGE_REQUIRE(depth == 0 && instruction.argument > index && instruction.argument <= count,
                     "a jump that is not forward, or out of an expression");
    is_target[instruction.argument] = true;
  }
  HR_IMAGE_REQUIRE(depth == 0, "a program leaves values on its stack");
  return Status::success();
}

}  // namespace hyperroute
