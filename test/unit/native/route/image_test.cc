// Loading route images: what a valid one says of itself, and that damage never gets past it.
#include "route/image.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/prng.h"
#include "unit/native/route/image_parts.h"
#include "unit/native/route/image_walk.h"

namespace hyperroute {
namespace {

constexpr uint8_t kFlips[] = {0x01, 0x80, 0xFF};

Status load(const std::vector<uint8_t>& image_bytes) {
  RouteImage image;
  return RouteImage::load(image_bytes, image);
}

TEST(RouteImage, LoadsTheCheckedInImagesAndCountsTheirParts) {
  RouteImage image;
  const Status status = RouteImage::load(read_vector("order-gateway"), image);
  ASSERT_TRUE(status.ok()) << status.context;
  const ImageSummary summary = image.summary();
  EXPECT_EQ(summary.endpoint_count, 5);
  EXPECT_EQ(summary.pool_count, 1);
  EXPECT_EQ(summary.route_count, 2);
  EXPECT_EQ(summary.transform_count, 3);
  EXPECT_EQ(summary.reject_code_max, 1000u);
  EXPECT_TRUE(load(read_vector("every-kind")).ok());
}

TEST(RouteImage, GivesTheSameBytesWhenTakenApartAndPutTogether) {
  for (const char* const name : {"order-gateway", "every-kind"}) {
    const std::vector<uint8_t> image = read_vector(name);
    EXPECT_EQ(ImageParts::of(image).image(), image) << name;
  }
}

TEST(RouteImage, KeepsItsOwnCopyOfTheBytes) {
  std::vector<uint8_t> bytes = read_vector("order-gateway");
  RouteImage image;
  ASSERT_TRUE(RouteImage::load(bytes, image).ok());
  std::memset(bytes.data(), 0xFF, bytes.size());
  EXPECT_EQ(image.tables().pools[0].member_count, 3);
}

TEST(RouteImage, StaysWhatItWasWhenALoadFails) {
  RouteImage image;
  ASSERT_TRUE(RouteImage::load(read_vector("order-gateway"), image).ok());
  const Status status = RouteImage::load(std::vector<uint8_t>(500, 0), image);
  EXPECT_EQ(status.code, StatusCode::kImageCorrupt);
  EXPECT_EQ(image.summary().endpoint_count, 5);
}

TEST(RouteImage, IsRefusedWhenCutOffAnywhere) {
  const std::vector<uint8_t> whole = read_vector("order-gateway");
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(bytes));
    EXPECT_EQ(load(cut).code, StatusCode::kImageCorrupt) << bytes;
    // Also when its header and check sum agree with the cut.
    if (bytes <= sizeof(ImageHeader)) continue;
    const auto image_bytes = static_cast<uint32_t>(bytes);
    std::memcpy(cut.data() + offsetof(ImageHeader, image_bytes), &image_bytes, 4);
    fix_check_sum(cut);
    const Status status = load(cut);
    const bool only_padding = whole.size() - bytes < 8;
    EXPECT_TRUE(!status.ok() || only_padding) << bytes;
  }
}

TEST(RouteImage, IsRefusedWhenAnyByteIsFlipped) {
  std::vector<uint8_t> image = read_vector("order-gateway");
  for (size_t position = 0; position < image.size(); ++position) {
    for (const uint8_t flip : kFlips) {
      image[position] ^= flip;
      EXPECT_EQ(load(image).code, StatusCode::kImageCorrupt) << "byte " << position;
      image[position] ^= flip;
    }
  }
}

// Random messages of the sizes that the image's own families expect, and of others.
void walk_messages(const RouteImage& image, Prng& random) {
  WalkState state(image);
  const uint32_t endpoint_count = image.summary().endpoint_count;
  for (uint32_t source = 0; source < endpoint_count && source < 8; ++source) {
    const ImageTables& tables = image.tables();
    const FamilyRecord& family = tables.families[tables.endpoints[source].family];
    for (uint32_t slot = 0; slot < family.member_count && slot < 4; ++slot) {
      uint32_t message_bytes = static_cast<uint32_t>(random.next_u64() % 40);
      if (family.kind != FamilyKind::kRaw) {
        message_bytes = tables.members[family.members + slot].message_bytes;
      }
      std::vector<uint8_t> message(message_bytes);
      for (uint8_t& byte : message) byte = static_cast<uint8_t>(random.next_u64() % 3);
      if (family.kind == FamilyKind::kDirect && family.offset < message.size()) {
        for (uint32_t value = 0; value < 256; ++value) {
          if (tables.slots[family.slots + value] != slot) continue;
          message[family.offset] = static_cast<uint8_t>(value);
        }
      }
      const Walk result = walk(image, state, static_cast<uint16_t>(source), message);
      EXPECT_TRUE(result.reject_code == 0 || result.decision.outcome != Outcome::kDiscard);
    }
  }
}

TEST(RouteImage, IsRefusedOrHarmlessWhenBytesAreChangedBehindACorrectCheckSum) {
  constexpr uint64_t kSeed = 20240611;
  Prng random(kSeed);
  for (const char* const name : {"order-gateway", "every-kind"}) {
    const std::vector<uint8_t> whole = read_vector(name);
    uint32_t refused = 0;
    for (size_t position = kImageCrcStart; position < whole.size(); ++position) {
      // All three for the small image, one of them by chance for the large one.
      const uint64_t chosen = random.next_u64() % 3;
      for (uint32_t index = 0; index < 3; ++index) {
        if (whole.size() > 4096 && index != chosen) continue;
        const uint8_t flip = kFlips[index];
        std::vector<uint8_t> image = whole;
        image[position] ^= flip;
        fix_check_sum(image);
        RouteImage loaded;
        if (!RouteImage::load(image, loaded).ok()) {
          ++refused;
          continue;
        }
        SCOPED_TRACE(std::string(name) + ", byte " + std::to_string(position) + ", seed " +
                     std::to_string(kSeed));
        walk_messages(loaded, random);
      }
    }
    // Constants and reject codes may well be changed; indices, counts and kinds may not.
    EXPECT_GT(refused, whole.size() / 2) << name;
  }
}

}  // namespace
}  // namespace hyperroute
