// The Wireshark dissector over a capture of two endpoints that really talk, through losses and
// changes of keys, with the key log that one of them wrote.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "unit/native/raptor/endpoint_pair.h"

namespace hyperroute::raptor {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSeed = 61;
constexpr uint16_t kFirstPort = 45'000;

// A folder of its own that goes with it.
struct Folder {
  Folder() {
    char pattern[] = "/tmp/hyperroute-wireshark-XXXXXX";
    EXPECT_NE(mkdtemp(pattern), nullptr);
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

void put_be16(std::string& to, uint32_t value) {
  to += static_cast<char>(value >> 8);
  to += static_cast<char>(value);
}

void put_le32(std::string& to, uint32_t value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// A capture file: each datagram behind headers of IPv4 and UDP, between ports that name its ends.
std::string pcap_of(const std::vector<Datagram>& datagrams) {
  std::string file;
  for (const uint32_t word : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65'535u, 101u}) {
    put_le32(file, word);
  }
  uint32_t time_us = 0;
  for (const Datagram& datagram : datagrams) {
    const auto bytes = static_cast<uint32_t>(datagram.bytes.size());
    for (const uint32_t word : {0u, time_us++, bytes + 28, bytes + 28}) put_le32(file, word);
    put_be16(file, 0x4500);
    put_be16(file, bytes + 28);
    put_be16(file, 0);
    put_be16(file, 0);
    put_be16(file, 64 << 8 | 17);
    put_be16(file, 0);
    for (int address = 0; address < 2; ++address) file.append("\x7f\0\0\x01", 4);
    put_be16(file, kFirstPort + datagram.from);
    put_be16(file, kFirstPort + datagram.to);
    put_be16(file, bytes + 8);
    put_be16(file, 0);
    file.append(reinterpret_cast<const char*>(datagram.bytes.data()), datagram.bytes.size());
  }
  return file;
}

struct Exchange {
  std::vector<Datagram> datagrams;
  std::string key_log;
  uint64_t message_count = 0;
  uint64_t lost_count = 0;
};

void take_line(void* context, const char* text) {
  *static_cast<std::string*>(context) += std::string(text) + "\n";
}

// A client sends to a listener, which answers with ACKs; one datagram in five is lost.
Exchange talk(crypto::AeadKind cipher) {
  Exchange exchange;
  const KeyLog log{&exchange.key_log, take_line};
  TestNetwork network(kSeed);
  EndpointOptions options = network.options(kListener);
  options.key_log = &log;
  network.start(kListener, options);
  options = network.options(kClient);
  options.cipher = cipher;
  network.start(kClient, options);
  network.is_recording = true;
  const SessionRef ref = network.establish();
  Session* const session = network.at(kClient).session(ref);
  const Result<uint16_t> stream = session->open_stream(StreamOptions{});
  EXPECT_TRUE(stream.ok());
  Prng random(kSeed);
  network.filter = [&](Datagram&) {
    const bool is_lost = random.next_u32() % 5 == 0;
    exchange.lost_count += is_lost ? 1 : 0;
    return !is_lost;
  };
  for (uint32_t number = 0; number < 60; ++number) {
    if (number % 20 == 19) session->update_key();
    std::string message = "message " + std::to_string(number) + ";";
    if (number % 10 == 0) message.resize(3000, '.');
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(message.data()),
                                         message.size());
    EXPECT_GT(session->offer(network.now_ns, stream.value(), bytes), 0);
    network.at(kClient).touch(ref);
    network.advance(kMs / 2);
  }
  network.advance(500 * kMs);
  exchange.message_count = network.node(kListener).messages.size();
  exchange.datagrams = network.recorded;
  return exchange;
}

// Values of these fields, a line a datagram, separated by bars.
std::vector<std::string> dissect(const Exchange& exchange, const std::string& fields,
                                 bool with_keys) {
  const Folder folder;
  std::ofstream(folder.path / "capture.pcap", std::ios::binary) << pcap_of(exchange.datagrams);
  std::ofstream(folder.path / "keys.log") << (with_keys ? exchange.key_log : "");
  const fs::path root = fs::path(__FILE__).parent_path() / "../../../..";
  const std::string command =
      "tshark -X lua_script:" + (root / "scripts/wireshark/raptor.lua").string() +
      " -o raptor.key_log:" + (folder.path / "keys.log").string() + " -r " +
      (folder.path / "capture.pcap").string() + " -T fields -E separator='|' " + fields +
      " 2>/dev/null";
  std::vector<std::string> lines;
  FILE* const child = popen(command.c_str(), "r");
  EXPECT_NE(child, nullptr);
  if (child == nullptr) return lines;
  std::string text;
  char part[4096];
  while (std::fgets(part, sizeof part, child) != nullptr) text += part;
  EXPECT_EQ(pclose(child), 0) << command;
  std::istringstream all(text);
  for (std::string line; std::getline(all, line);) lines.push_back(line);
  return lines;
}

bool has_tshark() { return std::system("command -v tshark >/dev/null 2>&1") == 0; }

class Wireshark : public ::testing::TestWithParam<crypto::AeadKind> {};

TEST_P(Wireshark, ReadsEveryPacketOfAnExchangeWithItsKeyLog) {
  if (!has_tshark()) GTEST_SKIP() << "tshark not installed (scripts/setup.sh)";
  const Exchange exchange = talk(GetParam());
  ASSERT_EQ(exchange.message_count, 60u) << "seed " << kSeed;
  ASSERT_GT(exchange.lost_count, 5u) << "seed " << kSeed;
  const std::vector<std::string> lines = dissect(
      exchange,
      "-e raptor.kind -e _ws.col.Info -e _ws.expert.message -e raptor.ack.gap -e raptor.generation",
      true);
  ASSERT_EQ(lines.size(), exchange.datagrams.size());
  uint32_t stream_count = 0;
  uint32_t gap_count = 0;
  uint32_t later_count = 0;
  for (size_t index = 0; index < lines.size(); ++index) {
    std::istringstream line(lines[index]);
    std::string kind, info, complaint, gaps, generation;
    std::getline(line, kind, '|');
    std::getline(line, info, '|');
    std::getline(line, complaint, '|');
    std::getline(line, gaps, '|');
    std::getline(line, generation);
    char expected[8];
    std::snprintf(expected, sizeof expected, "0x%02x", exchange.datagrams[index].bytes[0]);
    EXPECT_EQ(kind, expected);
    EXPECT_EQ(complaint, "") << info;
    if (kind != "0xd4") continue;
    // More than "DATA <number>": its frames are known.
    EXPECT_NE(info.find(' ', 5), std::string::npos) << info;
    stream_count += info.find("STREAM") != std::string::npos ? 1 : 0;
    gap_count += gaps.empty() ? 0 : 1;
    later_count += generation != "0" ? 1 : 0;
  }
  EXPECT_GT(stream_count, 60u);
  EXPECT_GT(gap_count, 0u);
  EXPECT_GT(later_count, 20u);
}

TEST_P(Wireshark, ReadsNoFrameWithoutTheKeyLog) {
  if (!has_tshark()) GTEST_SKIP() << "tshark not installed (scripts/setup.sh)";
  const Exchange exchange = talk(GetParam());
  const std::vector<std::string> lines =
      dissect(exchange, "-e raptor.kind -e raptor.frame.type", false);
  ASSERT_EQ(lines.size(), exchange.datagrams.size());
  for (const std::string& line : lines) EXPECT_EQ(line.substr(4), "|");
}

INSTANTIATE_TEST_SUITE_P(EveryCipher, Wireshark,
                         ::testing::Values(crypto::AeadKind::kAes256Gcm,
                                           crypto::AeadKind::kChaCha20Poly1305));

}  // namespace
}  // namespace hyperroute::raptor
