// Every cut and every single-bit flip of some messages: a fault, or a message that can be read and
// rewritten in full. Frames lie in memory of exactly their size, so a sanitizer sees each read.
#include <gtest/gtest.h>

#include "codec/rewrite.h"
#include "codec/value_check.h"
#include "unit/native/codec/everything.h"
#include "unit/native/codec/message_walk.h"

namespace hyperroute {
namespace {

struct Outcome {
  uint32_t refused = 0;
  uint32_t accepted = 0;
};

void visit(const MessageLayout& layout, const std::vector<uint8_t>& frame, Outcome& outcome) {
  Message message;
  if (bind(layout, frame.data(), frame.size(), message) != MessageFault::kNone) {
    ++outcome.refused;
    return;
  }
  ++outcome.accepted;
  (void)walk_message(layout, message);
  if (check_values(layout, message) != MessageFault::kNone) return;
  std::vector<uint8_t> memory(1 << 16, 0xA5);
  WriteFault fault = WriteFault::kNone;
  const uint32_t bytes = rewrite(layout, message, memory, fault);
  ASSERT_NE(bytes, 0u);
  Message again;
  ASSERT_EQ(bind(layout, memory.data(), bytes, again), MessageFault::kNone);
  std::vector<uint8_t> second(bytes);
  ASSERT_EQ(rewrite(layout, again, second, fault), bytes);
  ASSERT_TRUE(std::equal(second.begin(), second.end(), memory.begin()));
}

void damage_all(const MessageLayout& layout, const std::vector<uint8_t>& frame) {
  Outcome outcome;
  for (size_t bytes = 0; bytes < frame.size(); ++bytes) {
    visit(layout, {frame.begin(), frame.begin() + static_cast<ptrdiff_t>(bytes)}, outcome);
  }
  EXPECT_EQ(outcome.accepted, 0u);  // Nothing trails in these messages: each cut is seen.
  for (size_t bit = 0; bit < frame.size() * 8; ++bit) {
    std::vector<uint8_t> changed = frame;
    changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
    visit(layout, changed, outcome);
  }
  EXPECT_GT(outcome.accepted, 0u);
}

TEST(DamagedMessages, OfNewOrder) {
  const LayoutImage image = load_layout_vector("new-order");
  std::vector<uint8_t> frame(104);
  ASSERT_EQ(write_new_order(image.layout(), NewOrderFields(image.layout()), frame), 104u);
  damage_all(image.layout(), frame);
}

TEST(DamagedMessages, OfEveryVersionReadByEveryOther) {
  for (const char* const writer : {"everything-1", "everything-2", "everything-3"}) {
    const LayoutImage written = load_layout_vector(writer);
    const auto frame = write_everything(written.layout(), EverythingFields(written.layout()));
    for (const char* const reader : {"everything-1", "everything-2", "everything-3"}) {
      damage_all(load_layout_vector(reader).layout(), frame);
    }
  }
}

}  // namespace
}  // namespace hyperroute
