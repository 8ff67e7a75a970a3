// The IK handshake against published vectors, and what it makes of messages that are not right.
#include "crypto/noise.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "hex.h"
#include "noise_vectors.h"

namespace hyperroute::crypto {
namespace {

constexpr AeadKind kKinds[] = {AeadKind::kAes256Gcm, AeadKind::kChaCha20Poly1305};

KeyPair pair_of(Bytes private_key) {
  Result<KeyPair> pair = key_pair_of(private_key.first<kKeyBytes>());
  EXPECT_TRUE(pair.ok()) << pair.status().context;
  return pair.ok() ? pair.value() : KeyPair{};
}

// Two ends of one handshake, with keys that are the same every time.
struct Ends {
  KeyPair initiator_static = pair_of(sha256(bytes_of("initiator static")));
  KeyPair initiator_ephemeral = pair_of(sha256(bytes_of("initiator ephemeral")));
  KeyPair responder_static = pair_of(sha256(bytes_of("responder static")));
  KeyPair responder_ephemeral = pair_of(sha256(bytes_of("responder ephemeral")));
  NoiseIk initiator;
  NoiseIk responder;
  uint8_t message[kNoiseMessageBytesMax] = {};
  uint8_t payload[kNoiseMessageBytesMax] = {};

  explicit Ends(AeadKind kind)
      : initiator(NoiseIk::initiator(kind, initiator_static, responder_static.public_key,
                                     initiator_ephemeral, bytes_of("prologue"))),
        responder(NoiseIk::responder(kind, responder_static, responder_ephemeral,
                                     bytes_of("prologue"))) {}

  Bytes write(NoiseIk& end, std::string_view text) {
    const Result<size_t> bytes = end.write_message(bytes_of(text), message);
    EXPECT_TRUE(bytes.ok()) << bytes.status().context;
    return Bytes(message, bytes.ok() ? bytes.value() : 0);
  }

  std::string read(NoiseIk& end, Bytes from) {
    const Result<size_t> bytes = end.read_message(from, payload);
    if (!bytes.ok()) return std::string("refused: ") + bytes.status().context;
    return std::string(reinterpret_cast<const char*>(payload), bytes.value());
  }

