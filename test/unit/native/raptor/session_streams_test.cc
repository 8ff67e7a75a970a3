// Sets of slots: who is a member, and whose turn is next.
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

}  // namespace
}  // namespace hyperroute::raptor
