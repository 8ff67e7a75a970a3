// AES-256-GCM as it is computed here: NIST's examples, and the library as an oracle over sizes,
// cuts and changes. Where the CPU lacks the instructions both sides are the library's.
#include "crypto/aes_gcm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "crypto/aead.h"
#include "crypto/evp.h"
#include "hex.h"

namespace hyperroute::crypto {
namespace {

using Packet = std::vector<uint8_t>;

// From gcmEncryptExtIV256.rsp of NIST's CAVP, an example of each of five shapes.
struct Example {
  const char* key;
  const char* nonce;
  const char* plain;
  const char* aad;
  const char* sealed;
};

constexpr Example kExamples[] = {
    {"78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223", "d79cf22d504cc793c3fb6c8a",
     "", "b96baa8c1c75a671bfb2d08d06be5f36", "3e5d486aa2e30b22e040b85723a06e76"},
    {"31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22", "0d18e06c7c725ac9e362e1ce",
     "2db5168e932556f8089a0622981d017d", "",
     "fa4362189661d163fcd6a56d8bf0405ad636ac1bbedd5cc3ee727dc2ab4a9489"},
    {"82c4f12eeec3b2d3d157b0f992d292b237478d2cecc1d5f161389b97f999057a", "7b40b20f5f397177990ef2d1",
     "982a296ee1cd7086afad976945", "",
     "ec8e05a0471d6b43a59ca5335f113ddeafc62373cac2f5951bb9165249"},
    {"24501ad384e473963d476edcfe08205237acfd49b5b8f33857f8114e863fec7f", "9ff18563b978ec281b3f2794",
     "27f348f9cdc0c5bd5e66b1ccb63ad920ff2219d14e8d631b3872265cf117ee86"
     "757accb158bd9abb3868fdc0d0b074b5f01b2c",
     "adb5ec720ccf9898500028bf34afccbcaca126ef",
     "eb7cb754c824e8d96f7c6d9b76c7d26fb874ffbf1d65c6f64a698d839b0b0614"
     "5dae82057ad55994cf59ad7f67c0fa5e85fab8bc95c532fecc594c36d1550286a7a3f0"},
    {"148579a3cbca86d5520d66c0ec71ca5f7e41ba78e56dc6eebd566fed547fe691", "b08a5ea1927499c6ecbfd4e0",
     "9d0b15fdf1bd595f91f8b3abc0f7dec927dfd4799935a1795d9ce00c9b879434"
     "420fe42c275a7cd7b39d638fb81ca52b49dc41",
     "e4f963f015ffbb99ee3349bbaf7e8e8e6c2a71c230a48f9d59860a29091d2747"
     "e01a5ca572347e247d25f56ba7ae8e05cde2be3c97931292c02370208ecd097e"
     "f692687fecf2f419d3200162a6480a57dad408a0dfeb492e2c5d",
     "2097e372950a5e9383c675e89eea1c314f999159f5611344b298cda45e628437"
     "16f215f82ee663919c64002a5c198d7878fd3fadbecdb0d5c2224d804d2886ff9a5760"},
};

// From gcmDecrypt256.rsp of the same, where it says FAIL: ciphertext and tag.
struct Forgery {
  const char* key;
  const char* nonce;
  const char* aad;
  const char* sealed;
};

constexpr Forgery kForgeries[] = {
    {"9a0343f850a6427120f764789ffec6d237447b898fbf51d2182f065d3861497d", "3deef6f453dd70d92143adcd",
     "dbb8226a624520863db6897017b2a4f8",
     "e93165935ac18e3a2845d15fe31a9286f5fc50d18766bc3d9e16dd136d45816b"},
    {"2a765ceac97265c15209eea90bea85cd9586b972160502ff592a306dc017e6b9", "62c545d9d4e3c7acb66b4bf1",
     "7d12474e23dc233bc6312d4d5b2deee4",
     "ae0594a7b66d3a958e4e6212d3288f91ec9aa846d185cc0f43d392240cd6e2c4"},
    {"2b44f83492c05b784b6d9405c64a0530eb9ac7fcd6d5d1f0e3d4ab015a07398b", "88c16315108517124ba3b280",
     "af6406f8222a287ef1086a264929dfc5",
     "a0df8e1083853d740e80dd77e3a78d1008d0184cb2cbec32ebbebb30fb253e74"},
};

class AesGcm : public ::testing::Test {
 protected:
  void SetUp() override {
    const Status status = load();
    ASSERT_TRUE(status.ok()) << status.context;
  }

  // The same key on both sides. Created here whatever load() found, so that a fault shows in the
  // packet that has it.
  struct Ends {
    explicit Ends(Bytes key)
        : seals(own(key, Direction::kSeal)),
          opens(own(key, Direction::kOpen)),
          library_seals(of_library(key, Direction::kSeal)),
          library_opens(of_library(key, Direction::kOpen)) {}
    static Aead own(Bytes key, Direction direction) {
      if (!aes_gcm_is_supported()) return of_library(key, direction);
      return Aead::create_own(key.first<kKeyBytes>(), direction).take();
    }
    static Aead of_library(Bytes key, Direction direction) {
      return Aead::create_through(*loaded_evp(), AeadKind::kAes256Gcm, key.first<kKeyBytes>(),
                                  direction)
          .take();
    }
    Aead seals;
    Aead opens;
    Aead library_seals;
    Aead library_opens;
  };

