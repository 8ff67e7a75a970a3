// Sealing and opening: published vectors, every way to cut a packet, and every change to one.
#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "base/prng.h"
#include "conformance/allocation_guard.h"
#include "crypto/evp.h"
#include "hex.h"

namespace hyperroute::crypto {
namespace {

using Packet = std::vector<uint8_t>;

// What computes a cipher: AES-256-GCM is computed here where the CPU has the instructions.
enum class Way { kAesGcm, kAesGcmOfLibrary, kChaChaPoly };

AeadKind kind_of(Way way) {
  return way == Way::kChaChaPoly ? AeadKind::kChaCha20Poly1305 : AeadKind::kAes256Gcm;
}

Aead make(Way way, Bytes bytes, Direction direction) {
  const auto key = bytes.first<kKeyBytes>();
  Result<Aead> made = way == Way::kAesGcmOfLibrary
                          ? Aead::create_through(*loaded_evp(), kind_of(way), key, direction)
                          : Aead::create(kind_of(way), key, direction);
  HR_ASSERT(made.ok());
  return made.take();
}

Packet seal(Aead& aead, const uint8_t* nonce, Bytes aad, Bytes plain) {
  Packet packet(plain.size() + kTagBytes);
  EXPECT_TRUE(aead.seal(nonce, aad, std::span<const Bytes>(&plain, 1), packet.data()));
  return packet;
}

struct AeadTest : ::testing::TestWithParam<Way> {
  void SetUp() override {
    const Status status = load();
    ASSERT_TRUE(status.ok()) << status.context;
    for (uint8_t& byte : plain) byte = static_cast<uint8_t>(prng.next_u32());
    seals.emplace(make(GetParam(), key, Direction::kSeal));
    opens.emplace(make(GetParam(), key, Direction::kOpen));
  }

