// The bitmap over ring positions against a plain set of units.
#include "raptor/position_bitmap.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "base/prng.h"

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kRingBytes = 4096;

struct Fixture {
  std::vector<uint64_t> words = std::vector<uint64_t>(kRingBytes / 512);
  PositionBitmap bitmap{words.data(), kRingBytes};
};

TEST(PositionBitmap, CountsTheBytesThatChangedAndNotTheOthers) {
  Fixture fixture;
  EXPECT_EQ(fixture.bitmap.set(64, 128), 128u);
  EXPECT_EQ(fixture.bitmap.set(96, 128), 32u);
  EXPECT_EQ(fixture.bitmap.clear(0, 4096), 160u);
  EXPECT_EQ(fixture.bitmap.clear(0, 4096), 0u);
}

TEST(PositionBitmap, TakesRangesThatRunOverTheEndOfTheRing) {
  Fixture fixture;
  const uint64_t position = 5 * kRingBytes - 16;
  EXPECT_EQ(fixture.bitmap.set(position, 40), 40u);
  EXPECT_TRUE(fixture.bitmap.has_all(position, 40));
  EXPECT_TRUE(fixture.bitmap.is_set(5 * kRingBytes + 16));
  EXPECT_FALSE(fixture.bitmap.is_set(5 * kRingBytes + 24));
  EXPECT_EQ(fixture.bitmap.find_clear(position, position + 4096), position + 40);
  EXPECT_EQ(fixture.bitmap.find_set(position - 800, position), position);
}

TEST(PositionBitmap, AnEmptyRangeHasNothingAndIsAllSet) {
  Fixture fixture;
  EXPECT_FALSE(fixture.bitmap.has_any(64, 0));
  EXPECT_TRUE(fixture.bitmap.has_all(64, 0));
  EXPECT_EQ(fixture.bitmap.set(64, 0), 0u);
}

TEST(PositionBitmap, AgreesWithASetOfUnits) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Prng prng(seed);
    Fixture fixture;
    std::set<uint64_t> units;
    // All positions of a round lie within one length of the ring, as in a stream.
    const uint64_t base = uint64_t{prng.next_u32()} * 8;
    for (uint32_t step = 0; step < 300; ++step) {
      const uint64_t first = prng.below(512);
      const uint64_t count = prng.below(static_cast<uint32_t>(512 - first) + 1);
      const uint64_t position = base + first * 8;
      uint64_t set_count = 0;
      for (uint64_t unit = first; unit < first + count; ++unit) set_count += units.count(unit);
      ASSERT_EQ(fixture.bitmap.has_any(position, count * 8), set_count > 0);
      ASSERT_EQ(fixture.bitmap.has_all(position, count * 8), set_count == count);
      if (prng.one_in(2)) {
        ASSERT_EQ(fixture.bitmap.set(position, count * 8), (count - set_count) * 8);
        for (uint64_t unit = first; unit < first + count; ++unit) units.insert(unit);
      } else {
        ASSERT_EQ(fixture.bitmap.clear(position, count * 8), set_count * 8);
        for (uint64_t unit = first; unit < first + count; ++unit) units.erase(unit);
      }
      const auto next = units.lower_bound(first);
      const uint64_t wanted = next == units.end() ? base + kRingBytes : base + *next * 8;
      ASSERT_EQ(fixture.bitmap.find_set(position, base + kRingBytes), wanted);
    }
  }
}

}  // namespace
}  // namespace hyperroute::raptor