  Packet random(size_t bytes) {
    Packet packet(bytes);
    for (uint8_t& byte : packet) byte = static_cast<uint8_t>(prng.next_u32());
    return packet;
  }

  std::vector<Bytes> cut(Bytes whole) {
    std::vector<Bytes> parts;
    for (uint32_t count = prng.below(5); count > 0; --count) {
      const size_t taken = prng.below(static_cast<uint32_t>(whole.size()) + 1);
      parts.push_back(whole.first(taken));
      whole = whole.subspan(taken);
    }
    parts.push_back(whole);
    return parts;
  }

  // Some parts to their places in the packet, and nothing to those of the others.
  void move_some(std::span<Bytes> parts, Packet& packet) {
    uint8_t* at = packet.data();
    for (Bytes& part : parts) {
      const size_t bytes = part.size();
      if (prng.below(2) == 0) {
        std::fill_n(at, bytes, uint8_t{0xee});
      } else {
        std::copy(part.begin(), part.end(), at);
        part = Bytes(at, bytes);
      }
      at += bytes;
    }
  }

  // Buffers are as large as what is in them, so that ASan sees a byte too many.
  void compare(Ends& ends, size_t aad_bytes, size_t bytes) {
    const Packet nonce = random(kNonceBytes);
    const Packet aad = random(aad_bytes);
    const Packet plain = random(bytes);
    const Bytes whole(plain);
    Packet expected(bytes + kTagBytes);
    ASSERT_TRUE(ends.library_seals.seal(nonce.data(), aad, std::span<const Bytes>(&whole, 1),
                                        expected.data()));
    Packet packet(bytes + kTagBytes);
    ASSERT_TRUE(ends.seals.seal(nonce.data(), aad, cut(plain), packet.data()));
    ASSERT_EQ(packet, expected);
    std::copy(plain.begin(), plain.end(), packet.begin());
    const Bytes in_place = Bytes(packet).first(bytes);
    ASSERT_TRUE(
        ends.seals.seal(nonce.data(), aad, std::span<const Bytes>(&in_place, 1), packet.data()));
    ASSERT_EQ(packet, expected);

    std::vector<Bytes> parts = cut(plain);
    move_some(parts, packet);
    ASSERT_TRUE(ends.seals.seal(nonce.data(), aad, parts, packet.data()));
    ASSERT_EQ(packet, expected);

    ASSERT_TRUE(ends.opens.open(nonce.data(), aad, packet.data(), packet.size()));
    ASSERT_TRUE(std::equal(plain.begin(), plain.end(), packet.begin()));
    const uint32_t bit = prng.below(static_cast<uint32_t>(expected.size()) * 8);
    expected[bit / 8] = static_cast<uint8_t>(expected[bit / 8] ^ (1u << (bit % 8)));
    ASSERT_FALSE(ends.opens.open(nonce.data(), aad, expected.data(), expected.size()));
  }

