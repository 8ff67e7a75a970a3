// Fields of messages by kind: every width, order and sign, single bits, and nothing beyond the
// field touched.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/prng.h"
#include "codec/field_datapath.h"

namespace hyperroute {
namespace {

constexpr uint64_t kSeed = 77;
constexpr uint32_t kWidths[] = {1, 2, 3, 4, 5, 6, 8};

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
  for (const uint32_t width_bytes : kWidths) {
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
  for (const uint32_t width_bytes : kWidths) {
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

TEST(Field, LoadsSingleBitsOfOneByte) {
  for (uint32_t value = 0; value < 256; ++value) {
    const std::vector<uint8_t> byte = {static_cast<uint8_t>(value)};
    for (uint32_t bit = 0; bit < 8; ++bit) {
      const FieldKind kind = bit_kind(bit);
      EXPECT_EQ(load_field(byte.data(), kind), value >> bit & 1) << value;
      EXPECT_EQ(load_field_key(byte.data(), kind), value >> bit & 1) << value;
    }
  }
}

TEST(Field, KnowsWhichKindsThereAre) {
  std::vector<FieldKind> stored;
  std::vector<FieldKind> loaded;
  for (const bool is_signed : {false, true}) {
    for (const bool is_big_endian : {false, true}) {
      for (const uint32_t width_bytes : kWidths) {
        stored.push_back(kind_of(width_bytes, is_big_endian, is_signed));
      }
    }
  }
  loaded = stored;
  for (uint32_t bit = 0; bit < 8; ++bit) loaded.push_back(static_cast<FieldKind>(6 | bit << 5));
  for (uint32_t kind = 0; kind < 256; ++kind) {
    const auto is_in = [&](const std::vector<FieldKind>& kinds) {
      return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
    };
    EXPECT_EQ(is_store_kind(static_cast<FieldKind>(kind)), is_in(stored)) << kind;
    EXPECT_EQ(is_load_kind(static_cast<FieldKind>(kind)), is_in(loaded)) << kind;
  }
  EXPECT_EQ(load_bytes(bit_kind(7)), 1u);
  EXPECT_EQ(load_bytes(kind_of(5, true, false)), 5u);
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
