// CRC-32C against published values, and its two implementations against each other.
#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/prng.h"

namespace hyperroute {
namespace {

TEST(Crc32c, GivesThePublishedCheckValues) {
  EXPECT_EQ(crc32c("123456789", 9), 0xe3069283u);
  // RFC 3720, appendix B.4: 32 bytes of zeros, of ones, ascending, descending.
  uint8_t bytes[32];
  std::memset(bytes, 0, sizeof bytes);
  EXPECT_EQ(crc32c(bytes, sizeof bytes), 0x8a9136aau);
  std::memset(bytes, 0xff, sizeof bytes);
  EXPECT_EQ(crc32c(bytes, sizeof bytes), 0x62a8ab43u);
  for (uint8_t index = 0; index < 32; ++index) bytes[index] = index;
  EXPECT_EQ(crc32c(bytes, sizeof bytes), 0x46dd794eu);
  for (uint8_t index = 0; index < 32; ++index) bytes[index] = static_cast<uint8_t>(31 - index);
  EXPECT_EQ(crc32c(bytes, sizeof bytes), 0x113fdb5cu);
  EXPECT_EQ(crc32c(nullptr, 0), 0u);
}

TEST(Crc32c, TheTablesAndTheInstructionAgreeOnAnyLengthAndAlignment) {
  const uint64_t seed = 0x5eed0002;
  Prng prng(seed);
  std::vector<uint8_t> bytes(4200);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(prng.next_u32());
  for (int round = 0; round < 1000; ++round) {
    const uint32_t offset = prng.below(64);
    const uint32_t count_bytes = round < 200 ? static_cast<uint32_t>(round) : prng.below(4096);
    const uint32_t start = prng.next_u32();
    ASSERT_EQ(crc32c_extend(start, bytes.data() + offset, count_bytes),
              crc32c_extend_portable(start, bytes.data() + offset, count_bytes))
        << "seed " << seed << " offset " << offset << " bytes " << count_bytes;
  }
}

TEST(Crc32c, ExtendingOverPiecesEqualsTheWhole) {
  const uint64_t seed = 0x5eed0003;
  Prng prng(seed);
  std::vector<uint8_t> bytes(1000);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(prng.next_u32());
  for (int round = 0; round < 200; ++round) {
    const uint32_t cut = prng.below(1001);
    const uint32_t first = crc32c(bytes.data(), cut);
    ASSERT_EQ(crc32c_extend(first, bytes.data() + cut, bytes.size() - cut),
              crc32c(bytes.data(), bytes.size()))
        << "seed " << seed << " cut " << cut;
  }
}

}  // namespace
}  // namespace hyperroute
