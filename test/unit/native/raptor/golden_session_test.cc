// Handshakes and sealed packets against golden vectors, which Node's cryptography made from the
// specification: both ends write the same bytes, and read what the vectors say.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "raptor/handshake.h"
#include "raptor/key_log.h"
#include "raptor/protection.h"
#include "unit/native/wire/raptor_vectors.h"

namespace hyperroute::raptor {
namespace {

using Bytes = std::vector<uint8_t>;

// One line of what happens in a direction: a step to the next key, the line of a key log, or a
// packet and its frames.
struct Event {
  std::string direction;
  bool is_step = false;
  std::string key_line;
  Bytes frames;
  Bytes data;
};

struct GoldenSession {
  std::string cipher;
  std::map<std::string, Bytes> values;
  std::vector<Event> events;

  bool is_insecure() const { return cipher == "none"; }
  HandshakeIdentity identity(const char* static_name, const char* ephemeral_name) const {
    HandshakeIdentity identity;
    identity.is_insecure = is_insecure();
    if (is_insecure()) return identity;
    if (cipher == "CHACHA20POLY1305") identity.cipher = crypto::AeadKind::kChaCha20Poly1305;
    identity.static_pair = pair(static_name);
    identity.ephemeral_pair = pair(ephemeral_name);
    return identity;
  }
  crypto::KeyPair pair(const char* name) const {
    const std::span<const uint8_t, crypto::kKeyBytes> key(values.at(name).data(), 32);
    return crypto::key_pair_of(key).value();
  }
  Parameters parameters(const char* name) const {
    Parameters parameters;
    const Bytes& from = values.at(name);
    EXPECT_EQ(read_parameters(from.data(), static_cast<uint32_t>(from.size()), parameters),
              nullptr);
    return parameters;
  }
};

std::vector<GoldenSession> golden_sessions() {
  const auto tests = std::filesystem::path(__FILE__).parent_path() / "../../..";
  std::ifstream file(tests / "vectors/raptor/sessions.txt");
  std::vector<GoldenSession> sessions;
  Event event;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string name;
    std::string value;
    words >> name >> value;
    if (name == "session") {
      sessions.push_back({value, {}, {}});
      continue;
    }
    GoldenSession& session = sessions.back();
    if (name != "step" && name != "key" && name != "frames" && name != "data") {
      session.values[name] = from_hex(value);
      continue;
    }
    std::string rest;
    std::getline(words >> std::ws, rest);
    event.direction = value;
    event.is_step = name == "step";
    if (name == "key") event.key_line = rest;
    if (name == "frames") event.frames = from_hex(rest);
    if (name == "data") event.data = from_hex(rest);
    if (name == "frames") continue;
    session.events.push_back(event);
    event = Event{};
  }
  return sessions;
}

// The keys of both ends, once each has made of the other's packet what the vectors say.
struct Agreed {
  SessionKeys initiator;
  SessionKeys responder;
};

Agreed shake_hands(const GoldenSession& session) {
  Agreed agreed;
  const crypto::PublicKey known =
      session.is_insecure() ? crypto::PublicKey{} : session.pair("responder").public_key;
  Result<InitiatorHandshake> initiator =
      InitiatorHandshake::create(session.identity("initiator", "ephemeral"), known,
                                 session.parameters("parameters-initiator"));
  EXPECT_TRUE(initiator.ok()) << initiator.status().context;
  const Bytes& cookie = session.values.at("cookie");
  initiator.value().set_cookie(std::span<const uint8_t, kCookieBytes>(cookie.data(), kCookieBytes));
  Bytes initiate(kInitiateBytes);
  EXPECT_EQ(initiator.value().write(initiate.data()), kInitiateBytes);
  EXPECT_EQ(initiate, session.values.at("initiate"));
  EXPECT_TRUE(is_initiate_mac_valid(initiate_mac_key(known), initiate.data()));

  InitiatePacket packet;
  EXPECT_EQ(read_initiate(initiate.data(), kInitiateBytes, packet), nullptr);
  auto responder =
      ResponderHandshake::read(session.identity("responder", "answer"), packet, initiate.data());
  if (!responder.has_value()) {
    ADD_FAILURE() << "the responder does not read INITIATE";
    return agreed;
  }
  if (!session.is_insecure()) {
    EXPECT_EQ(responder->remote_key(), session.pair("initiator").public_key);
  }
  Bytes respond(kRespondBytesMax);
  respond.resize(responder->write(session.parameters("parameters-responder"), respond.data(),
                                  agreed.responder));
  EXPECT_EQ(respond, session.values.at("respond"));

  RespondPacket answer;
  EXPECT_EQ(read_respond(respond.data(), static_cast<uint32_t>(respond.size()), answer), nullptr);
  Parameters remote;
  EXPECT_TRUE(initiator.value().read_respond(answer, remote, agreed.initiator));
  EXPECT_EQ(remote.session, session.parameters("parameters-responder").session);
  return agreed;
}

// The two ends of one direction, and what they do with its events.
class Direction {
 public:
  Direction(const SessionKeys& from, const SessionKeys& to, uint64_t receiver)
      : sender_(Protection::create(from).take()),
        receiver_(Protection::create(to).take()),
        session_(receiver) {}

