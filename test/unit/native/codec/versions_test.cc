// Messages of every version, read by every version.
#include <gtest/gtest.h>

#include "codec/rewrite.h"
#include "codec/value_check.h"
#include "unit/native/codec/everything.h"

namespace hyperroute {
namespace {

class Versions : public testing::Test {
 protected:
  LayoutImage images[3] = {load_layout_vector("everything-1"), load_layout_vector("everything-2"),
                           load_layout_vector("everything-3")};
  const MessageLayout& v1 = images[0].layout();
  const MessageLayout& v2 = images[1].layout();
  const MessageLayout& v3 = images[2].layout();
};

TEST_F(Versions, OlderMessagesHaveTheFallbacksOfWhatTheyLack) {
  const std::vector<uint8_t> frame = write_everything(v1, EverythingFields(v1));
  Message message;
  ASSERT_EQ(bind(v3, frame.data(), frame.size(), message), MessageFault::kNone);
  EXPECT_EQ(message.version(), 1);
  EXPECT_EQ(message.get(find_or_die<Optional<Field<double>>>(v3, "rate")), 0.25);
  EXPECT_EQ(message.get(find_or_die<Optional<AsciiField>>(v3, "desk")), "MAIN");
  EXPECT_FALSE(message.has(find_or_die<Optional<Field<bool>>>(v3, "late")));
  EXPECT_EQ(message.get(find_or_die<Optional<StringField>>(v3, "memo")), "");
  EXPECT_EQ(message.get(find_or_die<Optional<GroupField>>(v3, "extra")).count(), 0u);
  const auto scale = message.get(find_or_die<Optional<ArrayField<int16_t>>>(v3, "scale"));
  EXPECT_EQ(scale[0], 7);
  EXPECT_EQ(scale[1], -7);
  const EverythingFields fields(v3);
  EXPECT_EQ(message.get(fields.n32), 32u);
  const Entries legs = message.get(fields.legs);
  ASSERT_EQ(legs.count(), 2u);
  EXPECT_EQ(legs[0].get(find_or_die<Optional<Field<uint32_t>>>(v3, "legs.fee")), 3u);
  EXPECT_FALSE(legs[0].has(find_or_die<Optional<StringField>>(v3, "legs.label")));
  EXPECT_EQ(legs[0].get(fields.leg_name), "first");
  EXPECT_EQ(legs[0].get(fields.parts)[1].get(fields.part_id), 71u);
  EXPECT_EQ(legs[1].get(fields.leg_qty), 8u);
}

TEST_F(Versions, NewerMessagesAreReadByTheirOlderPart) {
  const std::vector<uint8_t> frame = write_everything(v3, EverythingFields(v3));
  Message message;
  ASSERT_EQ(bind(v1, frame.data(), frame.size(), message), MessageFault::kNone);
  EXPECT_EQ(message.version(), 3);
  const EverythingFields fields(v1);
  EXPECT_EQ(message.get(fields.n32), 32u);
  // Version 2 removed it and writes its fallback.
  EXPECT_EQ(message.get(find_or_die<Field<uint32_t>>(v1, "fee")), 12u);
  const Entries legs = message.get(fields.legs);
  ASSERT_EQ(legs.count(), 2u);
  EXPECT_GT(legs[0].block_bytes(), fields.legs.entry_bytes);
  EXPECT_EQ(legs[0].get(fields.leg_name), "first");
  EXPECT_EQ(legs[1].get(fields.leg_qty), 8u);
}

TEST_F(Versions, ANewerMessageNeedsABlockAndEntriesAtLeastAsLarge) {
  const EverythingFields fields(v1);
  std::vector<uint8_t> frame = write_everything(v1, fields);
  frame[2] = 9;  // With the sizes of version 1, which a newer one can have.
  frame[6] ^= 1;
  EXPECT_EQ(bind_exact(v1, frame), MessageFault::kNone);
  const size_t legs = kMessageHeaderBytes + u32_at(frame, kMessageHeaderBytes + fields.legs.offset);
  std::vector<uint8_t> changed = frame;
  put_u16(changed, legs, static_cast<uint16_t>(fields.legs.entry_bytes - 8));
  EXPECT_EQ(bind_exact(v1, changed), MessageFault::kBadStride);
  put_u16(changed, legs, static_cast<uint16_t>(fields.legs.entry_bytes + 4));
  EXPECT_EQ(bind_exact(v1, changed), MessageFault::kBadStride);
  changed = frame;
  put_u16(changed, 4, static_cast<uint16_t>(v1.block_bytes() - 8));
  EXPECT_EQ(bind_exact(v1, changed), MessageFault::kBadBlock);
  put_u16(changed, 4, static_cast<uint16_t>(v1.block_bytes() + 4));
  EXPECT_EQ(bind_exact(v1, changed), MessageFault::kBadBlock);
}

TEST_F(Versions, EachVersionKnowsOnlyTheFingerprintsUpToItsOwn) {
  std::vector<uint8_t> frame = write_everything(v2, EverythingFields(v2));
  frame[7] ^= 1;
  EXPECT_EQ(bind_exact(v1, frame), MessageFault::kNone);
  EXPECT_EQ(bind_exact(v2, frame), MessageFault::kWrongSchema);
  EXPECT_EQ(bind_exact(v3, frame), MessageFault::kWrongSchema);
}

TEST_F(Versions, RewritingBringsAnOlderMessageToTheNewestVersion) {
  const std::vector<uint8_t> frame = write_everything(v1, EverythingFields(v1));
  Message message;
  ASSERT_EQ(bind(v3, frame.data(), frame.size(), message), MessageFault::kNone);
  ASSERT_EQ(check_values(v3, message), MessageFault::kNone);
  std::vector<uint8_t> memory(4096, 0xA5);
  WriteFault fault = WriteFault::kNone;
  const uint32_t bytes = rewrite(v3, message, memory, fault);
  ASSERT_NE(bytes, 0u);
  // What was never set and what the older message did not have is written alike.
  const std::vector<uint8_t> direct = write_everything(v3, EverythingFields(v3));
  EXPECT_EQ(std::vector<uint8_t>(memory.begin(), memory.begin() + bytes), direct);
}

}  // namespace
}  // namespace hyperroute
