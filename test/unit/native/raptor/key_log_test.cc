// The key log: whoever has its lines can open every packet of the sessions.
#include "raptor/key_log.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "endpoint_pair.h"
#include "raptor/stream_mode.h"

namespace hyperroute::raptor {
namespace {

struct Lines {
  static void take(void* context, const char* text) {
    static_cast<Lines*>(context)->texts.emplace_back(text);
  }
  KeyLog log() { return {this, take}; }
  std::vector<std::string> texts;
};

std::vector<uint8_t> from_hex(const std::string& text) {
  std::vector<uint8_t> bytes;
  for (size_t at = 0; at + 1 < text.size(); at += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(text.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

struct LoggedKey {
  std::string cipher;
  std::vector<uint8_t> key;
  std::vector<uint8_t> iv;
};
// By receiver's session id and generation.
using LoggedKeys = std::map<std::pair<uint64_t, uint64_t>, LoggedKey>;

LoggedKeys parse(const std::vector<std::string>& lines) {
  LoggedKeys keys;
  for (const std::string& line : lines) {
    char tag[16], id[17], cipher[24], key[65], iv[25], rest;
    unsigned long long generation = 0;
    const int fields = std::sscanf(line.c_str(), "%15s %16s %llu %23s %64s %24s%c", tag, id,
                                   &generation, cipher, key, iv, &rest);
    EXPECT_EQ(fields, 6) << line;
    EXPECT_STREQ(tag, "RAPTOR_KEY");
    const bool is_new = keys.try_emplace({std::stoull(id, nullptr, 16), generation},
                                         LoggedKey{cipher, from_hex(key), from_hex(iv)})
                            .second;
    EXPECT_TRUE(is_new) << "told twice: " << line;
  }
  return keys;
}

// Whether a recorded DATA packet opens with the logged key of its session and generation.
bool opens(const LoggedKeys& keys, Datagram datagram) {
  DataHeader header;
  const uint32_t bytes = static_cast<uint32_t>(datagram.bytes.size());
  if (read_data_header(datagram.bytes.data(), bytes, header) != nullptr) return false;
  const auto found = keys.find({header.session, header.key_generation});
  if (found == keys.end()) return false;
  const auto& [cipher, key, iv] = found->second;
  const auto kind =
      cipher == "AES256GCM" ? crypto::AeadKind::kAes256Gcm : crypto::AeadKind::kChaCha20Poly1305;
  auto aead = crypto::Aead::create(kind, std::span<const uint8_t, 32>(key.data(), 32),
                                   crypto::Direction::kOpen);
  std::vector<uint8_t> nonce = iv;
  for (int at = 0; at < 8; ++at) {
    nonce[4 + static_cast<size_t>(at)] ^= static_cast<uint8_t>(header.number >> (8 * at));
  }
  return aead.value().open(nonce.data(), {datagram.bytes.data(), kDataHeaderBytes},
                           datagram.bytes.data() + kDataHeaderBytes, bytes - kDataHeaderBytes);
}

TEST(KeyLog, OpensEveryPacketOfBothDirectionsThroughKeyUpdates) {
  for (const auto cipher : {crypto::AeadKind::kAes256Gcm, crypto::AeadKind::kChaCha20Poly1305}) {
    TestNetwork network(80);
    Lines listener_lines;
    Lines client_lines;
    const KeyLog listener_log = listener_lines.log();
    const KeyLog client_log = client_lines.log();
    EndpointOptions listener = network.options(kListener);
    listener.key_log = &listener_log;
    EndpointOptions client = network.options(kClient);
    client.key_log = &client_log;
    client.cipher = cipher;
    network.start(kListener, listener);
    network.start(kClient, client);
    network.is_recording = true;
    const SessionRef ref = network.establish();
    EXPECT_EQ(client_lines.texts.size(), 2u);
    Session& session = *network.at(kClient).session(ref);
    const uint16_t stream = session.open_stream(StreamOptions{}).take();
    for (uint8_t round = 0; round < 8; ++round) {
      EXPECT_GT(session.offer(network.now_ns, stream, {&round, 1}), 0);
      network.at(kClient).touch(ref);
      network.advance(10 * kMs);
      if (round % 2 == 1 && round < 7) session.update_key();
    }
    std::set<uint8_t> generations;
    const LoggedKeys of_client = parse(client_lines.texts);
    const LoggedKeys of_listener = parse(listener_lines.texts);
    for (const Datagram& datagram : network.recorded_of(PacketKind::kData)) {
      generations.insert(datagram.bytes[1]);
      EXPECT_TRUE(opens(of_client, datagram)) << "generation " << int{datagram.bytes[1]};
      EXPECT_TRUE(opens(of_listener, datagram)) << "generation " << int{datagram.bytes[1]};
    }
    EXPECT_EQ(generations, (std::set<uint8_t>{0, 1, 2, 3}));
    network.stop(kListener);
    network.stop(kClient);
  }
}

TEST(KeyLog, TellsNothingOfInsecureSessions) {
  TestNetwork network(81);
  Lines lines;
  const KeyLog log = lines.log();
  for (const uint32_t number : {kListener, kClient}) {
    EndpointOptions options = network.options(number);
    options.insecure = true;
    options.key_log = &log;
    network.start(number, options);
  }
  network.establish();
  EXPECT_TRUE(lines.texts.empty());
}

}  // namespace
}  // namespace hyperroute::raptor