  void play(const Event& event) {
    if (event.is_step) {
      sender_.on_acked(number_ - 1);
      sender_.want_update();
      ASSERT_TRUE(sender_.is_update_due());
      ASSERT_TRUE(sender_.update_key());
      return;
    }
    DataHeader header;
    header.session = session_;
    header.number = number_++;
    Bytes sealed(kDataHeaderBytes + event.frames.size() + sender_.trailer_bytes());
    // In two parts, as a STREAM header and a run from its ring are.
    const size_t cut = event.frames.size() / 16 * 8;
    const crypto::Bytes parts[] = {{event.frames.data(), cut},
                                   {event.frames.data() + cut, event.frames.size() - cut}};
    ASSERT_EQ(sender_.seal(header, parts, sealed.data()), sealed.size());
    EXPECT_EQ(sealed, event.data);

    const auto bytes = static_cast<uint32_t>(sealed.size());
    DataHeader read;
    ASSERT_EQ(read_data_header(sealed.data(), bytes, read), nullptr);
    EXPECT_EQ(read.number, header.number);
    uint32_t frames_bytes = 0;
    ASSERT_EQ(receiver_.open(read, sealed.data(), bytes, frames_bytes), OpenVerdict::kOpened);
    EXPECT_EQ(to_hex(sealed.data() + kDataHeaderBytes, frames_bytes),
              to_hex(event.frames.data(), event.frames.size()));
    EXPECT_EQ(receiver_.receive_generation(), sender_.send_generation());
  }

 private:
  Protection sender_;
  Protection receiver_;
  uint64_t session_;
  uint64_t number_ = 0;
};

class GoldenSessions : public ::testing::TestWithParam<size_t> {};

TEST_P(GoldenSessions, AreWhatBothEndsWriteAndRead) {
  ASSERT_TRUE(crypto::load().ok());
  const GoldenSession session = golden_sessions().at(GetParam());
  const Agreed agreed = shake_hands(session);
  Direction to_responder(agreed.initiator, agreed.responder,
                         session.parameters("parameters-responder").session);
  Direction to_initiator(agreed.responder, agreed.initiator,
                         session.parameters("parameters-initiator").session);
  uint32_t packet_count = 0;
  for (const Event& event : session.events) {
    if (!event.key_line.empty()) continue;
    SCOPED_TRACE(event.direction + " " + to_hex(event.frames.data(), event.frames.size()));
    (event.direction == "to-responder" ? to_responder : to_initiator).play(event);
    packet_count += event.is_step ? 0 : 1;
  }
  EXPECT_GE(packet_count, 5u);
}

INSTANTIATE_TEST_SUITE_P(EveryCipher, GoldenSessions, ::testing::Range<size_t>(0, 3));

}  // namespace
}  // namespace hyperroute::raptor
