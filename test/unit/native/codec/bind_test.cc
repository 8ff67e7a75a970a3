// Each rule of binding has its fault, in the order of the rules.
#include <gtest/gtest.h>

#include "unit/native/codec/everything.h"

namespace hyperroute {
namespace {

class Bind : public testing::Test {
 protected:
  // Where a slot's two words and the data behind it are, from the frame's start.
  static size_t at(const SlotField& slot) { return kMessageHeaderBytes + slot.offset; }
  size_t data_at(const SlotField& slot) const {
    return kMessageHeaderBytes + u32_at(frame, at(slot));
  }
  size_t first_leg() const { return data_at(fields.legs) + kGroupHeaderBytes; }
  size_t in_leg(const SlotField& slot) const { return first_leg() + slot.offset; }

  MessageFault result() const { return bind_exact(layout, frame); }

  LayoutImage image = load_layout_vector("everything-1");
  const MessageLayout& layout = image.layout();
  EverythingFields fields{layout};
  std::vector<uint8_t> frame = write_everything(layout, fields);
};

TEST_F(Bind, AcceptsWhatAWriterMade) { EXPECT_EQ(result(), MessageFault::kNone); }

TEST_F(Bind, RefusesAFrameWithoutAWholeHeader) {
  for (size_t bytes = 0; bytes < kMessageHeaderBytes; ++bytes) {
    EXPECT_EQ(bind_exact(layout, {frame.data(), bytes}), MessageFault::kTruncated);
  }
}

TEST_F(Bind, RefusesAFrameOfMoreThan16MiB) {
  frame.resize(kNativeMessageBytesMax);
  EXPECT_EQ(result(), MessageFault::kNone);
  frame.push_back(0);
  frame[0] ^= 1;  // The size is looked at before the template.
  EXPECT_EQ(result(), MessageFault::kTooLarge);
}

TEST_F(Bind, RefusesAnotherTemplateBeforeItsVersion) {
  frame[1] ^= 0x80;
  frame[2] = 0;
  EXPECT_EQ(result(), MessageFault::kWrongTemplate);
}

TEST_F(Bind, RefusesVersionZeroBeforeFlags) {
  frame[2] = 0;
  frame[3] = 1;
  EXPECT_EQ(result(), MessageFault::kBadVersion);
}

TEST_F(Bind, RefusesEachFlagBeforeTheBlock) {
  for (uint32_t bit = 0; bit < 8; ++bit) {
    frame[3] = static_cast<uint8_t>(1u << bit);
    frame[4] = 1;
    EXPECT_EQ(result(), MessageFault::kBadFlags);
  }
}

TEST_F(Bind, RefusesABlockThatIsNotOfItsVersion) {
  const auto block_bytes = static_cast<uint16_t>(layout.block_bytes());
  for (const uint32_t wrong : {0u, block_bytes - 8u, block_bytes + 8u, 0xffffu}) {
    put_u16(frame, 4, static_cast<uint16_t>(wrong));
    frame[6] ^= 1;  // The fingerprint comes later.
    EXPECT_EQ(result(), MessageFault::kBadBlock) << wrong;
  }
}

TEST_F(Bind, RefusesAnotherSchemaWithTheSameTemplate) {
  frame[7] ^= 1;
  EXPECT_EQ(result(), MessageFault::kWrongSchema);
}

TEST_F(Bind, RefusesAFrameThatEndsInsideTheBlock) {
  const size_t fixed_bytes = kMessageHeaderBytes + layout.block_bytes();
  EXPECT_EQ(bind_exact(layout, {frame.data(), fixed_bytes - 1}), MessageFault::kTruncated);
  EXPECT_EQ(bind_exact(layout, {frame.data(), fixed_bytes}), MessageFault::kBadSlot);
}

TEST_F(Bind, RefusesDataOfAnAbsentOptionalField) {
  frame[first_leg() + fields.parts.presence_offset] &=
      static_cast<uint8_t>(~fields.parts.presence_mask);
  EXPECT_EQ(result(), MessageFault::kBadSlot);
}

TEST_F(Bind, AcceptsAPresentFieldWithoutData) {
  frame.resize(kMessageHeaderBytes + layout.block_bytes());
  put_u32(frame, at(fields.data), 0);
  put_u32(frame, at(fields.data) + 4, 0);
  put_u32(frame, at(fields.legs), 0);
  put_u32(frame, at(fields.legs) + 4, 0);
  EXPECT_EQ(result(), MessageFault::kNone);
}

TEST_F(Bind, RefusesASlotWithAnOffsetAndNoBytes) {
  put_u32(frame, at(fields.data) + 4, 0);
  EXPECT_EQ(result(), MessageFault::kBadSlot);
}

TEST_F(Bind, RefusesAnOffsetBeforeTheCursor) {
  put_u32(frame, at(fields.data), layout.block_bytes() - 1);
  EXPECT_EQ(result(), MessageFault::kBadSlot);
}

TEST_F(Bind, RefusesTwoFieldsThatShareBytes) {
  put_u32(frame, at(fields.data) + 4, 16);  // Into the group behind it.
  EXPECT_EQ(result(), MessageFault::kBadSlot);
}

TEST_F(Bind, RefusesAnOffsetBehindTheBody) {
  const auto body_bytes = static_cast<uint32_t>(frame.size() - kMessageHeaderBytes);
  put_u32(frame, at(fields.legs), body_bytes + 8);
  EXPECT_EQ(result(), MessageFault::kBadSlot);
}

TEST_F(Bind, RefusesOffsetsAndSizesWhoseSumWraps) {
  for (const uint32_t bytes : {0x1000u, 0x7fffffffu, 0xffffff00u, 0xffffffffu}) {
    for (const uint32_t offset : {layout.block_bytes(), 0xfffffff8u, 0x100u - bytes, 0u - bytes}) {
      std::vector<uint8_t> wrapped(frame.begin(), frame.end());
      put_u32(wrapped, at(fields.data), offset);
      put_u32(wrapped, at(fields.data) + 4, bytes);
      EXPECT_NE(bind_exact(layout, wrapped), MessageFault::kNone) << offset << "+" << bytes;
    }
  }
}

TEST_F(Bind, RefusesTextThatIsTooLongOnlyIfItIsThere) {
  const uint32_t too_long = 17;  // The name has at most 16 bytes.
  put_u32(frame, in_leg(fields.leg_name) + 4, too_long);
  EXPECT_EQ(result(), MessageFault::kTooLong);
  put_u32(frame, in_leg(fields.leg_name) + 4, 0xffff);
  EXPECT_EQ(result(), MessageFault::kBadSlot);
}

TEST_F(Bind, RefusesAGroupThatIsNotAligned) {
  put_u32(frame, at(fields.legs), u32_at(frame, at(fields.legs)) + 4);
  EXPECT_EQ(result(), MessageFault::kBadSlot);
}

TEST_F(Bind, RefusesAGroupWithoutAHeader) {
  const size_t start = data_at(fields.legs);
  EXPECT_EQ(bind_exact(layout, {frame.data(), start + 7}), MessageFault::kBadSlot);
  // With the header there, the entries are missing.
  EXPECT_EQ(bind_exact(layout, {frame.data(), start + 8}), MessageFault::kBadSlot);
}

TEST_F(Bind, RefusesTooManyEntriesBeforeTheirStride) {
  put_u32(frame, at(fields.legs) + 4, 9);  // Of at most 8.
  put_u16(frame, data_at(fields.legs), 0);
  EXPECT_EQ(result(), MessageFault::kTooLong);
}

TEST_F(Bind, RefusesEntriesThatAreNotOfTheirVersion) {
  const auto stride = static_cast<uint16_t>(fields.legs.entry_bytes);
  for (const uint32_t wrong : {0u, stride - 8u, stride + 8u, 0xfff8u}) {
    put_u16(frame, data_at(fields.legs), static_cast<uint16_t>(wrong));
    frame[data_at(fields.legs) + 4] = 1;  // The reserved bytes come later.
    EXPECT_EQ(result(), MessageFault::kBadStride) << wrong;
  }
}

TEST_F(Bind, RefusesReservedBytesOfAGroup) {
  for (size_t index = 2; index < 8; ++index) {
    std::vector<uint8_t> changed = frame;
    changed[data_at(fields.legs) + index] = 1;
    EXPECT_EQ(bind_exact(layout, changed), MessageFault::kBadSlot) << index;
  }
}

TEST_F(Bind, RefusesMoreEntriesThanTheFrameHolds) {
  put_u32(frame, at(fields.legs) + 4, 8);
  EXPECT_EQ(result(), MessageFault::kBadSlot);
}

TEST_F(Bind, FollowsTheSlotsOfEntriesAtEveryDepth) {
  const size_t parts = kMessageHeaderBytes + u32_at(frame, in_leg(fields.parts));
  const size_t second_part = parts + kGroupHeaderBytes + fields.parts.entry_bytes;
  for (const size_t slot : {second_part + fields.memo.offset, second_part + fields.deep.offset}) {
    std::vector<uint8_t> changed = frame;
    put_u32(changed, slot, 8);  // Back into the message's block.
    EXPECT_EQ(bind_exact(layout, changed), MessageFault::kBadSlot);
    put_u32(changed, slot, 0x00ffffff);
    EXPECT_EQ(bind_exact(layout, changed), MessageFault::kBadSlot);
  }
}

TEST_F(Bind, LeavesTrailingBytesAlone) {
  frame.insert(frame.end(), {1, 2, 3, 4, 5});
  EXPECT_EQ(result(), MessageFault::kNone);
}

TEST_F(Bind, RefusesEveryMessageOfAForeignLayout) {
  const LayoutImage packet = load_layout_vector("packet");
  EXPECT_EQ(bind_exact(packet.layout(), frame), MessageFault::kWrongTemplate);
}

}  // namespace
}  // namespace hyperroute
