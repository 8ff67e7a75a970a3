// Loads, stores and alignment of base/bits.h.
#include "base/bits.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace hyperroute {
namespace {

TEST(Bits, AlignUpGivesTheLeastMultipleNotBelowTheValue) {
  EXPECT_EQ(align_up(0u, 8u), 0u);
  EXPECT_EQ(align_up(1u, 8u), 8u);
  EXPECT_EQ(align_up(8u, 8u), 8u);
  EXPECT_EQ(align_up(9u, 64u), 64u);
  EXPECT_EQ(align_up(uint64_t{1} << 40, uint64_t{4096}), uint64_t{1} << 40);
  EXPECT_EQ(align_down(63u, 64u), 0u);
  EXPECT_EQ(align_down(127u, 64u), 64u);
}

TEST(Bits, PowersOfTwoAreRecognised) {
  EXPECT_TRUE(is_power_of_two(1u));
  EXPECT_TRUE(is_power_of_two(uint64_t{1} << 63));
  EXPECT_FALSE(is_power_of_two(0u));
  EXPECT_FALSE(is_power_of_two(96u));
}

TEST(Bits, EveryWidthReadsTheBytesInItsOrder) {
  const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88};
  EXPECT_EQ(load_u8(bytes), 0x01u);
  EXPECT_EQ(load_u16_le(bytes), 0x0201u);
  EXPECT_EQ(load_u16_be(bytes), 0x0102u);
  EXPECT_EQ(load_u24_le(bytes), 0x030201u);
  EXPECT_EQ(load_u24_be(bytes), 0x010203u);
  EXPECT_EQ(load_u32_le(bytes), 0x04030201u);
  EXPECT_EQ(load_u32_be(bytes), 0x01020304u);
  EXPECT_EQ(load_u40_le(bytes), 0x0504030201u);
  EXPECT_EQ(load_u40_be(bytes), 0x0102030405u);
  EXPECT_EQ(load_u48_le(bytes), 0x060504030201u);
  EXPECT_EQ(load_u48_be(bytes), 0x010203040506u);
  EXPECT_EQ(load_u64_le(bytes), 0x8807060504030201u);
  EXPECT_EQ(load_u64_be(bytes), 0x0102030405060788u);
}

TEST(Bits, NamedStoresAreTheInverseOfTheLoads) {
  uint8_t bytes[8];
  store_u24_be(bytes, 0xabcdefu);
  EXPECT_EQ(load_u24_be(bytes), 0xabcdefu);
  store_u40_be(bytes, 0x1122334455u);
  EXPECT_EQ(load_u40_be(bytes), 0x1122334455u);
  store_u48_le(bytes, 0x112233445566u);
  EXPECT_EQ(load_u48_le(bytes), 0x112233445566u);
  store_u64_be(bytes, 0x1122334455667788u);
  EXPECT_EQ(bytes[0], 0x11);
  EXPECT_EQ(bytes[7], 0x88);
}

TEST(Bits, AStoreTouchesExactlyItsBytesAtAnyAddress) {
  const uint64_t seed = 0x5eed0001;
  Prng prng(seed);
  for (int round = 0; round < 2000; ++round) {
    uint8_t memory[24];
    for (uint8_t& byte : memory) byte = 0xee;
    const uint32_t offset = prng.between(1, 15);
    const uint32_t width_bytes = prng.between(1, 8);
    const bool big_endian = prng.one_in(2);
    const uint64_t value = prng.next_u64();
    store_uint(memory + offset, value, width_bytes, big_endian);
    const uint64_t mask = width_bytes == 8 ? UINT64_MAX : (uint64_t{1} << (8 * width_bytes)) - 1;
    ASSERT_EQ(load_uint(memory + offset, width_bytes, big_endian), value & mask) << "seed " << seed;
    for (uint32_t index = 0; index < width_bytes; ++index) {
      const uint32_t shift = 8 * (big_endian ? width_bytes - 1 - index : index);
      ASSERT_EQ(memory[offset + index], static_cast<uint8_t>(value >> shift)) << "seed " << seed;
    }
    for (uint32_t index = 0; index < sizeof memory; ++index) {
      if (index >= offset && index < offset + width_bytes) continue;
      ASSERT_EQ(memory[index], 0xee) << "seed " << seed << " offset " << index;
    }
  }
}

}  // namespace
}  // namespace hyperroute