  StatusCode read_code(NoiseIk& end, Bytes from) {
    return end.read_message(from, payload).status().code;
  }
};

struct NoiseTest : ::testing::TestWithParam<AeadKind> {
  void SetUp() override {
    const Status status = load();
    ASSERT_TRUE(status.ok()) << status.context;
  }
};

AeadKind kind_of(const NoiseVector& vector) {
  return vector.protocol == "Noise_IK_25519_AESGCM_SHA256" ? AeadKind::kAes256Gcm
                                                           : AeadKind::kChaCha20Poly1305;
}

void expect_handshake(const NoiseVector& vector, NoiseIk& initiator, NoiseIk& responder) {
  ASSERT_GE(vector.messages.size(), 2u);
  for (size_t index = 0; index < 2; ++index) {
    const auto& [payload, message] = vector.messages[index];
    NoiseIk& writer = index == 0 ? initiator : responder;
    NoiseIk& reader = index == 0 ? responder : initiator;
    uint8_t written[kNoiseMessageBytesMax];
    const Result<size_t> bytes = writer.write_message(payload, written);
    ASSERT_TRUE(bytes.ok()) << bytes.status().context;
    EXPECT_EQ(to_hex(Bytes(written, bytes.value())), to_hex(message));
    uint8_t read[kNoiseMessageBytesMax];
    const Result<size_t> payload_bytes = reader.read_message(message, read);
    ASSERT_TRUE(payload_bytes.ok()) << payload_bytes.status().context;
    EXPECT_EQ(to_hex(Bytes(read, payload_bytes.value())), to_hex(payload));
  }
  ASSERT_TRUE(initiator.is_finished());
  ASSERT_TRUE(responder.is_finished());
}

// The transport messages that follow, under the keys of the split.
void expect_transport(const NoiseVector& vector, const NoiseSplit& keys) {
  const AeadKind kind = kind_of(vector);
  for (size_t index = 2; index < vector.messages.size(); ++index) {
    const auto& [payload, message] = vector.messages[index];
    const bool is_of_initiator = index % 2 == 0;
    const auto& key = is_of_initiator ? keys.initiator_to_responder : keys.responder_to_initiator;
    uint8_t nonce[kNonceBytes] = {};
    const uint8_t counter = static_cast<uint8_t>(index / 2 - 1);
    nonce[kind == AeadKind::kAes256Gcm ? 11 : 4] = counter;
    Result<Aead> aead = Aead::create(kind, key, Direction::kSeal);
    ASSERT_TRUE(aead.ok()) << aead.status().context;
    std::vector<uint8_t> sealed(payload.size() + kTagBytes);
    const Bytes part(payload);
    ASSERT_TRUE(aead.value().seal(nonce, {}, std::span<const Bytes>(&part, 1), sealed.data()));
    EXPECT_EQ(to_hex(sealed), to_hex(message)) << "transport message " << index;
  }
}

TEST_F(NoiseTest, PublishedVectorsAreReproducedByteForByte) {
  const std::vector<NoiseVector> vectors = read_noise_vectors();
  ASSERT_EQ(vectors.size(), 4u);
  size_t hashes = 0;
  for (const NoiseVector& vector : vectors) {
    SCOPED_TRACE(vector.name());
    const KeyPair initiator_static = pair_of(vector.key("init_static"));
    const std::vector<uint8_t> prologue = vector.bytes("prologue");
    NoiseIk initiator =
        NoiseIk::initiator(kind_of(vector), initiator_static, vector.key("init_remote_static"),
                           pair_of(vector.key("init_ephemeral")), prologue);
    NoiseIk responder = NoiseIk::responder(kind_of(vector), pair_of(vector.key("resp_static")),
                                           pair_of(vector.key("resp_ephemeral")), prologue);
    ASSERT_NO_FATAL_FAILURE(expect_handshake(vector, initiator, responder));
    EXPECT_EQ(responder.remote_public(), initiator_static.public_key);
    expect_transport(vector, initiator.split());
    expect_transport(vector, responder.split());
    if (!vector.fields.contains("handshake_hash")) continue;
    ++hashes;
    EXPECT_EQ(initiator.split().handshake_hash, vector.key("handshake_hash"));
    EXPECT_EQ(responder.split().handshake_hash, vector.key("handshake_hash"));
  }
  EXPECT_EQ(hashes, 2u);
}

TEST_P(NoiseTest, BothEndsGetTheSameKeysOfTheTwoDirections) {
  Ends ends(GetParam());
  EXPECT_EQ(ends.read(ends.responder, ends.write(ends.initiator, "hello")), "hello");
  EXPECT_EQ(ends.read(ends.initiator, ends.write(ends.responder, "welcome")), "welcome");
  ASSERT_TRUE(ends.initiator.is_finished());
  ASSERT_TRUE(ends.responder.is_finished());
  const NoiseSplit of_initiator = ends.initiator.split();
  const NoiseSplit of_responder = ends.responder.split();
  EXPECT_EQ(of_initiator.initiator_to_responder, of_responder.initiator_to_responder);
  EXPECT_EQ(of_initiator.responder_to_initiator, of_responder.responder_to_initiator);
  EXPECT_EQ(of_initiator.handshake_hash, of_responder.handshake_hash);
  EXPECT_NE(of_initiator.initiator_to_responder, of_initiator.responder_to_initiator);
}

TEST_P(NoiseTest, TheResponderLearnsWhoTheInitiatorIs) {
  Ends ends(GetParam());
  EXPECT_EQ(ends.responder.remote_public(), PublicKey{});
  EXPECT_EQ(ends.initiator.remote_public(), ends.responder_static.public_key);
  ends.read(ends.responder, ends.write(ends.initiator, "hello"));
  EXPECT_EQ(ends.responder.remote_public(), ends.initiator_static.public_key);
}

TEST_P(NoiseTest, PayloadsOfEverySizeUpToTheLargestPass) {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{64}, size_t{511}, size_t{512},
                             size_t{kNoiseMessageBytesMax - kNoiseFirstOverheadBytes}}) {
    Ends ends(GetParam());
    const std::string text(bytes, 'p');
    EXPECT_EQ(ends.read(ends.responder, ends.write(ends.initiator, text)), text);
    EXPECT_EQ(ends.read(ends.initiator, ends.write(ends.responder, text)), text);
  }
}

TEST_P(NoiseTest, NoChangedByteOfTheFirstMessageIsAcceptedAndTheTrueOneStillIs) {
  Ends ends(GetParam());
  const Bytes message = ends.write(ends.initiator, "hello");
  std::vector<uint8_t> forged(message.begin(), message.end());
  // The ephemeral key's highest bit is masked by the curve, but is part of the hash.
  for (size_t index = 0; index < forged.size(); ++index) {
    forged[index] ^= 0x80;
    EXPECT_EQ(ends.read_code(ends.responder, forged), StatusCode::kMessage) << "byte " << index;
    forged[index] ^= 0x80;
  }
  EXPECT_EQ(ends.responder.remote_public(), PublicKey{});
  EXPECT_EQ(ends.read(ends.responder, forged), "hello");
}

