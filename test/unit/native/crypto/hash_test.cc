// SHA-256, HMAC and HKDF against published vectors, in the loaded library and without one.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "base/prng.h"
#include "crypto/crypto.h"
#include "crypto/evp.h"
#include "crypto/evp_digest.h"
#include "crypto/sha256_portable.h"
#include "hex.h"

namespace hyperroute::crypto {
namespace {

struct HashTest : ::testing::Test {
  void SetUp() override {
    const Status status = load();
    ASSERT_TRUE(status.ok()) << status.context;
  }
};

std::string portable(Bytes data) {
  PortableSha256 sha;
  sha.update(data);
  return to_hex(sha.finish());
}

TEST_F(HashTest, DigestsAreThoseOfFips180) {
  const std::string million(1'000'000, 'a');
  const struct {
    std::string_view text;
    const char* digest;
  } examples[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& example : examples) {
    EXPECT_EQ(to_hex(sha256(bytes_of(example.text))), example.digest);
    EXPECT_EQ(portable(bytes_of(example.text)), example.digest);
  }
}

TEST_F(HashTest, ThePortableFormAgreesWithTheLibraryAtEveryLengthAndCut) {
  constexpr uint64_t kSeed = 0x5ba256;
  SCOPED_TRACE(kSeed);
  Prng prng(kSeed);
  uint8_t data[300];
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(prng.next_u32());
  EvpDigest library;
  for (size_t bytes = 0; bytes <= sizeof data; ++bytes) {
    const size_t cut = bytes == 0 ? 0 : prng.below(static_cast<uint32_t>(bytes + 1));
    const Bytes parts[] = {Bytes(data + cut, bytes - cut)};
    Hash expected{};
    ASSERT_TRUE(library.compute(*loaded_evp(), Bytes(data, cut), parts, expected));
    PortableSha256 sha;
    sha.update(Bytes(data, cut));
    sha.update(parts[0]);
    ASSERT_EQ(to_hex(sha.finish()), to_hex(expected)) << bytes << " bytes, cut at " << cut;
  }
}

TEST_F(HashTest, PartsAreHashedAsTheirConcatenation) {
  const std::string_view text = "the first, the second and the third";
  const Bytes whole = bytes_of(text);
  const Bytes parts[] = {whole.first(11), Bytes(), whole.subspan(11, 11), whole.subspan(22)};
  EXPECT_EQ(sha256(parts), sha256(whole));
  EXPECT_EQ(hmac_sha256(bytes_of("key"), parts), hmac_sha256(bytes_of("key"), whole));
}

TEST_F(HashTest, MacsAreThoseOfRfc4231) {
  const std::vector<uint8_t> key_1(20, 0x0b);
  const std::vector<uint8_t> key_3(20, 0xaa);
  const std::vector<uint8_t> data_3(50, 0xdd);
  const std::vector<uint8_t> long_key(131, 0xaa);
  EXPECT_EQ(to_hex(hmac_sha256(key_1, bytes_of("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(key_3, data_3)),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(to_hex(hmac_sha256(long_key,
                               bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

struct HkdfExample {
  const char* salt;
  const char* ikm;
  const char* info;
  const char* output;
};

// RFC 5869, appendix A.1 to A.3.
constexpr HkdfExample kHkdfExamples[] = {
    {"000102030405060708090a0b0c", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
     "f0f1f2f3f4f5f6f7f8f9",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
     "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
     "404142434445464748494a4b4c4d4e4f",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
     "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
     "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
     "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
     "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

TEST_F(HashTest, DerivedKeysAreThoseOfRfc5869) {
  for (const HkdfExample& example : kHkdfExamples) {
    const std::vector<uint8_t> info = from_hex(example.info);
    const std::string_view info_text(reinterpret_cast<const char*>(info.data()), info.size());
    std::vector<uint8_t> output(from_hex(example.output).size());
    hkdf_sha256(from_hex(example.salt), from_hex(example.ikm), info_text, output);
    EXPECT_EQ(to_hex(output), example.output);
  }
}

TEST_F(HashTest, KeysWithoutASaltAreThoseOfAnEmptySalt) {
  const std::vector<uint8_t> ikm(22, 0x0b);
  uint8_t with[42];
  uint8_t without[42];
  hkdf_sha256({}, ikm, "raptor key 0", with);
  hkdf_sha256(ikm, "raptor key 0", without);
  EXPECT_EQ(to_hex(with), to_hex(without));
  hkdf_sha256(ikm, "raptor iv 0", without);
  EXPECT_NE(to_hex(with), to_hex(without));
}

TEST_F(HashTest, TheLongestOutputIsFilledToItsLastByte) {
  std::vector<uint8_t> longest(kHkdfBytesMax);
  std::vector<uint8_t> shorter(kHkdfBytesMax - 1);
  hkdf_sha256(bytes_of("secret"), "info", longest);
  hkdf_sha256(bytes_of("secret"), "info", shorter);
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longest.begin()));
  const Bytes last_block = Bytes(longest).last(kHashBytes);
  EXPECT_NE(to_hex(last_block), to_hex(std::array<uint8_t, kHashBytes>{}));
}

TEST_F(HashTest, EveryThreadHashesByItself) {
  const Hash expected = sha256(bytes_of("abc"));
  std::vector<std::thread> threads;
  std::vector<uint32_t> wrong(4);
  for (size_t index = 0; index < wrong.size(); ++index) {
    threads.emplace_back([&, index] {
      for (int round = 0; round < 500; ++round) wrong[index] += sha256(bytes_of("abc")) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const uint32_t count : wrong) EXPECT_EQ(count, 0u);
}

TEST(ConstantTimeEquality, SeesADifferenceInAnyByte) {
  uint8_t a[40] = {};
  uint8_t b[40] = {};
  EXPECT_TRUE(is_equal_constant_time(a, b, sizeof a));
  EXPECT_TRUE(is_equal_constant_time(a, b, 0));
  for (size_t index = 0; index < sizeof a; ++index) {
    b[index] = 0x80;
    EXPECT_FALSE(is_equal_constant_time(a, b, sizeof a)) << index;
    EXPECT_TRUE(is_equal_constant_time(a, b, index));
    b[index] = 0;
  }
}

TEST(RandomBytes, FillEverythingAndDifferEveryTime) {
  std::vector<uint8_t> one(100'000);
  std::vector<uint8_t> other(one.size());
  ASSERT_TRUE(random_bytes(one).ok());
  ASSERT_TRUE(random_bytes(other).ok());
  EXPECT_NE(one, other);
  // All 32 last bytes zero: once in 2^256.
  EXPECT_NE(to_hex(Bytes(one).last(32)), to_hex(std::array<uint8_t, 32>{}));
  EXPECT_TRUE(random_bytes({}).ok());
}

TEST(Wiping, LeavesOnlyZeros) {
  uint8_t secret[64];
  std::memset(secret, 7, sizeof secret);
  wipe(secret + 1, sizeof secret - 2);
  EXPECT_EQ(secret[0], 7);
  EXPECT_EQ(secret[63], 7);
  for (size_t index = 1; index < 63; ++index) EXPECT_EQ(secret[index], 0);
}

}  // namespace
}  // namespace hyperroute::crypto
