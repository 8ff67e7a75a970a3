// The messages of a handshake: both ends agree on keys and parameters, or nothing happens.
#include "raptor/handshake.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/prng.h"
#include "endpoint_pair.h"

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kInitiatorId = 0xA1A2A3A4A5A60001;
constexpr uint64_t kResponderId = 0xB1B2B3B4B5B60002;
constexpr uint8_t kInitiatorKey = 11;
constexpr uint8_t kResponderKey = 12;

Parameters parameters(uint64_t session) {
  Parameters parameters;
  parameters.session = session;
  parameters.liveness_us = 100'000;
  parameters.in_flight_bytes_max = 1u << 20;
  parameters.message_bytes_max = 1u << 18;
  parameters.datagram_bytes_max = kDatagramBytesMin;
  return parameters;
}

enum class Mode { kAes, kChaCha20, kInsecure };

HandshakeIdentity identity(Mode mode, uint8_t own, uint8_t ephemeral) {
  HandshakeIdentity identity;
  identity.is_insecure = mode == Mode::kInsecure;
  identity.cipher =
      mode == Mode::kChaCha20 ? crypto::AeadKind::kChaCha20Poly1305 : crypto::AeadKind::kAes256Gcm;
  identity.static_pair = keys_of(own);
  identity.ephemeral_pair = keys_of(ephemeral);
  return identity;
}

const char* name_of(const testing::TestParamInfo<Mode>& of) {
  static constexpr const char* kNames[] = {"Aes", "ChaCha20", "Insecure"};
  return kNames[static_cast<int>(of.param)];
}

class Handshake : public testing::TestWithParam<Mode> {
 protected:
  Handshake()
      : initiator_(InitiatorHandshake::create(identity(GetParam(), kInitiatorKey, 101),
                                              keys_of(kResponderKey).public_key,
                                              parameters(kInitiatorId))
                       .take()),
        initiate_(kInitiateBytes) {
    EXPECT_EQ(initiator_.write(initiate_.data()), kInitiateBytes);
  }

  bool is_secure() const { return GetParam() != Mode::kInsecure; }

  std::optional<ResponderHandshake> read(std::vector<uint8_t> datagram, uint8_t own = kResponderKey,
                                         uint8_t ephemeral = 102) {
    InitiatePacket packet;
    const uint32_t bytes = static_cast<uint32_t>(datagram.size());
    if (read_initiate(datagram.data(), bytes, packet) != nullptr) return std::nullopt;
    return ResponderHandshake::read(identity(GetParam(), own, ephemeral), packet, datagram.data());
  }

  // The RESPOND to the INITIATE, by a responder with this ephemeral key.
  std::vector<uint8_t> respond(SessionKeys& keys, uint8_t ephemeral = 102) {
    std::optional<ResponderHandshake> responder = read(initiate_, kResponderKey, ephemeral);
    EXPECT_TRUE(responder.has_value());
    std::vector<uint8_t> datagram(kRespondBytesMax);
    datagram.resize(responder->write(parameters(kResponderId), datagram.data(), keys));
    EXPECT_FALSE(datagram.empty());
    return datagram;
  }

  bool accept(const std::vector<uint8_t>& datagram, Parameters& remote, SessionKeys& keys) {
    RespondPacket packet;
    const uint32_t bytes = static_cast<uint32_t>(datagram.size());
    if (read_respond(datagram.data(), bytes, packet) != nullptr) return false;
    return initiator_.read_respond(packet, remote, keys);
  }

  InitiatorHandshake initiator_;
  std::vector<uint8_t> initiate_;
};

INSTANTIATE_TEST_SUITE_P(Modes, Handshake,
                         testing::Values(Mode::kAes, Mode::kChaCha20, Mode::kInsecure), name_of);
// What only keys can give: between insecure ends the session ids are all there is.
class SecureHandshake : public Handshake {};
INSTANTIATE_TEST_SUITE_P(Modes, SecureHandshake, testing::Values(Mode::kAes, Mode::kChaCha20),
                         name_of);

TEST_P(Handshake, GivesBothEndsTheSameKeysAndEachOthersParameters) {
  const std::optional<ResponderHandshake> responder = read(initiate_);
  ASSERT_TRUE(responder.has_value());
  EXPECT_EQ(responder->remote().session, kInitiatorId);
  const crypto::PublicKey none{};
  EXPECT_EQ(responder->remote_key(), is_secure() ? keys_of(kInitiatorKey).public_key : none);
  SessionKeys theirs;
  SessionKeys ours;
  Parameters remote;
  ASSERT_TRUE(accept(respond(theirs), remote, ours));
  EXPECT_EQ(remote.session, kResponderId);
  EXPECT_EQ(ours.is_insecure, !is_secure());
  EXPECT_EQ(theirs.is_insecure, !is_secure());
  if (!is_secure()) return;
  EXPECT_EQ(ours.kind, theirs.kind);
  EXPECT_TRUE(ours.send_secret == theirs.receive_secret);
  EXPECT_TRUE(ours.receive_secret == theirs.send_secret);
  EXPECT_FALSE(ours.receive_secret == ours.send_secret);
}

