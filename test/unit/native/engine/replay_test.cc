// What a replay does with files that ask for more than their messages: code, memory.
#include <gtest/gtest.h>

#include "recording_fixture.h"
#include "unit/native/route/correlated_image.h"

namespace hyperroute {
namespace {

RelayOptions correlated(uint32_t capacity) {
  RelayOptions options;
  options.image = correlated_parts(capacity).image();
  options.route_names = {"orders", "replaces", "finals", "partials"};
  options.correlation_names = {"orders"};
  return options;
}

class ReplayTest : public RecordingTest {
 protected:
  // Orders that a router with one correlation has remembered.
  std::vector<uint8_t> recorded_orders(uint32_t capacity, uint32_t order_count) {
    Relay relay(correlated(capacity));
    EXPECT_TRUE(relay.router->begin_recording(options(), "").ok());
    for (uint32_t order = 0; order < order_count; ++order) {
      EXPECT_TRUE(relay.applications[Relay::kLeft].send_bytes(order_bytes(1, order, 1)));
      while (relay.router->poll() > 0) continue;
    }
    EXPECT_TRUE(relay.router->end_recording().ok());
    EXPECT_EQ(wait_for_end(*relay.router).message_count, order_count);
    return bytes();
  }
};

uint64_t table_bytes(uint32_t capacity) {
  return CorrelationTable::bytes_of(correlated_parts(capacity).correlations[0]);
}

// The worker's only table becomes another worker's, in its first note.
void give_table_away(std::vector<uint8_t>& file) {
  size_t at = sizeof(RecordingHeader);
  while (at + sizeof(ChunkHeader) <= file.size()) {
    ChunkHeader header;
    std::memcpy(&header, file.data() + at, sizeof header);
    uint8_t* const payload = file.data() + at + sizeof header;
    at += sizeof header + header.payload_bytes;
    if (header.kind != ChunkKind::kNotes) continue;
    NoteHeader note;
    std::memcpy(&note, payload, sizeof note);
    ASSERT_EQ(note.kind, NoteKind::kBegin);
    const CorrelationNote other{0, 0};
    std::memcpy(payload + note.note_bytes - sizeof other, &other, sizeof other);
    header.crc = crc_of_chunk(header, payload);
    std::memcpy(payload - sizeof header, &header, sizeof header);
    return;
  }
  FAIL() << "no notes";
}

TEST_F(ReplayTest, GivesTablesNoMoreThanItMay) {
  constexpr uint32_t kCapacity = 1000;
  const std::vector<uint8_t> file = recorded_orders(kCapacity, 20);
  Replay enough(ReplayOptions{.table_bytes_max = table_bytes(kCapacity)});
  EXPECT_EQ(play(file, enough), Ending::kWhole);
  EXPECT_EQ(enough.report().different_count, 0u);
  Replay less(ReplayOptions{.table_bytes_max = table_bytes(kCapacity) - 1});
  EXPECT_EQ(play(file, less), Ending::kDamaged);
  EXPECT_EQ(less.report().message_count, 0u);
}

TEST_F(ReplayTest, MakesNoLargeTablesForOtherWorkers) {
  std::vector<uint8_t> file = recorded_orders(1000, 20);
  give_table_away(file);
  Replay replay(ReplayOptions{.table_bytes_max = table_bytes(1)});
  EXPECT_EQ(play(file, replay), Ending::kWhole);
  EXPECT_EQ(replay.report().message_count, 20u);
  // The second order finds no room already.
  EXPECT_EQ(replay.report().different_count, 19u);
}

TEST_F(ReplayTest, CountsOnlyTheTablesThatTheLastImageHas) {
  Relay relay(correlated(1000));
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  const uint32_t capacities[] = {1000, 999, 998, 997};
  for (const uint32_t capacity : capacities) {
    relay.install(correlated_parts(capacity).image());
    ASSERT_TRUE(relay.applications[Relay::kLeft].send_bytes(order_bytes(1, capacity, 1)));
    while (relay.router->poll() > 0) continue;
  }
  ASSERT_TRUE(relay.router->end_recording().ok());
  (void)wait_for_end(*relay.router);
  Replay replay(ReplayOptions{.table_bytes_max = table_bytes(1000)});
  EXPECT_EQ(play(bytes(), replay), Ending::kWhole);
  EXPECT_EQ(replay.report().message_count, 4u);
  EXPECT_EQ(replay.report().different_count, 0u);
}

TEST_F(ReplayTest, OpensNoLibraryThatNothingUses) {
  Relay relay;
  const std::vector<std::string> paths{"/nowhere/hyperroute.so"};
  const std::vector<std::string> names{"left", "right", "echo"};
  InstallSpec spec;
  spec.image = relay.image;
  spec.slot_of_endpoint = relay.slots;
  spec.route_names = names;
  spec.plugin_paths = paths;
  const Status status = relay.router->prepare(spec);
  ASSERT_TRUE(status.ok()) << status.context;
  relay.router->commit();
  ASSERT_TRUE(relay.router->grace_passed());
  ASSERT_TRUE(relay.router->begin_recording(options(), "").ok());
  ASSERT_TRUE(relay.send(Relay::kLeft, 1));
  (void)relay.router->poll();
  ASSERT_TRUE(relay.router->end_recording().ok());
  (void)wait_for_end(*relay.router);
  for (const bool loads_plugins : {false, true}) {
    Replay replay(ReplayOptions{.loads_plugins = loads_plugins});
    EXPECT_EQ(play(bytes(), replay), Ending::kWhole);
    ASSERT_EQ(replay.images().size(), 1u);
    EXPECT_EQ(replay.images().begin()->second->libraries, paths);
  }
}

TEST_F(ReplayTest, PlaysOneRecordingOnly) {
  const std::vector<uint8_t> file = recorded_orders(12, 3);
  Replay replay;
  ASSERT_EQ(play(file, replay), Ending::kWhole);
  const auto header = std::span(file).first(sizeof(RecordingHeader));
  EXPECT_EQ(replay.open(header).code, StatusCode::kState);
  EXPECT_EQ(replay.report().message_count, 3u);
}

}  // namespace
}  // namespace hyperroute