TEST_P(NoiseTest, NoChangedByteOfTheSecondMessageIsAcceptedAndTheTrueOneStillIs) {
  Ends ends(GetParam());
  ends.read(ends.responder, ends.write(ends.initiator, "hello"));
  const Bytes message = ends.write(ends.responder, "welcome");
  std::vector<uint8_t> forged(message.begin(), message.end());
  for (size_t index = 0; index < forged.size(); ++index) {
    forged[index] ^= 0x80;
    EXPECT_EQ(ends.read_code(ends.initiator, forged), StatusCode::kMessage) << "byte " << index;
    forged[index] ^= 0x80;
  }
  EXPECT_FALSE(ends.initiator.is_finished());
  EXPECT_EQ(ends.read(ends.initiator, forged), "welcome");
  EXPECT_EQ(ends.initiator.split().initiator_to_responder,
            ends.responder.split().initiator_to_responder);
}

TEST_P(NoiseTest, MessagesOfEveryWrongLengthAreRefused) {
  Ends ends(GetParam());
  const Bytes message = ends.write(ends.initiator, "hello");
  std::vector<uint8_t> longer(message.begin(), message.end());
  longer.resize(kNoiseMessageBytesMax + 100);
  for (size_t bytes = 0; bytes < longer.size(); bytes += bytes < 200 ? 1 : 97) {
    if (bytes == message.size()) continue;
    EXPECT_EQ(ends.read_code(ends.responder, Bytes(longer).first(bytes)), StatusCode::kMessage)
        << bytes;
  }
  EXPECT_EQ(ends.read(ends.responder, Bytes(longer).first(message.size())), "hello");
}

TEST_P(NoiseTest, RandomBytesAreNeverAMessage) {
  constexpr uint64_t kSeed = 0x401553;
  SCOPED_TRACE(kSeed);
  Prng prng(kSeed);
  Ends ends(GetParam());
  for (int round = 0; round < 200; ++round) {
    std::vector<uint8_t> noise(prng.below(kNoiseMessageBytesMax + 200));
    for (uint8_t& byte : noise) byte = static_cast<uint8_t>(prng.next_u32());
    EXPECT_EQ(ends.read_code(ends.responder, noise), StatusCode::kMessage) << noise.size();
  }
}

TEST_P(NoiseTest, AnEphemeralKeyOfLowOrderIsRefused) {
  Ends ends(GetParam());
  const Bytes message = ends.write(ends.initiator, "hello");
  std::vector<uint8_t> forged(message.begin(), message.end());
  for (const uint8_t point : {uint8_t{0}, uint8_t{1}}) {
    std::fill_n(forged.begin(), kKeyBytes, uint8_t{0});
    forged[0] = point;
    EXPECT_EQ(ends.read_code(ends.responder, forged), StatusCode::kMessage);
  }
}

TEST_P(NoiseTest, AMessageForAnotherResponderPrologueOrCipherIsRefused) {
  Ends ends(GetParam());
  const Bytes message = ends.write(ends.initiator, "hello");
  NoiseIk stranger = NoiseIk::responder(GetParam(), ends.initiator_ephemeral,
                                        ends.responder_ephemeral, bytes_of("prologue"));
  EXPECT_EQ(ends.read_code(stranger, message), StatusCode::kMessage);
  NoiseIk other_prologue = NoiseIk::responder(GetParam(), ends.responder_static,
                                              ends.responder_ephemeral, bytes_of("Prologue"));
  EXPECT_EQ(ends.read_code(other_prologue, message), StatusCode::kMessage);
  const AeadKind other_kind =
      GetParam() == AeadKind::kAes256Gcm ? AeadKind::kChaCha20Poly1305 : AeadKind::kAes256Gcm;
  NoiseIk other_cipher = NoiseIk::responder(other_kind, ends.responder_static,
                                            ends.responder_ephemeral, bytes_of("prologue"));
  EXPECT_EQ(ends.read_code(other_cipher, message), StatusCode::kMessage);
  EXPECT_EQ(ends.read(ends.responder, message), "hello");
}

