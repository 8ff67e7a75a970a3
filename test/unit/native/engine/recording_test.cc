// Recordings: what workers note gets to the file whole, is decided again in the same way, and any
// damage of the file is found.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "recording_fixture.h"

namespace hyperroute {
namespace {

constexpr uint32_t kPollsMax = 10'000;

void settle(Relay& relay) {
  uint32_t polls = 0;
  while (relay.router->poll() > 0 && polls < kPollsMax) ++polls;
  ASSERT_LT(polls, kPollsMax);
}

// Messages between the three endpoints; each is taken, so that no queue fills.
void exchange(Relay& relay, uint64_t count) {
  uint64_t received = 0;
  for (uint64_t value = 0; value < count; ++value) {
    ASSERT_TRUE(relay.send(static_cast<Relay::Endpoint>(value % 3), value));
    settle(relay);
    for (const auto endpoint : {Relay::kLeft, Relay::kRight, Relay::kEcho}) {
      while (relay.receive(endpoint, received)) continue;
    }
  }
}

TEST_F(RecordingTest, IsDecidedAgainInTheSameWay) {
  Relay relay;
  exchange(relay, 5);
  ASSERT_TRUE(relay.router->begin_recording(options(), "{}").ok());
  exchange(relay, 300);
  relay.install();
  exchange(relay, 100);
  ASSERT_TRUE(relay.router->end_recording().ok());
  exchange(relay, 50);
  const Recording::Report written = wait_for_end(*relay.router);
  EXPECT_EQ(written.reason, RecordingEnd::kStopped);
  EXPECT_EQ(written.message_count, 400u);
  EXPECT_EQ(written.missed_count, 0u);
  const std::vector<uint8_t> file = bytes();
  EXPECT_EQ(written.file_bytes, file.size());
  Replay replay;
  ASSERT_EQ(play(file, replay), Ending::kWhole);
  EXPECT_EQ(replay.report().message_count, 400u);
  EXPECT_EQ(replay.report().different_count, 0u);
  EXPECT_EQ(replay.report().end.reason, RecordingEnd::kStopped);
  EXPECT_EQ(replay.images().size(), 2u);
  EXPECT_EQ(replay.images().begin()->second->description, "{}");
  // left → right, right → left, echo → its source.
  uint64_t rule_count = 0;
  for (const auto& [key, count] : replay.tallies()) {
    if (key[1] == static_cast<uint32_t>(TallyKind::kRule)) rule_count += count;
  }
  EXPECT_EQ(rule_count, 400u);
}

TEST_F(RecordingTest, GoesOnOneAfterTheOther) {
  Relay relay;
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  EXPECT_EQ(relay.router->begin_recording(options(), "").code, StatusCode::kState);
  exchange(relay, 3);
  ASSERT_TRUE(relay.router->end_recording().ok());
  EXPECT_TRUE(relay.router->end_recording().ok());
  EXPECT_EQ(wait_for_end(*relay.router).message_count, 3u);
  // What is there is never written over.
  EXPECT_EQ(relay.router->begin_recording(options(), "").code, StatusCode::kSystem);
  std::filesystem::remove(path_);
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  exchange(relay, 7);
  ASSERT_TRUE(relay.router->end_recording().ok());
  EXPECT_EQ(wait_for_end(*relay.router).message_count, 7u);
}

TEST_F(RecordingTest, IsCompleteAfterTheRouterIsGone) {
  {
    Relay relay;
    ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
    exchange(relay, 30);
  }
  Replay replay;
  EXPECT_EQ(play(bytes(), replay), Ending::kWhole);
  EXPECT_EQ(replay.report().message_count, 30u);
}

TEST_F(RecordingTest, KeepsTheBeginningWithinItsBound) {
  Relay relay;
  ASSERT_TRUE(relay.router->begin_recording(options(kRecordingBytesMin), "").ok());
  exchange(relay, 3000);
  const Recording::Report written = wait_for_end(*relay.router);
  EXPECT_EQ(written.reason, RecordingEnd::kFull);
  EXPECT_LE(written.file_bytes, kRecordingBytesMin);
  EXPECT_EQ(bytes().size(), written.file_bytes);
  // The router goes on, and counts what is not recorded.
  exchange(relay, 10);
  EXPECT_GE(wait_for_end(*relay.router).missed_count, 10u);
  Replay replay;
  EXPECT_EQ(play(bytes(), replay), Ending::kWhole);
  EXPECT_EQ(replay.report().end.reason, RecordingEnd::kFull);
  EXPECT_EQ(replay.report().different_count, 0u);
  EXPECT_EQ(relay.router->begin_recording(options(), "").code, StatusCode::kState);
  ASSERT_TRUE(relay.router->end_recording().ok());
  (void)wait_for_end(*relay.router);
}

TEST_F(RecordingTest, NotesMessagesThatWaitForRoomAsOftenAsTheyAreDecided) {
  RelayOptions relay_options;
  relay_options.queue.queue_bytes = 1024;
  relay_options.queue.full = FullPolicy::kBlock;
  Relay relay(relay_options);
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  uint64_t sent = 0;
  uint64_t received = 0;
  for (uint32_t round = 0; round < 100; ++round) {
    for (int i = 0; i < 50 && relay.send(Relay::kLeft, sent); ++i) ++sent;
    settle(relay);
  }
  for (uint64_t count = 0; count < sent;) {
    while (relay.receive(Relay::kRight, received)) ++count;
    settle(relay);
  }
  ASSERT_TRUE(relay.router->end_recording().ok());
  EXPECT_EQ(wait_for_end(*relay.router).message_count, sent);
  Replay replay;
  ASSERT_EQ(play(bytes(), replay), Ending::kWhole);
  EXPECT_EQ(replay.report().message_count, sent);
  EXPECT_GT(replay.report().held_count, 0u);
  EXPECT_EQ(replay.report().different_count, 0u);
}

TEST_F(RecordingTest, OfAFileThatEndsAnywhereTheWholePartIsPlayed) {
  Relay relay;
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  for (uint32_t part = 0; part < 4; ++part) {
    exchange(relay, 10);
    ::usleep(20'000);  // So that there are several chunks.
  }
  ASSERT_TRUE(relay.router->end_recording().ok());
  (void)wait_for_end(*relay.router);
  const std::vector<uint8_t> file = bytes();
  uint64_t before = 0;
  for (size_t end = 0; end < file.size(); ++end) {
    Replay replay;
    ASSERT_EQ(play(std::span(file).first(end), replay), Ending::kTorn) << end;
    EXPECT_EQ(replay.report().different_count, 0u);
    EXPECT_GE(replay.report().message_count, before);
    before = replay.report().message_count;
  }
  EXPECT_EQ(before, 40u);
}

TEST_F(RecordingTest, EveryFlippedBitOfAFileIsFound) {
  Relay relay;
  ASSERT_TRUE(relay.router->begin_recording(options(), "names").ok());
  exchange(relay, 12);
  ASSERT_TRUE(relay.router->end_recording().ok());
  (void)wait_for_end(*relay.router);
  std::vector<uint8_t> file = bytes();
  for (size_t at = 0; at < file.size(); ++at) {
    const auto flipped = static_cast<uint8_t>(1u << (at % 8));
    file[at] = static_cast<uint8_t>(file[at] ^ flipped);
    Replay replay;
    EXPECT_NE(play(file, replay), Ending::kWhole) << at;
    file[at] = static_cast<uint8_t>(file[at] ^ flipped);
  }
}

// The first note of a message in the file, whose only decision is for an endpoint.
uint8_t* delivery_of_first_message(std::vector<uint8_t>& file, ChunkHeader& header,
                                   uint8_t*& chunk) {
  size_t at = sizeof(RecordingHeader);
  while (at + sizeof header <= file.size()) {
    chunk = file.data() + at;
    std::memcpy(&header, chunk, sizeof header);
    size_t offset = at + sizeof header;
    at = offset + header.payload_bytes;
    while (header.kind == ChunkKind::kNotes && offset < at) {
      MessageNote note;
      std::memcpy(&note, file.data() + offset, sizeof note);
      if (note.header.kind == NoteKind::kMessage) {
        return file.data() + offset + padded_note_bytes(sizeof note + note.message_bytes) +
               sizeof(DecisionNote);
      }
      offset += padded_note_bytes(note.header.note_bytes);
    }
  }
  return nullptr;
}

TEST_F(RecordingTest, ADecisionThatIsAnotherOneIsShown) {
  Relay relay;
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  exchange(relay, 9);
  ASSERT_TRUE(relay.router->end_recording().ok());
  (void)wait_for_end(*relay.router);
  std::vector<uint8_t> file = bytes();
  ChunkHeader header;
  uint8_t* chunk = nullptr;
  uint8_t* const delivery = delivery_of_first_message(file, header, chunk);
  ASSERT_NE(delivery, nullptr);
  const uint16_t other = Relay::kEcho;
  std::memcpy(delivery + offsetof(DeliveryNote, endpoint), &other, sizeof other);
  header.crc = crc_of_chunk(header, chunk + sizeof header);
  std::memcpy(chunk, &header, sizeof header);
  Replay replay;
  ASSERT_EQ(play(file, replay), Ending::kWhole);
  EXPECT_EQ(replay.report().message_count, 9u);
  EXPECT_EQ(replay.report().different_count, 1u);
  const Replay::Difference* const difference = replay.difference();
  ASSERT_NE(difference, nullptr);
  EXPECT_EQ(difference->message_index, 0u);
  EXPECT_EQ(difference->source, Relay::kLeft);
  EXPECT_EQ(difference->message, std::vector<uint8_t>(8, 0));
  const auto endpoint_of = [](const std::vector<uint8_t>& decisions) {
    return decisions[sizeof(DecisionNote) + offsetof(DeliveryNote, endpoint)];
  };
  EXPECT_EQ(endpoint_of(difference->recorded), Relay::kEcho);
  EXPECT_EQ(endpoint_of(difference->replayed), Relay::kRight);
}

// Damage whose check sums are right: only the checks of what is read can find it, or else what is
// played is another recording. Run with sanitizers, this says that nothing is read out of bounds.
TEST_F(RecordingTest, DamageWithRightCheckSumsIsRefusedOrPlayed) {
  Relay relay;
  ASSERT_TRUE(relay.router->begin_recording(options(), "names").ok());
  exchange(relay, 30);
  ASSERT_TRUE(relay.router->end_recording().ok());
  (void)wait_for_end(*relay.router);
  constexpr uint64_t kSeed = 7;
  Prng random(kSeed);
  SCOPED_TRACE(kSeed);
  EXPECT_GT(count_refused(bytes(), random, 3000), 300u);
}

}  // namespace
}  // namespace hyperroute
