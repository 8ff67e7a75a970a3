// Writers: what they refuse, and that nothing of what the memory held before is left in a message.
#include <gtest/gtest.h>

#include <limits>

#include "codec/value_check.h"
#include "unit/native/codec/everything.h"

namespace hyperroute {
namespace {

class Write : public testing::Test {
 protected:
  LayoutImage image = load_layout_vector("everything-3");
  const MessageLayout& layout = image.layout();
  EverythingFields fields{layout};
  std::vector<uint8_t> memory = std::vector<uint8_t>(4096, 0xA5);
  MessageWriter writer;
};

TEST_F(Write, StartsFromTheFallbacksOfLiveAndRemovedFields) {
  writer.begin(layout, memory);
  ASSERT_EQ(writer.finish(), kMessageHeaderBytes + layout.block_bytes());
  Message message;
  ASSERT_EQ(bind(layout, memory.data(), writer.finish(), message), MessageFault::kNone);
  EXPECT_EQ(message.get(find_or_die<Optional<Field<double>>>(layout, "rate")), 0.25);
  EXPECT_EQ(message.get(find_or_die<Optional<AsciiField>>(layout, "desk")), "MAIN");
  EXPECT_FALSE(message.has(find_or_die<Optional<Field<bool>>>(layout, "late")));
  const LayoutImage first = load_layout_vector("everything-1");
  ASSERT_EQ(bind(first.layout(), memory.data(), writer.finish(), message), MessageFault::kNone);
  EXPECT_EQ(message.get(find_or_die<Field<uint32_t>>(first.layout(), "fee")), 12u);
}

TEST_F(Write, LeavesNothingOfWhatTheMemoryHeld) {
  const std::vector<uint8_t> expected = write_everything(layout, fields);
  for (const uint8_t poison : {uint8_t{0}, uint8_t{0x5A}, uint8_t{0xFF}}) {
    std::fill(memory.begin(), memory.end(), poison);
    // The memory held a longer message a moment ago.
    const std::vector<uint8_t> again = write_everything(layout, fields);
    EXPECT_EQ(again, expected);
    const LayoutImage orders = load_layout_vector("new-order");
    const uint32_t bytes =
        write_new_order(orders.layout(), NewOrderFields(orders.layout()), memory);
    ASSERT_EQ(bytes, 104u);
    std::vector<uint8_t> zeroed(4096, 0);
    ASSERT_EQ(write_new_order(orders.layout(), NewOrderFields(orders.layout()), zeroed), 104u);
    EXPECT_TRUE(std::equal(zeroed.begin(), zeroed.begin() + 104, memory.begin()));
    EXPECT_EQ(memory[104], poison);
  }
}

TEST_F(Write, HasNoRoomInEveryMemoryThatIsTooSmall) {
  const LayoutImage orders = load_layout_vector("new-order");
  const NewOrderFields order(orders.layout());
  for (size_t bytes = 0; bytes < 104; ++bytes) {
    // Of exactly that size, so that a sanitizer sees a write behind it.
    std::vector<uint8_t> small(bytes);
    EXPECT_EQ(write_new_order(orders.layout(), order, small), 0u) << bytes;
  }
}

TEST_F(Write, WritesNothingBeforeItBeginsOrWithoutRoom) {
  writer.set(fields.n32, 1);
  writer.set(fields.data, memory);
  EXPECT_EQ(writer.finish(), 0u);
  EXPECT_EQ(writer.fault(), WriteFault::kNoRoom);
  writer.begin(layout, std::span<uint8_t>(memory.data(), 10));
  writer.set(fields.n32, 1);
  writer.set(fields.data, memory);
  EntryWriter leg = writer.group(fields.legs, 1);
  leg.set(fields.leg_qty, 1);
  EXPECT_FALSE(leg.next());
  EXPECT_EQ(writer.finish(), 0u);
  EXPECT_EQ(writer.fault(), WriteFault::kNoRoom);
  EXPECT_EQ(memory, std::vector<uint8_t>(4096, 0xA5));
}

TEST_F(Write, RefusesASlotBeforeOneThatIsWritten) {
  writer.begin(layout, memory);
  (void)writer.group(fields.legs, 1);
  writer.set(fields.data, std::span<const uint8_t>(memory.data(), 1));
  EXPECT_EQ(writer.fault(), WriteFault::kOutOfOrder);
  EXPECT_EQ(writer.finish(), 0u);
  writer.begin(layout, memory);
  EXPECT_NE(writer.finish(), 0u);
}

TEST_F(Write, RefusesTheSameSlotTwice) {
  writer.begin(layout, memory);
  writer.set(fields.data, std::span<const uint8_t>(memory.data(), 1));
  writer.set(fields.data, std::span<const uint8_t>(memory.data(), 1));
  EXPECT_EQ(writer.fault(), WriteFault::kOutOfOrder);
}

TEST_F(Write, RefusesEntriesOnceTheirParentWentOn) {
  writer.begin(layout, memory);
  EntryWriter leg = writer.group(fields.legs, 1);
  writer.set(find_or_die<Optional<StringField>>(layout, "memo"), "on");
  leg.set(fields.leg_name, "late");
  EXPECT_EQ(writer.fault(), WriteFault::kOutOfOrder);
}

TEST_F(Write, RefusesInnerEntriesOnceTheOuterEntryMoved) {
  writer.begin(layout, memory);
  EntryWriter leg = writer.group(fields.legs, 2);
  EntryWriter part = leg.group(fields.parts, 1);
  leg.next();
  leg.set(fields.leg_name, "second");
  part.set(fields.memo, std::span<const uint8_t>(memory.data(), 1));
  EXPECT_EQ(writer.fault(), WriteFault::kOutOfOrder);
}

TEST_F(Write, RefusesASlotOfAnotherBlock) {
  writer.begin(layout, memory);
  EntryWriter leg = writer.group(fields.legs, 1);
  leg.set(find_or_die<Optional<StringField>>(layout, "memo"), "outer");
  EXPECT_EQ(writer.fault(), WriteFault::kOutOfOrder);
}

TEST_F(Write, RefusesMoreThanTheSchemaAllows) {
  writer.begin(layout, memory);
  (void)writer.group(fields.legs, 9);
  EXPECT_EQ(writer.fault(), WriteFault::kTooLong);
  writer.begin(layout, memory);
  writer.set(find_or_die<Optional<StringField>>(layout, "memo"), std::string(21, 'x'));
  EXPECT_EQ(writer.fault(), WriteFault::kTooLong);
  writer.begin(layout, memory);
  writer.set(find_or_die<AsciiField>(layout, "symbol"), "NINECHARS");
  EXPECT_EQ(writer.fault(), WriteFault::kTooLong);
}

TEST_F(Write, RefusesOtherThanExactlyTheBytesOrElementsOfAField) {
  const auto key = find_or_die<BytesField>(layout, "key");
  for (const size_t bytes : {size_t{2}, size_t{4}}) {
    writer.begin(layout, memory);
    writer.set(key, std::span<const uint8_t>(memory.data(), bytes));
    EXPECT_EQ(writer.fault(), WriteFault::kWrongSize) << bytes;
  }
  const auto values = find_or_die<ArrayField<float>>(layout, "values");
  const std::vector<float> floats(4, 1.0f);
  for (const size_t count : {size_t{2}, size_t{4}}) {
    writer.begin(layout, memory);
    writer.set(values, std::span<const float>(floats.data(), count));
    EXPECT_EQ(writer.fault(), WriteFault::kWrongSize) << count;
  }
  writer.begin(layout, memory);
  writer.set_at(values, 3, 1.0f);
  EXPECT_EQ(writer.fault(), WriteFault::kWrongSize);
}

TEST_F(Write, IgnoresWhatIsSetInNoEntry) {
  for (const uint32_t count : {0u, 1u}) {
    writer.begin(layout, memory);
    EntryWriter leg = writer.group(fields.legs, count);
    // Of no entries at once, else behind the last.
    if (count == 1) {
      EXPECT_FALSE(leg.next());
    }
    const uint32_t before = writer.finish();
    const std::vector<uint8_t> kept(memory.begin(), memory.begin() + before);
    leg.set(fields.leg_qty, 7);
    leg.set(fields.leg_name, "nobody");
    EntryWriter part = leg.group(fields.parts, 2);
    part.set(fields.memo, std::span<const uint8_t>(memory.data(), 1));
    EXPECT_FALSE(part.next());
    EXPECT_EQ(writer.fault(), WriteFault::kNone) << count;
    ASSERT_EQ(writer.finish(), before) << count;
    EXPECT_TRUE(std::equal(kept.begin(), kept.end(), memory.begin())) << count;
    // The message goes on.
    writer.set(find_or_die<Optional<StringField>>(layout, "memo"), "on");
    EXPECT_EQ(writer.fault(), WriteFault::kNone) << count;
  }
}

TEST_F(Write, RefusesMoreThan16MiB) {
  std::vector<uint8_t> large(kNativeMessageBytesMax + 4096u);
  const LayoutImage orders = load_layout_vector("new-order");
  MessageWriter order;
  order.begin(orders.layout(), large);
  StringField text = find_or_die<StringField>(orders.layout(), "text");
  text.max = UINT32_MAX;
  order.set(text, std::string(kNativeMessageBytesMax, 'x'));
  EXPECT_EQ(order.fault(), WriteFault::kNoRoom);
}

TEST_F(Write, HasOneNaN) {
  writer.begin(layout, memory);
  const auto single = find_or_die<Field<float>>(layout, "single");
  const auto wide = find_or_die<Field<double>>(layout, "double");
  writer.set(single, -std::numeric_limits<float>::signaling_NaN());
  writer.set(wide, -std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(u32_at(memory, kMessageHeaderBytes + single.offset), 0x7fc00000u);
  EXPECT_EQ(u32_at(memory, kMessageHeaderBytes + wide.offset), 0u);
  EXPECT_EQ(u32_at(memory, kMessageHeaderBytes + wide.offset + 4), 0x7ff80000u);
}

TEST_F(Write, MarksOptionalFieldsThatAreSet) {
  const auto late = find_or_die<Optional<Field<bool>>>(layout, "late");
  writer.begin(layout, memory);
  writer.set(late, false);
  EntryWriter leg = writer.group(fields.legs, 2);
  const auto label = find_or_die<Optional<StringField>>(layout, "legs.label");
  leg.set(label, "");
  ASSERT_TRUE(leg.next());
  ASSERT_FALSE(leg.next());
  Message message;
  ASSERT_EQ(bind(layout, memory.data(), writer.finish(), message), MessageFault::kNone);
  EXPECT_TRUE(message.has(late));
  EXPECT_FALSE(message.get(late));
  const Entries legs = message.get(fields.legs);
  EXPECT_TRUE(legs[0].has(label));
  EXPECT_FALSE(legs[1].has(label));
  EXPECT_EQ(legs[0].get(label), "");
}

TEST_F(Write, ShortTextReplacesLongerTextInFixedFields) {
  const auto symbol = find_or_die<AsciiField>(layout, "symbol");
  const auto note = find_or_die<AsciiField>(layout, "note");
  for (const std::string text : {"ABCDEFGH", "ABCDEFG", "ABCD", "ABC", "A", ""}) {
    writer.begin(layout, memory);
    writer.set(symbol, "12345678");
    writer.set(symbol, text);
    writer.set(note, "54321");
    writer.set(note, text.substr(0, 5));
    Message message;
    ASSERT_EQ(bind(layout, memory.data(), writer.finish(), message), MessageFault::kNone);
    EXPECT_EQ(check_values(layout, message), MessageFault::kNone);
    EXPECT_EQ(message.get(symbol), text);
    EXPECT_EQ(message.get(note), text.substr(0, 5));
  }
}

TEST_F(Write, CopiesTextOfEveryLength) {
  const LayoutImage orders = load_layout_vector("new-order");
  const NewOrderFields order(orders.layout());
  for (uint32_t bytes = 0; bytes <= 64; ++bytes) {
    std::string text;
    for (uint32_t index = 0; index < bytes; ++index) text += static_cast<char>('0' + index);
    writer.begin(orders.layout(), memory);
    writer.set(order.text, text);
    Message message;
    ASSERT_EQ(bind(orders.layout(), memory.data(), writer.finish(), message), MessageFault::kNone);
    EXPECT_EQ(message.get(order.text), text);
  }
}

}  // namespace
}  // namespace hyperroute
