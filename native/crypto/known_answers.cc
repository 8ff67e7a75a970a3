// Published examples of every primitive that is used, which a library must reproduce before it is
// used: a wrong prototype, a broken build or a policy that forbids an algorithm shows here, at
// load, and not as packets that nobody can open. AES-256-GCM as it is computed here must do the
// same before it takes the library's place. Set-up only.
#include <algorithm>
#include <array>
#include <utility>

#include "crypto/aead.h"
#include "crypto/curve.h"
#include "crypto/evp.h"
#include "crypto/evp_digest.h"

namespace hyperroute::crypto {
namespace {

// The largest packet of those that are compared: it takes every path of aes_gcm_datapath.cc, and
// its last block is not whole.
constexpr uint32_t kComparedBytesMax = 601;

constexpr uint8_t nibble(char digit) {
  return static_cast<uint8_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

template <size_t kChars>
constexpr auto hex(const char (&text)[kChars]) {
  std::array<uint8_t, (kChars - 1) / 2> bytes{};
  for (size_t index = 0; index < bytes.size(); ++index) {
    const int high = nibble(text[2 * index]) << 4;
    bytes[index] = static_cast<uint8_t>(high | nibble(text[2 * index + 1]));
  }
  return bytes;
}

// RFC 7748, section 6.1.
bool is_curve_right(const Evp& evp) noexcept {
  constexpr auto kAlicePrivate =
      hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  constexpr auto kAlicePublic =
      hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  constexpr auto kBobPublic =
      hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  constexpr auto kShared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  std::array<uint8_t, kKeyBytes> public_key{};
  Secret<kKeyBytes> shared;
  return curve_public(evp, kAlicePrivate, public_key) && public_key == kAlicePublic &&
         curve_secret(evp, kAlicePrivate, kBobPublic, shared) && shared == kShared;
}

// FIPS 180-4's "abc", whole and, with the context used again, in parts.
bool is_digest_right(const Evp& evp) noexcept {
  constexpr auto kDigest = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  constexpr uint8_t kText[] = {'a', 'b', 'c'};
  const Bytes text(kText);
  const Bytes parts[] = {text.subspan(1, 1), text.subspan(2)};
  EvpDigest digest;
  Hash hash{};
  if (!digest.compute(evp, text, {}, hash) || hash != kDigest) return false;
  hash = {};
  return digest.compute(evp, text.first(1), parts, hash) && hash == kDigest;
}

struct AeadExample {
  AeadKind kind;
  std::array<uint8_t, kKeyBytes> key;
  std::array<uint8_t, kNonceBytes> nonce;
  Bytes aad;
  Bytes plain;
  Bytes sealed;
};

// Sealed in two parts, opened, and refused with one bit of the tag changed; twice, as a context is
// used for many packets.
bool is_aead_right(Result<Aead> seals, Result<Aead> opens, const AeadExample& example) noexcept {
  constexpr size_t kSealedBytesMax = 160;
  HR_ASSERT(example.sealed.size() <= kSealedBytesMax);
  if (!seals.ok() || !opens.ok()) return false;
  const size_t bytes = example.sealed.size();
  const Bytes parts[] = {example.plain.first(5), example.plain.subspan(5)};
  for (uint32_t round = 0; round < 2; ++round) {
    uint8_t packet[kSealedBytesMax] = {};
    if (!seals.value().seal(example.nonce.data(), example.aad, parts, packet)) return false;
    if (!std::equal(example.sealed.begin(), example.sealed.end(), packet)) return false;
    if (!opens.value().open(example.nonce.data(), example.aad, packet, bytes)) return false;
    if (!std::equal(example.plain.begin(), example.plain.end(), packet)) return false;
    std::copy(example.sealed.begin(), example.sealed.end(), packet);
    packet[bytes - 1] ^= 1;
    if (opens.value().open(example.nonce.data(), example.aad, packet, bytes)) return false;
  }
  return true;
}

bool is_aead_of_library_right(const Evp& evp, const AeadExample& example) noexcept {
  return is_aead_right(Aead::create_through(evp, example.kind, example.key, Direction::kSeal),
                       Aead::create_through(evp, example.kind, example.key, Direction::kOpen),
                       example);
}

// Test case 16 of McGrew and Viega's specification of GCM, which NIST SP 800-38D refers to.
constexpr auto kAesAad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
constexpr auto kAesPlain =
    hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
constexpr auto kAesSealed =
    hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b");
constexpr AeadExample kAesExample = {
    .kind = AeadKind::kAes256Gcm,
    .key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
    .nonce = hex("cafebabefacedbaddecaf888"),
    .aad = kAesAad,
    .plain = kAesPlain,
    .sealed = kAesSealed};

bool is_aes_right(const Evp& evp) noexcept { return is_aead_of_library_right(evp, kAesExample); }

// RFC 8439, section 2.8.2.
bool is_chacha_right(const Evp& evp) noexcept {
  constexpr auto kAad = hex("50515253c0c1c2c3c4c5c6c7");
  constexpr char kPlain[] =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.";
  constexpr auto kSealed =
      hex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
          "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
          "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
          "3ff4def08e4b7a9de576d26586cec64b6116"
          "1ae10b594f09e26a7e902ecbd0600691");
  return is_aead_of_library_right(
      evp, {.kind = AeadKind::kChaCha20Poly1305,
            .key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
            .nonce = hex("070000004041424344454647"),
            .aad = kAad,
            .plain = Bytes(reinterpret_cast<const uint8_t*>(kPlain), sizeof kPlain - 1),
            .sealed = kSealed});
}

// A packet of `bytes` bytes: sealed the same by both, opened by the other, refused when changed.
bool is_own_packet_the_same(Aead& own_seals, Aead& own_opens, Aead& library_seals,
                            size_t bytes) noexcept {
  uint8_t plain[kComparedBytesMax];
  for (size_t index = 0; index < bytes; ++index) plain[index] = static_cast<uint8_t>(index * 7);
  const uint8_t* const nonce = kAesExample.nonce.data();
  const Bytes part(plain, bytes);
  const std::span<const Bytes> parts(&part, 1);
  uint8_t own[kComparedBytesMax + kTagBytes];
  uint8_t librarys[kComparedBytesMax + kTagBytes];
  const size_t sealed_bytes = bytes + kTagBytes;
  if (!own_seals.seal(nonce, kAesAad, parts, own)) return false;
  if (!library_seals.seal(nonce, kAesAad, parts, librarys)) return false;
  if (!std::equal(own, own + sealed_bytes, librarys)) return false;
  if (!own_opens.open(nonce, kAesAad, librarys, sealed_bytes)) return false;
  if (!std::equal(plain, plain + bytes, librarys)) return false;
  own[bytes / 2] ^= 1;
  return !own_opens.open(nonce, kAesAad, own, sealed_bytes);
}

}  // namespace

bool is_own_aes_gcm_right(const Evp& evp) noexcept {
  constexpr auto kKind = AeadKind::kAes256Gcm;
  const auto& key = kAesExample.key;
  Result<Aead> seals = Aead::create_own(key, Direction::kSeal);
  Result<Aead> opens = Aead::create_own(key, Direction::kOpen);
  Result<Aead> library_seals = Aead::create_through(evp, kKind, key, Direction::kSeal);
  if (!seals.ok() || !opens.ok() || !library_seals.ok()) return false;
  for (const size_t bytes : {0u, 100u, 300u, kComparedBytesMax}) {
    if (!is_own_packet_the_same(seals.value(), opens.value(), library_seals.value(), bytes)) {
      return false;
    }
  }
  return is_aead_right(std::move(seals), std::move(opens), kAesExample);
}

Status check_known_answers(const Evp& evp) noexcept {
  // The curve first: its number is OpenSSL's own, so that a relative with other habits is refused
  // before it is asked for anything that it might take amiss.
  struct Check {
    const char* name;
    bool (*is_right)(const Evp& evp) noexcept;
  };
  constexpr Check kChecks[] = {{"X25519", is_curve_right},
                               {"SHA-256", is_digest_right},
                               {"AES-256-GCM", is_aes_right},
                               {"ChaCha20-Poly1305", is_chacha_right}};
  for (const Check& check : kChecks) {
    if (check.is_right(evp)) continue;
    return Status::error(StatusCode::kCryptoUnavailable, "wrong %s", check.name);
  }
  return Status::success();
}

}  // namespace hyperroute::crypto
