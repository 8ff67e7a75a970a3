// Sets of slots: who is a member, and whose turn is next; ids of streams: each is given once.
#include "raptor/session_streams.h"

#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"

namespace hyperroute::raptor {
namespace {

uint32_t next_of(const std::set<uint32_t>& members, uint32_t slot) {
  if (members.empty()) return kStreamSlotsMax;
  const auto found = members.lower_bound(slot);
  return found == members.end() ? *members.begin() : *found;
}

TEST(SlotSet, FindsNothingWhereNobodyIsAMember) {
  SlotSet slots;
  EXPECT_FALSE(slots.any());
  EXPECT_EQ(slots.next_from(0), kStreamSlotsMax);
  EXPECT_EQ(slots.next_from(kStreamSlotsMax - 1), kStreamSlotsMax);
  slots.remove(7);
  EXPECT_FALSE(slots.any());
}

TEST(SlotSet, GoesAroundToAMemberBelowInTheSameWord) {
  SlotSet slots;
  slots.add(70);
  EXPECT_EQ(slots.next_from(70), 70u);
  EXPECT_EQ(slots.next_from(71), 70u);
  EXPECT_EQ(slots.next_from(255), 70u);
}

TEST(SlotSet, AnswersAsAnOrderedSetDoesWhateverIsAddedAndRemoved) {
  Prng prng(20);
  SlotSet slots;
  std::set<uint32_t> members;
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<uint32_t>(prng.below(kStreamSlotsMax));
    const bool is_member = prng.below(40) == 0;
    slots.put(slot, is_member);
    is_member ? static_cast<void>(members.insert(slot)) : static_cast<void>(members.erase(slot));
    const auto from = static_cast<uint32_t>(prng.below(kStreamSlotsMax));
    ASSERT_EQ(slots.next_from(from), next_of(members, from)) << "step " << step;
    ASSERT_EQ(slots.any(), !members.empty());
    ASSERT_EQ(slots.has(from), members.contains(from));
  }
}

struct FakeStream {
  uint16_t id;
};

TEST(StreamSlots, GiveEveryIdOnceAndThenNoSlot) {
  constexpr uint32_t kSlots = 4;
  StreamSlots<FakeStream> slots(kSlots);
  std::set<uint16_t> given;
  while (slots.free_slot() < slots.count()) {
    const uint32_t slot = slots.free_slot();
    const uint16_t id = slots.next_id(slot);
    ASSERT_EQ(slots.slot_of(id), slot);
    ASSERT_TRUE(given.insert(id).second) << "id " << id << " again";
    slots.put(std::make_unique<FakeStream>(FakeStream{id}));
    ASSERT_NE(slots.find(id), nullptr);
    slots.release(slot);
    ASSERT_TRUE(slots.has_ended(id));
  }
  EXPECT_EQ(given.size(), kStreamIdsMax);
  EXPECT_EQ(slots.live_count(), 0u);
}

}  // namespace
}  // namespace hyperroute::raptor