  ::testing::ScopedTrace trace{__FILE__, __LINE__, "seed 0xae5"};
  Prng prng{0xae5};
};

TEST_F(AesGcm, NistsExamplesAreSealedAndOpened) {
  for (const Example& example : kExamples) {
    SCOPED_TRACE(example.sealed);
    Ends ends(from_hex(example.key));
    const Packet nonce = from_hex(example.nonce);
    const Packet aad = from_hex(example.aad);
    const Packet plain = from_hex(example.plain);
    const Bytes part(plain);
    for (Aead* const seals : {&ends.seals, &ends.library_seals}) {
      Packet packet(plain.size() + kTagBytes);
      ASSERT_TRUE(seals->seal(nonce.data(), aad, std::span<const Bytes>(&part, 1), packet.data()));
      EXPECT_EQ(to_hex(packet), example.sealed);
    }
    Packet packet = from_hex(example.sealed);
    ASSERT_TRUE(ends.opens.open(nonce.data(), aad, packet.data(), packet.size()));
    EXPECT_EQ(to_hex(Bytes(packet).first(plain.size())), example.plain);
  }
}

TEST_F(AesGcm, NistsForgeriesAreRefusedAndNotDecrypted) {
  for (const Forgery& forgery : kForgeries) {
    SCOPED_TRACE(forgery.sealed);
    Ends ends(from_hex(forgery.key));
    const Packet nonce = from_hex(forgery.nonce);
    const Packet aad = from_hex(forgery.aad);
    Packet packet = from_hex(forgery.sealed);
    EXPECT_FALSE(ends.library_opens.open(nonce.data(), aad, packet.data(), packet.size()));
    packet = from_hex(forgery.sealed);
    EXPECT_FALSE(ends.opens.open(nonce.data(), aad, packet.data(), packet.size()));
    EXPECT_TRUE(!ends.opens.is_own() || to_hex(packet) == forgery.sealed);
  }
}

TEST_F(AesGcm, EverySmallSizeIsWhatTheLibraryMakesOfIt) {
  Ends ends(random(kKeyBytes));
  for (size_t bytes = 0; bytes <= 300; ++bytes) {
    for (const size_t aad_bytes : {0u, 15u, 16u, 24u, 33u}) {
      ASSERT_NO_FATAL_FAILURE(compare(ends, aad_bytes, bytes)) << bytes << " and " << aad_bytes;
    }
  }
  for (size_t aad_bytes = 0; aad_bytes <= 300; ++aad_bytes) {
    ASSERT_NO_FATAL_FAILURE(compare(ends, aad_bytes, aad_bytes % 50)) << aad_bytes;
  }
}

TEST_F(AesGcm, ManyKeysAndLargePacketsAreWhatTheLibraryMakesOfThem) {
  for (int key = 0; key < 100; ++key) {
    Ends ends(random(kKeyBytes));
    for (const uint32_t about : {0u, 120u, 240u, 500u, 1380u, 8900u}) {
      const size_t bytes = about + prng.below(60);
      const size_t aad_bytes = prng.below(65);
      ASSERT_NO_FATAL_FAILURE(compare(ends, aad_bytes, bytes)) << bytes << " and " << aad_bytes;
    }
  }
}

TEST_F(AesGcm, TheLargestPacketIsWhatTheLibraryMakesOfIt) {
  Ends ends(random(kKeyBytes));
  ASSERT_NO_FATAL_FAILURE(compare(ends, 24, kAeadBytesMax));
  ASSERT_NO_FATAL_FAILURE(compare(ends, 24, kAeadBytesMax - 1));
}

TEST_F(AesGcm, KeysAndBlocksOfOneValueAreNoSpecialCase) {
  // With all of them equal, sums of blocks vanish and carries run through.
  for (const uint8_t of_key : {uint8_t{0}, uint8_t{0xff}, uint8_t{0x80}, uint8_t{1}}) {
    Ends ends(Packet(kKeyBytes, of_key));
    for (const uint8_t of_packet : {uint8_t{0}, uint8_t{0xff}}) {
      const Packet nonce(kNonceBytes, of_packet);
      const Packet plain(500, of_packet);
      const Bytes part(plain);
      const std::span<const Bytes> parts(&part, 1);
      Packet own(plain.size() + kTagBytes);
      Packet librarys(plain.size() + kTagBytes);
      ASSERT_TRUE(ends.seals.seal(nonce.data(), nonce, parts, own.data()));
      ASSERT_TRUE(ends.library_seals.seal(nonce.data(), nonce, parts, librarys.data()));
      EXPECT_EQ(own, librarys);
      EXPECT_TRUE(ends.opens.open(nonce.data(), nonce, own.data(), own.size()));
      EXPECT_EQ(Packet(own.begin(), own.end() - kTagBytes), plain);
    }
  }
}

TEST_F(AesGcm, EveryChangedBitOfSizesThatTakeEachPathIsRefused) {
  Ends ends(random(kKeyBytes));
  const Packet nonce = random(kNonceBytes);
  const Packet aad = random(24);
  for (const size_t bytes : {0u, 1u, 48u, 49u, 112u, 113u, 240u, 400u}) {
    const Packet plain = random(bytes);
    const Bytes part(plain);
    Packet sealed(bytes + kTagBytes);
    ASSERT_TRUE(
        ends.seals.seal(nonce.data(), aad, std::span<const Bytes>(&part, 1), sealed.data()));
    const auto refused = [&](Packet packet, const Packet& with_aad) {
      return !ends.opens.open(nonce.data(), with_aad, packet.data(), packet.size());
    };
    for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Packet changed = sealed;
      changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
      ASSERT_TRUE(refused(changed, aad)) << bytes << " bytes, bit " << bit;
    }
    for (size_t bit = 0; bit < aad.size() * 8; ++bit) {
      Packet changed = aad;
      changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ (1u << (bit % 8)));
      ASSERT_TRUE(refused(sealed, changed)) << bytes << " bytes, bit " << bit << " of the aad";
    }
    EXPECT_FALSE(refused(sealed, aad));
  }
}

TEST_F(AesGcm, AKeyIsOverwrittenWhenItGoes) {
  alignas(AesGcmKey) uint8_t place[sizeof(AesGcmKey)];
  auto* const key = std::construct_at(reinterpret_cast<AesGcmKey*>(place));
  std::fill_n(key->round_keys[0], sizeof key->round_keys, uint8_t{7});
  std::fill_n(key->powers[0], sizeof key->powers, uint8_t{7});
  std::destroy_at(key);
  EXPECT_EQ(std::count(std::begin(place), std::end(place), 0),
            static_cast<ptrdiff_t>(sizeof(AesGcmKey)));
}

}  // namespace
}  // namespace hyperroute::crypto