TEST_P(SecureHandshake, OfAnotherEphemeralKeyGivesOtherKeys) {
  SessionKeys first;
  SessionKeys second;
  respond(first, 102);
  respond(second, 103);
  EXPECT_FALSE(first.send_secret == second.send_secret);
}

TEST_P(Handshake, IsSentAgainByteForByteButForTheCookie) {
  std::vector<uint8_t> again(kInitiateBytes, 0xFF);
  initiator_.write(again.data());
  EXPECT_EQ(again, initiate_);
  std::array<uint8_t, kCookieBytes> cookie;
  cookie.fill(7);
  initiator_.set_cookie(cookie);
  initiator_.write(again.data());
  EXPECT_EQ(std::memcmp(again.data(), initiate_.data(), kInitiateCookieOffset), 0);
  InitiatePacket packet;
  ASSERT_EQ(read_initiate(again.data(), kInitiateBytes, packet), nullptr);
  EXPECT_EQ(std::memcmp(packet.cookie, cookie.data(), kCookieBytes), 0);
}

TEST_P(Handshake, CarriesAMacThatOnlyItsResponderTakes) {
  const crypto::PublicKey none{};
  const auto key = initiate_mac_key(is_secure() ? keys_of(kResponderKey).public_key : none);
  EXPECT_TRUE(is_initiate_mac_valid(key, initiate_.data()));
  EXPECT_FALSE(is_initiate_mac_valid(initiate_mac_key(keys_of(77).public_key), initiate_.data()));
  for (uint32_t at = 0; at < kInitiateBytes; at += 7) {
    std::vector<uint8_t> changed = initiate_;
    changed[at] ^= 1;
    EXPECT_FALSE(is_initiate_mac_valid(key, changed.data())) << "byte " << at;
  }
}

TEST_P(Handshake, IsNotReadByTheHolderOfAnotherKey) {
  EXPECT_EQ(read(initiate_, 77).has_value(), !is_secure());
}

TEST_P(Handshake, WithAChangedHeaderOrMessageIsNotRead) {
  InitiatePacket packet;
  ASSERT_EQ(read_initiate(initiate_.data(), kInitiateBytes, packet), nullptr);
  const uint32_t end = kHandshakeHeaderBytes + packet.header.noise_bytes;
  for (uint32_t at = 8; at < (is_secure() ? end : kHandshakeHeaderBytes); ++at) {
    std::vector<uint8_t> changed = initiate_;
    changed[at] ^= 0x10;
    EXPECT_FALSE(read(changed).has_value()) << "byte " << at;
  }
}

TEST_P(Handshake, OfAnotherCipherThanItSaysIsNotRead) {
  std::vector<uint8_t> changed = initiate_;
  changed[2] ^= kHandshakeChaCha20Poly1305;
  EXPECT_FALSE(read(changed).has_value());
}

TEST_P(SecureHandshake, IsNotEndedByAForgedAnswer) {
  SessionKeys theirs;
  const std::vector<uint8_t> answer = respond(theirs);
  Parameters remote;
  SessionKeys ours;
  for (uint32_t at = 2; at < answer.size(); ++at) {
    if (at >= 8 && at < kHandshakeHeaderBytes) continue;  // The id: the endpoint finds nothing.
    std::vector<uint8_t> forged = answer;
    forged[at] ^= 0x20;
    EXPECT_FALSE(accept(forged, remote, ours)) << "byte " << at;
  }
  EXPECT_TRUE(accept(answer, remote, ours));
  EXPECT_TRUE(ours.send_secret == theirs.receive_secret);
}

TEST_P(SecureHandshake, TakesOneAnswerOnly) {
  SessionKeys theirs;
  Parameters remote;
  SessionKeys ours;
  const std::vector<uint8_t> first = respond(theirs, 102);
  const std::vector<uint8_t> second = respond(theirs, 103);
  EXPECT_TRUE(accept(first, remote, ours));
  EXPECT_FALSE(accept(first, remote, ours));
  EXPECT_FALSE(accept(second, remote, ours));
}

TEST_P(SecureHandshake, OfAnotherAttemptHasAnAnswerOfNoUse) {
  SessionKeys keys;
  const std::vector<uint8_t> answer = respond(keys);
  InitiatorHandshake other =
      InitiatorHandshake::create(identity(GetParam(), kInitiatorKey, 104),
                                 keys_of(kResponderKey).public_key, parameters(kInitiatorId))
          .take();
  RespondPacket packet;
  ASSERT_EQ(read_respond(answer.data(), static_cast<uint32_t>(answer.size()), packet), nullptr);
  Parameters remote;
  EXPECT_FALSE(other.read_respond(packet, remote, keys));
}

TEST_P(Handshake, OfARefusalTellsTheReason) {
  std::optional<ResponderHandshake> responder = read(initiate_);
  ASSERT_TRUE(responder.has_value());
  Parameters refusal;
  refusal.status = HandshakeStatus::kBusy;
  SessionKeys keys;
  std::vector<uint8_t> datagram(kRespondBytesMax);
  datagram.resize(responder->write(refusal, datagram.data(), keys));
  Parameters remote;
  ASSERT_TRUE(accept(datagram, remote, keys));
  EXPECT_EQ(remote.status, HandshakeStatus::kBusy);
}

}  // namespace
}  // namespace hyperroute::raptor
