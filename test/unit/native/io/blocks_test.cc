// Splitting of datagrams: the vectors that TypeScript checks too, options, hostile bytes.
#include "io/udp/blocks.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/prng.h"

namespace hyperroute {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint32_t kDatagramBytesMax = 65'507;

struct Vector {
  BlocksOptions rule;
  bool is_good;
  Bytes datagram;
  std::vector<Bytes> messages;
};

void read_width(const std::string& type, uint8_t& bytes, bool& big_endian) {
  bytes = type.starts_with("u8") ? 1 : type.starts_with("u16") ? 2 : 4;
  big_endian = type.ends_with("be");
}

BlocksOptions read_rule(std::istringstream& words) {
  BlocksOptions rule;
  std::string name, count, length, empties;
  words >> name >> rule.header_bytes >> rule.count_offset >> count >> length;
  words >> rule.includes_length >> empties;
  read_width(count, rule.count_bytes, rule.count_big_endian);
  read_width(length, rule.length_bytes, rule.length_big_endian);
  std::istringstream list(empties == "-" ? "" : empties);
  for (std::string number; std::getline(list, number, ',');) {
    rule.empty_counts[rule.empty_count_count++] = static_cast<uint32_t>(std::stoul(number));
  }
  return rule;
}

Bytes bytes_of(const std::string& hex) {
  Bytes bytes;
  if (hex == "-") return bytes;
  for (size_t at = 0; at < hex.size(); at += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(hex.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

std::vector<Vector> read_vectors() {
  const auto tests = std::filesystem::path(__FILE__).parent_path() / "../../..";
  std::ifstream file(tests / "vectors/foreign/blocks.txt");
  std::vector<Vector> vectors;
  BlocksOptions rule;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind, word;
    words >> kind;
    if (kind == "rule") rule = read_rule(words);
    if (kind != "good" && kind != "bad") continue;
    words >> word;
    Vector vector{rule, kind == "good", bytes_of(word), {}};
    while (words >> word) vector.messages.push_back(bytes_of(word));
    vectors.push_back(vector);
  }
  return vectors;
}

// The bytes at the very end of a heap block: a read beyond them is one that sanitizers see.
class AtTheEnd {
 public:
  explicit AtTheEnd(const Bytes& bytes) : memory_(new uint8_t[bytes.size()]) {
    std::copy(bytes.begin(), bytes.end(), memory_.get());
  }
  const uint8_t* data() const { return memory_.get(); }

 private:
  std::unique_ptr<uint8_t[]> memory_;
};

// Walks through a good datagram; every block must lie inside it and the last one end it.
std::vector<Bytes> split(const Blocks& blocks, const uint8_t* data, uint32_t bytes,
                         uint32_t message_count) {
  std::vector<Bytes> messages;
  uint32_t offset = blocks.first_offset();
  for (uint32_t i = 0; i < message_count; ++i) {
    const Blocks::Block block = blocks.block_at(data, bytes, offset);
    EXPECT_LE(uint64_t{block.offset} + block.bytes, bytes);
    EXPECT_GT(block.offset, offset);
    messages.emplace_back(data + block.offset, data + block.offset + block.bytes);
    offset = block.offset + block.bytes;
  }
  EXPECT_EQ(offset, bytes);
  return messages;
}

TEST(Blocks, AgreesWithEveryVector) {
  const std::vector<Vector> vectors = read_vectors();
  ASSERT_GT(vectors.size(), 500u);
  for (const Vector& vector : vectors) {
    const Blocks blocks = Blocks::create(vector.rule, kDatagramBytesMax).take();
    const AtTheEnd bytes(vector.datagram);
    const uint32_t datagram_bytes = static_cast<uint32_t>(vector.datagram.size());
    const Blocks::Verdict verdict = blocks.judge(bytes.data(), datagram_bytes);
    ASSERT_EQ(verdict.is_good, vector.is_good) << testing::PrintToString(vector.datagram);
    ASSERT_EQ(verdict.message_count, vector.messages.size());
    uint32_t message_bytes = 0;
    for (const Bytes& message : vector.messages) {
      message_bytes += static_cast<uint32_t>(message.size());
    }
    EXPECT_EQ(verdict.message_bytes, message_bytes);
    if (!vector.is_good || vector.messages.empty()) continue;
    EXPECT_EQ(split(blocks, bytes.data(), datagram_bytes, verdict.message_count), vector.messages);
  }
}

TEST(Blocks, TakesAWholeDatagramAsAMessageWithoutARule) {
  const Blocks none;
  const Bytes datagram{1, 2, 3};
  const Blocks::Verdict verdict = none.judge(datagram.data(), 3);
  EXPECT_TRUE(verdict.is_good);
  EXPECT_EQ(verdict.message_count, 1u);
  EXPECT_EQ(verdict.message_bytes, 3u);
  EXPECT_EQ(none.first_offset(), 0u);
  const Blocks::Block block = none.block_at(datagram.data(), 3, 0);
  EXPECT_EQ(block.offset, 0u);
  EXPECT_EQ(block.bytes, 3u);
  EXPECT_EQ(none.judge(nullptr, 0).message_count, 1u);
}

TEST(Blocks, NeverReadsOutsideDamagedDatagramsAndAccountsForAllBytesOfWhatItAccepts) {
  const uint64_t seed = monotonic_ns();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Prng prng(seed);
  const std::vector<Vector> vectors = read_vectors();
  uint32_t accepted = 0;
  for (uint32_t turn = 0; turn < 50'000; ++turn) {
    const Vector& vector = vectors[prng.below(static_cast<uint32_t>(vectors.size()))];
    Bytes datagram = vector.datagram;
    for (uint32_t flips = prng.below(4); flips > 0 && !datagram.empty(); --flips) {
      datagram[prng.below(static_cast<uint32_t>(datagram.size()))] ^=
          static_cast<uint8_t>(1u << prng.below(8));
    }
    const AtTheEnd bytes(datagram);
    const uint32_t datagram_bytes = static_cast<uint32_t>(datagram.size());
    const Blocks blocks = Blocks::create(vector.rule, kDatagramBytesMax).take();
    const Blocks::Verdict verdict = blocks.judge(bytes.data(), datagram_bytes);
    if (!verdict.is_good) continue;
    ++accepted;
    EXPECT_EQ(vector.rule.header_bytes + verdict.message_count * vector.rule.length_bytes +
                  verdict.message_bytes,
              datagram_bytes);
    split(blocks, bytes.data(), datagram_bytes, verdict.message_count);
  }
  EXPECT_GT(accepted, 100u);
}

TEST(Blocks, RefusesOptionsThatCannotBe) {
  const auto code = [](auto change) {
    BlocksOptions options;
    options.header_bytes = 20;
    change(options);
    return Blocks::create(options, 100).status().code;
  };
  EXPECT_EQ(code([](BlocksOptions&) {}), StatusCode::kOk);
  EXPECT_EQ(code([](BlocksOptions& o) { o.count_offset = 18; }), StatusCode::kOk);
  EXPECT_EQ(code([](BlocksOptions& o) { o.header_bytes = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code([](BlocksOptions& o) { o.header_bytes = 101; }), StatusCode::kConfig);
  EXPECT_EQ(code([](BlocksOptions& o) { o.count_offset = 19; }), StatusCode::kConfig);
  EXPECT_EQ(code([](BlocksOptions& o) { o.count_offset = UINT32_MAX; }), StatusCode::kConfig);
  EXPECT_EQ(code([](BlocksOptions& o) { o.count_bytes = 3; }), StatusCode::kConfig);
  EXPECT_EQ(code([](BlocksOptions& o) { o.header_bytes = 1; }), StatusCode::kConfig);
  EXPECT_EQ(code([](BlocksOptions& o) { o.length_bytes = 8; }), StatusCode::kConfig);
  EXPECT_EQ(code([](BlocksOptions& o) { o.length_bytes = 0; }), StatusCode::kConfig);
  EXPECT_EQ(code([](BlocksOptions& o) { o.empty_count_count = 5; }), StatusCode::kConfig);
}

}  // namespace
}  // namespace hyperroute
