// What the attacker sends (forger.h).
#include "sim/forger.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "crypto/crypto.h"
#include "wire/raptor_packet.h"

namespace hyperroute::sim {
namespace {

constexpr size_t kFirstPacketsMax = 16;

crypto::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

Forger::Forger(Stage& stage) : stage_(stage), random_(stage.run.seed ^ 0xf0f0) {
  if (stage.scenario.forger_interval_ns != 0) due_ns_ = stage.run.now_ns + kMillisecondNs;
}

void Forger::overhear(uint32_t from, uint32_t to, std::span<const uint8_t> bytes) {
  const auto kind = raptor::kind_of(bytes.data(), static_cast<uint32_t>(bytes.size()));
  const bool is_first = kind == static_cast<uint8_t>(raptor::PacketKind::kInitiate);
  if (is_first && first_packets_.size() < kFirstPacketsMax) {
    first_packets_.push_back({from, to, {bytes.begin(), bytes.end()}});
  }
  // Handshakes are few: each is kept. Of the others a sample is enough.
  const bool is_data = kind == static_cast<uint8_t>(raptor::PacketKind::kData);
  if (is_data && recorded_count_ >= recorded_.size() && !random_.one_in(16)) return;
  const uint32_t at = recorded_count_++ % static_cast<uint32_t>(recorded_.size());
  Recorded& recorded = recorded_[at];
  recorded.from = from;
  recorded.to = to;
  recorded.bytes.assign(bytes.begin(), bytes.end());
}

void Forger::inject(uint32_t from, uint32_t to, Origin origin, std::span<const uint8_t> bytes) {
  if (to >= stage_.scenario.hosts.size()) return;
  if (from >= kHostsMax) stage_.forged_bytes += bytes.size();
  const uint64_t delay_ns = random_.next_u64() % kMillisecondNs;
  stage_.network.inject(stage_.run.now_ns + delay_ns, from, to, origin, bytes);
}

void Forger::act() {
  const uint64_t interval_ns = stage_.scenario.forger_interval_ns;
  due_ns_ = stage_.run.now_ns + 1 + random_.next_u64() % (2 * interval_ns);
  if (recorded_count_ == 0) return;
  const auto known = std::min<uint32_t>(recorded_count_, static_cast<uint32_t>(recorded_.size()));
  const Recorded& recorded = recorded_[random_.below(known)];
  switch (random_.below(4)) {
    case 0:
      return replay(recorded);
    case 1:
    case 2:
      return bend(recorded);
    default:
      return invent(recorded);
  }
}

// Byte for byte: to its receiver, to somebody else, from somewhere else.
void Forger::replay(const Recorded& recorded) {
  const auto hosts = static_cast<uint32_t>(stage_.scenario.hosts.size());
  const uint32_t from = random_.one_in(3) ? forged_address() : recorded.from;
  const uint32_t to = random_.one_in(4) ? random_.below(hosts) : recorded.to;
  inject(from, to, Origin::kSent, recorded.bytes);
}

void Forger::bend(const Recorded& recorded) {
  const bool is_data = recorded.bytes[0] == static_cast<uint8_t>(raptor::PacketKind::kData);
  // Nothing protects a handshake without keys: whoever can bend it can do anything.
  if (stage_.scenario.is_insecure && !is_data) return replay(recorded);
  std::vector<uint8_t> bytes = recorded.bytes;
  const auto size = static_cast<uint32_t>(bytes.size());
  switch (random_.below(5)) {
    case 0:
      bytes.resize(random_.below(size));
      break;
    case 1:
      bytes.resize(size + random_.between(1, 64));
      break;
    case 2:  // a later packet number, which would push the replay window on
      if (size >= raptor::kDataHeaderBytes) {
        store_u64_le(bytes.data() + 16, load_u64_le(bytes.data() + 16) + 1 + random_.next_u32());
      }
      break;
    case 3:  // another key generation
      bytes[1] = static_cast<uint8_t>(bytes[1] + random_.between(1, 255));
      break;
    default:
      bytes[random_.below(size)] ^= static_cast<uint8_t>(random_.between(1, 255));
      break;
  }
  // Behind what a handshake's length covers there may be anything, and in its cookie: it is still
  // the packet of who sent it. Only DATA is sealed whole.
  if (bytes == recorded.bytes) return;
  inject(recorded.from, recorded.to, Origin::kChanged, bytes);
}

// With the right session id, from the right address: all but the key.
void Forger::invent(const Recorded& recorded) {
  std::vector<uint8_t> bytes(8 * random_.between(1, 180));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_.next_u32());
  const size_t kept = std::min<size_t>({bytes.size(), recorded.bytes.size(), 24});
  const bool is_data = recorded.bytes[0] == static_cast<uint8_t>(raptor::PacketKind::kData);
  if (stage_.scenario.is_insecure && !is_data) return;
  if (!random_.one_in(4)) std::memcpy(bytes.data(), recorded.bytes.data(), kept);
  if (is_data) store_u16_le(bytes.data() + 4, static_cast<uint16_t>(bytes.size()));
  inject(recorded.from, recorded.to, Origin::kChanged, bytes);
}

std::vector<uint8_t> Forger::first_packet(uint32_t host, bool has_mac) {
  std::vector<uint8_t> packet(raptor::kInitiateBytes);
  for (uint8_t& byte : packet) byte = static_cast<uint8_t>(random_.next_u32());
  raptor::HandshakeHeader header;
  header.kind = raptor::PacketKind::kInitiate;
  header.noise_bytes = 160;  // as long as a true one
  header.session = random_.next_u64() | 1;
  raptor::write_initiate(packet.data(), header, nullptr);
  if (!has_mac) return packet;
  const crypto::Bytes parts[] = {bytes_of("hyperroute raptor mac 1"),
                                 host_key_pair(host).public_key};
  const crypto::Hash key = crypto::sha256(parts);
  const crypto::Hash mac = crypto::hmac_sha256(key, {packet.data(), raptor::kInitiateMacOffset});
  std::memcpy(packet.data() + raptor::kInitiateMacOffset, mac.data(), raptor::kMacBytes);
  return packet;
}

void Forger::flood(uint32_t host, uint32_t count) {
  const uint32_t kind = random_.below(3);
  for (uint32_t sent = 0; sent < count; ++sent) {
    const uint32_t from = forged_address();
    if (kind == 2 && !first_packets_.empty()) {
      const auto known = static_cast<uint32_t>(first_packets_.size());
      const Recorded& first = first_packets_[random_.below(known)];
      inject(from, first.to, Origin::kSent, first.bytes);
    } else {
      inject(from, host, Origin::kChanged, first_packet(host, kind == 1));
    }
  }
}

}  // namespace hyperroute::sim
