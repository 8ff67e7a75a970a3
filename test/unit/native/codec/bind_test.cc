// Each rule of binding has its fault, in the order of the rules.
#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"
#include "unit/native/codec/everything.h"
#include "unit/native/codec/message_walk.h"

namespace hyperroute {
namespace {

constexpr uint64_t kFlatSeed = 4711;

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
  frame[first_leg() + fields.parts.presence.offset] &=
      static_cast<uint8_t>(~fields.parts.presence.mask);
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

TEST(BindFlat, SaysOfDamagedMessagesWhatTheLongWaySays) {
  const LayoutImage image = load_layout_vector("new-order");
  const MessageLayout& layout = image.layout();
  ASSERT_EQ(layout.flat_block_bytes(), layout.block_bytes());
  std::vector<uint8_t> sound(104);
  ASSERT_EQ(write_new_order(layout, NewOrderFields(layout), sound), sound.size());
  Prng random(kFlatSeed);
  std::set<MessageFault> seen;
  for (uint32_t round = 0; round < 20'000; ++round) {
    std::vector<uint8_t> frame = sound;
    if (random.next_u64() % 4 == 0) frame.resize(random.next_u64() % sound.size());
    for (uint64_t count = random.next_u64() % 4; count > 0; --count) {
      // Header, slots and the group's header, where the structure is.
      static constexpr uint32_t kStarts[] = {0, 40, 80};
      const uint64_t position = kStarts[random.next_u64() % 3] + random.next_u64() % 16;
      if (position < frame.size())
        frame[position] = static_cast<uint8_t>(
            random.next_u64() % 5 == 0 ? random.next_u64() : random.next_u64() % 128);
    }
    frame.shrink_to_fit();
    Message message;
    const MessageFault fault = bind(layout, frame.data(), frame.size(), message);
    ASSERT_EQ(fault, binding::bind_any(layout, frame.data(), frame.size()).fault)
        << "seed " << kFlatSeed << " round " << round;
    if (fault == MessageFault::kNone) (void)walk_message(layout, message);
    seen.insert(fault);
  }
  EXPECT_EQ(seen.count(MessageFault::kNone), 1u);
  EXPECT_EQ(seen.count(MessageFault::kBadSlot), 1u);
  EXPECT_EQ(seen.count(MessageFault::kTooLong), 1u);
  EXPECT_EQ(seen.count(MessageFault::kBadStride), 1u);
}

TEST(BindFlat, OnlyLayoutsWithoutSlotsInEntriesAreFlat) {
  for (const char* const name : {"everything-1", "packet"}) {
    const LayoutImage image = load_layout_vector(name);
    EXPECT_GT(image.layout().flat_block_bytes(), kNativeMessageBytesMax) << name;
  }
}

TEST(BindFlat, AFrameOfNothingIsTruncated) {
  const LayoutImage image = load_layout_vector("new-order");
  Message message;
  EXPECT_EQ(bind(image.layout(), nullptr, 0, message), MessageFault::kTruncated);
}

TEST(BindFlat, ForeignLayoutsBindNoMessage) {
  const LayoutImage image = load_layout_vector("packet");
  for (const uint8_t byte : {uint8_t{0x00}, uint8_t{0xff}}) {
    EXPECT_EQ(bind_exact(image.layout(), std::vector<uint8_t>(1 << 17, byte)),
              MessageFault::kWrongTemplate);
  }
}

}  // namespace
}  // namespace hyperroute