TEST_P(NoiseTest, AMessageOutOfTurnIsAStateError) {
  Ends ends(GetParam());
  uint8_t first[kNoiseMessageBytesMax];
  EXPECT_EQ(ends.responder.write_message({}, first).status().code, StatusCode::kState);
  const Result<size_t> bytes = ends.initiator.write_message({}, first);
  ASSERT_TRUE(bytes.ok());
  const Bytes message(first, bytes.value());
  EXPECT_EQ(ends.initiator.write_message({}, ends.message).status().code, StatusCode::kState);
  EXPECT_EQ(ends.read(ends.responder, message), "");
  EXPECT_EQ(ends.read_code(ends.responder, message), StatusCode::kState) << "the same, replayed";
  EXPECT_EQ(ends.read(ends.initiator, ends.write(ends.responder, "welcome")), "welcome");
  EXPECT_EQ(ends.initiator.write_message({}, ends.message).status().code, StatusCode::kState);
  EXPECT_EQ(ends.read_code(ends.initiator, message), StatusCode::kState);
}

TEST_P(NoiseTest, TooLittleRoomIsALimitAndChangesNothing) {
  Ends ends(GetParam());
  uint8_t first[kNoiseMessageBytesMax + 1];
  const std::string text(40, 'p');
  const size_t needed_bytes = kNoiseFirstOverheadBytes + text.size();
  const std::span<uint8_t> room(first);
  for (const size_t bytes : {size_t{0}, size_t{kNoiseFirstOverheadBytes - 1}, needed_bytes - 1}) {
    const Result<size_t> written = ends.initiator.write_message(bytes_of(text), room.first(bytes));
    EXPECT_EQ(written.status().code, StatusCode::kLimit) << bytes;
  }
  const std::string beyond(kNoiseMessageBytesMax - kNoiseFirstOverheadBytes + 1, 'p');
  EXPECT_EQ(ends.initiator.write_message(bytes_of(beyond), room).status().code, StatusCode::kLimit);
  const Result<size_t> written =
      ends.initiator.write_message(bytes_of(text), room.first(needed_bytes));
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(written.value(), needed_bytes);
  const Bytes message(first, needed_bytes);
  const std::span<uint8_t> payload_room(ends.payload, text.size() - 1);
  EXPECT_EQ(ends.responder.read_message(message, payload_room).status().code, StatusCode::kLimit);
  EXPECT_EQ(ends.read(ends.responder, message), text);
}

INSTANTIATE_TEST_SUITE_P(Kinds, NoiseTest, ::testing::ValuesIn(kKinds), [](const auto& kind) {
  return kind.param == AeadKind::kAes256Gcm ? "AesGcm" : "ChaChaPoly";
});

TEST(Curve, KeysAndSecretsAreThoseOfRfc7748) {
  ASSERT_TRUE(load().ok());
  const auto alice =
      array_of<32>("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const auto bob = array_of<32>("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  const Result<PublicKey> of_alice = derive_public(alice);
  const Result<PublicKey> of_bob = derive_public(bob);
  ASSERT_TRUE(of_alice.ok() && of_bob.ok());
  EXPECT_EQ(to_hex(of_alice.value()),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(of_bob.value()),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const auto one = diffie_hellman(alice, of_bob.value());
  const auto other = diffie_hellman(bob, of_alice.value());
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_EQ(to_hex(one.value()),
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  EXPECT_EQ(one.value(), other.value());
  // Section 5.2's first example, whose scalar is not yet clamped.
  const auto scalar =
      array_of<32>("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
  const auto point =
      array_of<32>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
  const auto product = diffie_hellman(scalar, point);
  ASSERT_TRUE(product.ok());
  EXPECT_EQ(to_hex(product.value()),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}

TEST(Curve, GeneratedPairsMatchAndDiffer) {
  ASSERT_TRUE(load().ok());
  const Result<KeyPair> one = generate_key_pair();
  const Result<KeyPair> other = generate_key_pair();
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE(one.value().private_key, other.value().private_key);
  EXPECT_EQ(derive_public(one.value().private_key).value(), one.value().public_key);
  EXPECT_EQ(diffie_hellman(one.value().private_key, other.value().public_key).value(),
            diffie_hellman(other.value().private_key, one.value().public_key).value());
}

TEST(Curve, PointsOfLowOrderGiveNoSecret) {
  ASSERT_TRUE(load().ok());
  const Result<KeyPair> own = generate_key_pair();
  ASSERT_TRUE(own.ok());
  for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"}) {
    const auto secret = diffie_hellman(own.value().private_key, array_of<32>(point));
    EXPECT_EQ(secret.status().code, StatusCode::kMessage) << point;
  }
}

}  // namespace
}  // namespace hyperroute::crypto
