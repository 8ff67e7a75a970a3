// A file for the recording of a test, and how it is played.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/prng.h"
#include "engine/recording.h"
#include "engine/replay.h"
#include "relay_fixture.h"

namespace hyperroute {

class RecordingTest : public testing::Test {
 protected:
  RecordingTest() {
    const testing::TestInfo* const info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = testing::TempDir() + "hyperroute-" + std::to_string(::getpid()) + "-" + info->name();
    std::filesystem::remove(path_);
  }
  ~RecordingTest() override { std::filesystem::remove(path_); }

  [[nodiscard]] RecordingOptions options(uint64_t bytes_max = 64u << 20) const {
    return RecordingOptions{path_, bytes_max};
  }

  [[nodiscard]] std::vector<uint8_t> bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::string path_;
};

inline Recording::Report wait_for_end(Router& router) {
  Recording::Report report{};
  for (uint32_t tries = 0; tries < 10'000; ++tries) {
    EXPECT_TRUE(router.read_recording(report));
    if (report.reason != RecordingEnd::kNone) break;
    ::usleep(1000);
  }
  EXPECT_NE(report.reason, RecordingEnd::kNone);
  return report;
}

enum class Ending { kWhole, kTorn, kDamaged };

// Plays a file as far as it goes.
inline Ending play(std::span<const uint8_t> file, Replay& replay) {
  if (file.size() < sizeof(RecordingHeader)) return Ending::kTorn;
  if (!replay.open(file.first(sizeof(RecordingHeader))).ok()) return Ending::kDamaged;
  file = file.subspan(sizeof(RecordingHeader));
  while (!file.empty()) {
    if (file.size() < sizeof(ChunkHeader)) return Ending::kTorn;
    const auto header = file.first(sizeof(ChunkHeader));
    const auto payload_bytes = replay.payload_bytes(header);
    if (!payload_bytes.ok()) return Ending::kDamaged;
    file = file.subspan(sizeof(ChunkHeader));
    if (file.size() < payload_bytes.value()) return Ending::kTorn;
    // Of exactly its size, so that a sanitizer sees a read behind it.
    const std::vector<uint8_t> payload(file.begin(), file.begin() + payload_bytes.value());
    if (!replay.play(header, payload).ok()) return Ending::kDamaged;
    file = file.subspan(payload_bytes.value());
  }
  return replay.report().end.reason == RecordingEnd::kNone ? Ending::kTorn : Ending::kWhole;
}

// Changes up to `count_max` bytes of each chunk of notes, and makes the check sums right.
inline void damage_notes(std::vector<uint8_t>& file, Prng& random, uint64_t count_max) {
  size_t at = sizeof(RecordingHeader);
  while (at + sizeof(ChunkHeader) <= file.size()) {
    ChunkHeader header;
    std::memcpy(&header, file.data() + at, sizeof header);
    uint8_t* const payload = file.data() + at + sizeof header;
    const bool is_notes = header.kind == ChunkKind::kNotes;
    for (uint64_t left = is_notes ? 1 + random.next_u64() % count_max : 0; left > 0; --left) {
      payload[random.next_u64() % header.payload_bytes] = static_cast<uint8_t>(random.next_u64());
    }
    header.crc = crc_of_chunk(header, payload);
    std::memcpy(file.data() + at, &header, sizeof header);
    at += sizeof header + header.payload_bytes;
  }
}

// Plays copies of a file with damaged notes: each is played to its end or refused. Returns how many
// were refused.
inline uint32_t count_refused(const std::vector<uint8_t>& file, Prng& random, uint32_t copy_count) {
  uint32_t refused_count = 0;
  for (uint32_t copy = 0; copy < copy_count; ++copy) {
    std::vector<uint8_t> changed = file;
    damage_notes(changed, random, 3);
    Replay replay;
    const Ending ending = play(changed, replay);
    EXPECT_NE(ending, Ending::kTorn) << "copy " << copy;
    refused_count += ending == Ending::kDamaged ? 1 : 0;
  }
  return refused_count;
}

}  // namespace hyperroute