  static constexpr uint64_t kSeed = 0xaead;
  ::testing::ScopedTrace trace{__FILE__, __LINE__, "seed 0xaead"};
  Prng prng{kSeed};
  Hash key = sha256(bytes_of("key"));
  uint8_t nonce[kNonceBytes] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  uint8_t aad[24] = {0xd4, 7};
  uint8_t plain[9000] = {};
  std::optional<Aead> seals;
  std::optional<Aead> opens;
};

struct Vector {
  Way way;
  const char* key;
  const char* nonce;
  const char* aad;
  const char* plain;
  const char* sealed;
};

constexpr Vector kVectors[] = {
    // McGrew and Viega's specification of GCM, test cases 13, 14 and 15.
    {Way::kAesGcm, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {Way::kAesGcm, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {Way::kAesGcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    // RFC 8439, appendix A.5.
    {Way::kChaChaPoly, "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0",
     "000000000102030405060708", "f33388860000000000004e91",
     "496e7465726e65742d4472616674732061726520647261667420646f63756d65"
     "6e74732076616c696420666f722061206d6178696d756d206f6620736978206d"
     "6f6e74687320616e64206d617920626520757064617465642c207265706c6163"
     "65642c206f72206f62736f6c65746564206279206f7468657220646f63756d65"
     "6e747320617420616e792074696d652e20497420697320696e617070726f7072"
     "6961746520746f2075736520496e7465726e65742d4472616674732061732072"
     "65666572656e6365206d6174657269616c206f7220746f206369746520746865"
     "6d206f74686572207468616e206173202fe2809c776f726b20696e2070726f67"
     "726573732e2fe2809d",
     "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
     "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
     "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
     "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
     "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
     "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
     "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
     "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
     "a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38"},
};

void expect_published(const Vector& vector, Way way) {
  SCOPED_TRACE(vector.sealed);
  const Packet key = from_hex(vector.key);
  const Packet nonce = from_hex(vector.nonce);
  const Packet aad = from_hex(vector.aad);
  Aead seals = make(way, key, Direction::kSeal);
  Aead opens = make(way, key, Direction::kOpen);
  Packet packet = seal(seals, nonce.data(), aad, from_hex(vector.plain));
  EXPECT_EQ(to_hex(packet), vector.sealed);
  ASSERT_TRUE(opens.open(nonce.data(), aad, packet.data(), packet.size()));
  EXPECT_EQ(to_hex(Bytes(packet).first(packet.size() - kTagBytes)), vector.plain);
}

TEST(AeadVectors, PublishedOnesAreSealedAndOpened) {
  ASSERT_TRUE(load().ok());
  for (const Vector& vector : kVectors) {
    expect_published(vector, vector.way);
    if (vector.way == Way::kAesGcm) expect_published(vector, Way::kAesGcmOfLibrary);
  }
}

TEST(AeadVectors, AesGcmIsComputedHereWhereTheCpuHasTheInstructions) {
  ASSERT_TRUE(load().ok());
  const Hash key = sha256(bytes_of("key"));
  for (const Direction direction : {Direction::kSeal, Direction::kOpen}) {
    EXPECT_EQ(make(Way::kAesGcm, key, direction).is_own(), aes_gcm_is_supported());
    EXPECT_FALSE(make(Way::kAesGcmOfLibrary, key, direction).is_own());
    EXPECT_FALSE(make(Way::kChaChaPoly, key, direction).is_own());
  }
}

TEST_P(AeadTest, APacketIsTheSameHoweverItIsCutIntoParts) {
  for (const size_t bytes : {0u, 1u, 15u, 16u, 17u, 64u, 511u, 512u, 513u, 1400u, 8912u}) {
    const Packet whole = seal(*seals, nonce, aad, Bytes(plain, bytes));
    for (const uint32_t count : {0u, 2u, 3u, 7u}) {
      if (count == 0 && bytes != 0) continue;
      std::vector<Bytes> parts;
      Bytes left(plain, bytes);
      for (uint32_t part = 0; part < count; ++part) {
        const bool is_last = part + 1 == count;
        const auto left_bytes = static_cast<uint32_t>(left.size());
        const size_t taken = is_last ? left_bytes : prng.below(left_bytes + 1);
        parts.push_back(left.first(taken));
        left = left.subspan(taken);
      }
      Packet packet(bytes + kTagBytes);
      ASSERT_TRUE(seals->seal(nonce, aad, parts, packet.data()));
      ASSERT_EQ(packet, whole) << bytes << " bytes in " << count << " parts";
    }
    Packet opened = whole;
    ASSERT_TRUE(opens->open(nonce, aad, opened.data(), opened.size())) << bytes;
    EXPECT_EQ(std::memcmp(opened.data(), plain, bytes), 0) << bytes;
  }
}

TEST_P(AeadTest, APartMayLieAtItsPlaceAlready) {
  const Packet whole = seal(*seals, nonce, aad, Bytes(plain, 100));
  Packet packet(100 + kTagBytes);
  std::memcpy(packet.data(), plain, 40);
  const Bytes parts[] = {Bytes(packet).first(40), Bytes(plain + 40, 60)};
  ASSERT_TRUE(seals->seal(nonce, aad, parts, packet.data()));
  EXPECT_EQ(packet, whole);
  std::memcpy(packet.data(), plain, 100);
  const Bytes in_place = Bytes(packet).first(100);
  ASSERT_TRUE(seals->seal(nonce, aad, std::span<const Bytes>(&in_place, 1), packet.data()));
  EXPECT_EQ(packet, whole);
}

TEST_P(AeadTest, NothingIsWrittenBehindTheTag) {
  for (const size_t bytes : {0u, 5u, 600u}) {
    Packet packet(bytes + kTagBytes + 8, 0xee);
    const Bytes part(plain, bytes);
    ASSERT_TRUE(seals->seal(nonce, aad, std::span<const Bytes>(&part, 1), packet.data()));
    ASSERT_TRUE(opens->open(nonce, aad, packet.data(), bytes + kTagBytes));
    EXPECT_EQ(to_hex(Bytes(packet).last(8)), "eeeeeeeeeeeeeeee");
  }
}

TEST_P(AeadTest, AChangedBitAnywhereIsRefusedAndTheTruePacketStillOpens) {
  const Packet packet = seal(*seals, nonce, aad, Bytes(plain, 61));
  for (size_t bit = 0; bit < packet.size() * 8; ++bit) {
    Packet changed = packet;
    changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
    ASSERT_FALSE(opens->open(nonce, aad, changed.data(), changed.size())) << "bit " << bit;
  }
  for (uint8_t& byte : aad) {
    Packet copy = packet;
    byte ^= 1;
    EXPECT_FALSE(opens->open(nonce, aad, copy.data(), copy.size()));
    byte ^= 1;
  }
  for (uint8_t& byte : nonce) {
    Packet copy = packet;
    byte ^= 1;
    EXPECT_FALSE(opens->open(nonce, aad, copy.data(), copy.size()));
    byte ^= 1;
  }
  Packet copy = packet;
  EXPECT_FALSE(opens->open(nonce, Bytes(aad).first(23), copy.data(), copy.size()));
  copy = packet;
  ASSERT_TRUE(opens->open(nonce, aad, copy.data(), copy.size()));
  EXPECT_EQ(std::memcmp(copy.data(), plain, 61), 0);
}

TEST_P(AeadTest, AShortenedPacketIsRefusedAtEveryLength) {
  const Packet packet = seal(*seals, nonce, aad, Bytes(plain, 40));
  for (size_t bytes = 0; bytes < packet.size(); ++bytes) {
    Packet cut(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(bytes));
    cut.reserve(1);
    EXPECT_FALSE(opens->open(nonce, aad, cut.data(), bytes)) << bytes;
  }
}

TEST_P(AeadTest, AnotherKeyOrCipherDoesNotOpen) {
  const Packet packet = seal(*seals, nonce, aad, Bytes(plain, 40));
  Aead other_key = make(GetParam(), sha256(bytes_of("other")), Direction::kOpen);
  Packet copy = packet;
  EXPECT_FALSE(other_key.open(nonce, aad, copy.data(), copy.size()));
  const bool is_aes = kind_of(GetParam()) == AeadKind::kAes256Gcm;
  Aead other_kind = make(is_aes ? Way::kChaChaPoly : Way::kAesGcm, key, Direction::kOpen);
  copy = packet;
  EXPECT_FALSE(other_kind.open(nonce, aad, copy.data(), copy.size()));
}

TEST_P(AeadTest, PacketsOpenInAnyOrder) {
  std::vector<Packet> packets;
  for (uint8_t number = 0; number < 50; ++number) {
    nonce[0] = number;
    packets.push_back(seal(*seals, nonce, aad, Bytes(plain + number, 30)));
  }
  for (int round = 0; round < 200; ++round) {
    const auto number = static_cast<uint8_t>(prng.below(50));
    nonce[0] = number;
    Packet copy = packets[number];
    ASSERT_TRUE(opens->open(nonce, aad, copy.data(), copy.size()));
    EXPECT_EQ(std::memcmp(copy.data(), plain + number, 30), 0);
  }
}

TEST_P(AeadTest, MoreThanOneCallTakesIsRefused) {
  const Packet huge(kAeadBytesMax / 2 + 1);
  const Bytes parts[] = {huge, huge};
  Packet to(kAeadBytesMax + 100);
  EXPECT_FALSE(seals->seal(nonce, aad, parts, to.data()));
  EXPECT_FALSE(opens->open(nonce, aad, to.data(), kAeadBytesMax + kTagBytes + 1));
}

TEST_P(AeadTest, AMovedOneGoesOnAndAnAssignedOneTakesItsKeyWhateverItWas) {
  const Packet packet = seal(*seals, nonce, aad, Bytes(plain, 40));
  Aead moved(std::move(*seals));
  EXPECT_EQ(seal(moved, nonce, aad, Bytes(plain, 40)), packet);
  for (const Way other : {Way::kAesGcm, Way::kAesGcmOfLibrary, Way::kChaChaPoly}) {
    Aead assigned = make(other, sha256(bytes_of("other")), Direction::kSeal);
    const Packet of_other = seal(assigned, nonce, aad, Bytes(plain, 40));
    std::swap(assigned, moved);
    EXPECT_EQ(assigned.kind(), kind_of(GetParam()));
    EXPECT_EQ(seal(assigned, nonce, aad, Bytes(plain, 40)), packet);
    EXPECT_EQ(seal(moved, nonce, aad, Bytes(plain, 40)), of_other);
    moved = std::move(assigned);
    EXPECT_EQ(seal(moved, nonce, aad, Bytes(plain, 40)), packet);
  }
}

TEST_P(AeadTest, SealingAndOpeningAllocateNothing) {
  const Bytes parts[] = {Bytes(plain, 24), Bytes(plain + 100, 1300)};
  const Bytes one(plain, 48);
  static uint8_t packet[2000];
  const uint64_t before = allocations_of_thread();
  uint32_t good = 0;
  for (uint8_t round = 0; round < 100; ++round) {
    nonce[0] = round;
    good += seals->seal(nonce, aad, parts, packet);
    good += opens->open(nonce, aad, packet, 1324 + kTagBytes);
    good += seals->seal(nonce, aad, std::span<const Bytes>(&one, 1), packet);
    packet[3] ^= 1;
    good += opens->open(nonce, aad, packet, 48 + kTagBytes) ? 1000 : 0;
  }
  EXPECT_EQ(allocations_of_thread(), before);
  EXPECT_EQ(good, 300u);
}

INSTANTIATE_TEST_SUITE_P(Ways, AeadTest,
                         ::testing::Values(Way::kAesGcm, Way::kAesGcmOfLibrary, Way::kChaChaPoly),
                         [](const auto& way) {
                           if (way.param == Way::kChaChaPoly) return "ChaChaPoly";
                           return way.param == Way::kAesGcm ? "AesGcm" : "AesGcmOfLibrary";
                         });

}  // namespace
}  // namespace hyperroute::crypto
