// The least of many deadlines that move, against a plain search.
#include "raptor/deadline_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/prng.h"

namespace hyperroute::raptor {
namespace {

TEST(DeadlineHeap, HasNoneAtFirst) {
  DeadlineHeap heap(4);
  EXPECT_EQ(heap.next_ns(), DeadlineHeap::kNever);
}

TEST(DeadlineHeap, FollowsADeadlineThatMovesEitherWayOrGoes) {
  DeadlineHeap heap(4);
  heap.set(2, 50);
  EXPECT_EQ(heap.next_ns(), 50u);
  EXPECT_EQ(heap.next_slot(), 2);
  heap.set(2, 90);
  heap.set(1, 60);
  EXPECT_EQ(heap.next_ns(), 60u);
  EXPECT_EQ(heap.next_slot(), 1);
  heap.set(2, 10);
  EXPECT_EQ(heap.next_ns(), 10u);
  heap.set(2, DeadlineHeap::kNever);
  heap.set(1, DeadlineHeap::kNever);
  EXPECT_EQ(heap.next_ns(), DeadlineHeap::kNever);
  heap.set(1, 5);
  EXPECT_EQ(heap.next_ns(), 5u);
}

TEST(DeadlineHeap, AgreesWithASearchOfAll) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Prng prng(seed);
    const uint32_t capacity = prng.between(1, 300);
    DeadlineHeap heap(capacity);
    std::vector<uint64_t> due(capacity, DeadlineHeap::kNever);
    for (int step = 0; step < 20'000; ++step) {
      const uint16_t slot = static_cast<uint16_t>(prng.below(capacity));
      due[slot] = prng.one_in(8) ? DeadlineHeap::kNever : prng.below(1'000);
      heap.set(slot, due[slot]);
      if (!prng.one_in(3)) continue;
      const uint64_t least = *std::min_element(due.begin(), due.end());
      ASSERT_EQ(heap.next_ns(), least) << "seed " << seed << " step " << step;
      if (least != DeadlineHeap::kNever) {
        ASSERT_EQ(due[heap.next_slot()], least) << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace hyperroute::raptor
