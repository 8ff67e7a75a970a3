// Mirrored regions: both halves are one memory, sizes, moves, and how much memory they take.
#include "base/mirrored_region.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

namespace hyperroute {
namespace {

size_t page_bytes() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }

size_t resident_pages(const MirroredRegion& region) {
  std::vector<unsigned char> pages(region.bytes() / page_bytes());
  EXPECT_EQ(::mincore(region.data(), region.bytes(), pages.data()), 0);
  size_t count = 0;
  for (const unsigned char page : pages) count += page & 1u;
  return count;
}

TEST(MirroredRegion, EveryByteOfTheFirstHalfIsTheSameByteOfTheSecond) {
  Result<MirroredRegion> created = MirroredRegion::create(4 * page_bytes());
  ASSERT_TRUE(created.ok()) << created.status().context;
  const MirroredRegion region = created.take();
  for (size_t offset = 0; offset < region.bytes(); ++offset) {
    region.data()[offset] = static_cast<uint8_t>(offset * 31);
    ASSERT_EQ(region.data()[offset + region.bytes()], static_cast<uint8_t>(offset * 31));
    region.data()[offset + region.bytes()] = static_cast<uint8_t>(offset * 17);
    ASSERT_EQ(region.data()[offset], static_cast<uint8_t>(offset * 17));
  }
}

TEST(MirroredRegion, BytesWrittenOverTheEndAreReadAtTheStart) {
  const MirroredRegion region = MirroredRegion::create(page_bytes()).take();
  std::memcpy(region.data() + region.bytes() - 5, "mirrored", 8);
  EXPECT_EQ(std::memcmp(region.data(), "red", 3), 0);
}

TEST(MirroredRegion, StartsZeroedAndTakesNoMemoryUntilTouched) {
  const MirroredRegion region = MirroredRegion::create(size_t{64} << 20).take();
  EXPECT_EQ(resident_pages(region), 0u);
  EXPECT_EQ(region.data()[region.bytes() * 2 - 1], 0);
  region.data()[0] = 1;
  EXPECT_LE(resident_pages(region), 2u);
}

TEST(MirroredRegion, RefusesSizesThatAreNoPowerOfTwoPages) {
  for (const size_t bytes : {size_t{0}, size_t{1}, page_bytes() / 2, page_bytes() + 1,
                             3 * page_bytes(), kMirroredBytesMax * 2}) {
    const Result<MirroredRegion> created = MirroredRegion::create(bytes);
    ASSERT_FALSE(created.ok()) << bytes;
    EXPECT_EQ(created.status().code, StatusCode::kLimit);
  }
}

TEST(MirroredRegion, AMovedRegionKeepsItsBytesAndLeavesNothingBehind) {
  MirroredRegion first = MirroredRegion::create(page_bytes()).take();
  first.data()[7] = 42;
  MirroredRegion second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT: what a move leaves is part of the contract.
  EXPECT_EQ(second.data()[7 + second.bytes()], 42);
  second = MirroredRegion::create(2 * page_bytes()).take();
  EXPECT_EQ(second.bytes(), 2 * page_bytes());
  EXPECT_EQ(second.data()[7], 0);
  second.reset();
  EXPECT_TRUE(second.empty());
}

TEST(MirroredRegion, GivesItsAddressesBack) {
  // More than the address space a leak would leave.
  for (uint32_t round = 0; round < 3000; ++round) {
    ASSERT_TRUE(MirroredRegion::create(size_t{64} << 30).ok()) << round;
  }
}

}  // namespace
}  // namespace hyperroute
