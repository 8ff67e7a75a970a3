// Fields of messages by kind: every width, order and sign, and nothing beyond the field touched.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "base/prng.h"
#include "codec/field_datapath.h"

namespace hyperroute {
namespace {

constexpr uint64_t kSeed = 77;

FieldKind kind_of(uint32_t width_bytes, bool is_big_endian, bool is_signed) {
  return static_cast<FieldKind>((width_bytes - 1) | (is_big_endian ? kFieldBigEndian : 0) |
                                (is_signed ? kFieldSigned : 0));
}

// The value as a loop over bytes reads it.
uint64_t slow_bits(const std::vector<uint8_t>& bytes, bool is_big_endian) {
  uint64_t value = 0;
  for (size_t index = 0; index < bytes.size(); ++index) {
    const size_t place = is_big_endian ? index : bytes.size() - 1 - index;
    value = value << 8 | bytes[place];
  }
  return value;
}

TEST(Field, LoadsWhatALoopOverItsBytesReads) {
  Prng random(kSeed);
  for (uint32_t width_bytes = 1; width_bytes <= 8; ++width_bytes) {
    for (int round = 0; round < 200; ++round) {
      // Exactly the field: a sanitizer sees a byte read too many.
      std::vector<uint8_t> bytes(width_bytes);
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next_u64());
      for (const bool is_big_endian : {false, true}) {
        const uint64_t bits = slow_bits(bytes, is_big_endian);
        const uint32_t unused_bits = 64 - 8 * width_bytes;
        const auto extended = static_cast<int64_t>(bits << unused_bits) >> unused_bits;
        EXPECT_EQ(load_field(bytes.data(), kind_of(width_bytes, is_big_endian, false)), bits);
        EXPECT_EQ(load_field(bytes.data(), kind_of(width_bytes, is_big_endian, true)),
                  static_cast<uint64_t>(extended));
      }
    }
  }
}

TEST(Field, StoresWhatItLoadsAndNoByteBesideIt) {
  Prng random(kSeed);
  for (uint32_t width_bytes = 1; width_bytes <= 8; ++width_bytes) {
    for (const bool is_big_endian : {false, true}) {
      const FieldKind kind = kind_of(width_bytes, is_big_endian, false);
      const uint64_t value = random.next_u64() >> (64 - 8 * width_bytes);
      std::vector<uint8_t> bytes(width_bytes + 2, 0xA5);
      store_field(bytes.data() + 1, kind, value);
      EXPECT_EQ(load_field(bytes.data() + 1, kind), value) << width_bytes << is_big_endian;
      EXPECT_EQ(bytes.front(), 0xA5);
      EXPECT_EQ(bytes.back(), 0xA5);
    }
  }
}

TEST(Field, StoresTheLowBytesOfNegativeValues) {
  std::vector<uint8_t> bytes(2);
  store_field(bytes.data(), kind_of(2, true, true), static_cast<uint64_t>(-2));
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0xFF, 0xFE}));
}

TEST(Field, OrdersKeysAsTheValuesAreOrdered) {
  const FieldKind kind = kind_of(8, false, true);
  const int64_t values[] = {std::numeric_limits<int64_t>::min(), -1000, -1, 0, 1, 1000,
                            std::numeric_limits<int64_t>::max()};
  uint64_t before = 0;
  for (size_t index = 0; index < std::size(values); ++index) {
    uint8_t bytes[8];
    store_field(bytes, kind, static_cast<uint64_t>(values[index]));
    const uint64_t key = load_field_key(bytes, kind);
    if (index > 0) {
      EXPECT_LT(before, key) << values[index];
    }
    before = key;
  }
}

}  // namespace
}  // namespace hyperroute
