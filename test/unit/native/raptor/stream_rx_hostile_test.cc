// Runs that an honest peer never sends: each is refused before it has an effect, or at worst the
// stream says that it is of no use any more.
#include "base/prng.h"
#include "unit/native/raptor/stream_rx_fixture.h"

namespace hyperroute::raptor {
namespace {

using Texts = Receiver::Texts;
constexpr StreamMode kModes[] = {StreamMode::kReliableOrdered, StreamMode::kReliableUnordered,
                                 StreamMode::kLatest, StreamMode::kDeadline,
                                 StreamMode::kUnreliable};
const std::string kFull = text_of(kRecordPayloadBytesMax, 'f');

TEST(StreamRxHostile, RefusesRunsWithABadRecordBeforeAnythingIsDelivered) {
  std::vector<RunBuilder> runs;
  runs.push_back(RunBuilder().record("a").record("b", kRecordWhole, 8));      // Offset of a whole.
  runs.push_back(RunBuilder().record("a").record("b", kRecordEnd, 0));        // No BEGIN at 0.
  runs.push_back(RunBuilder().record("a").record("b", kRecordEnd, 1000));     // No such offset.
  runs.push_back(RunBuilder().record("a").record("b", 4 | kRecordWhole));     // Unknown flag.
  runs.push_back(RunBuilder().record("a").record("b", 0x80 | kRecordWhole));  // The ring's own.
  runs.push_back(RunBuilder().record("a").record("b", 0x40));                 // The ring's own.
  runs.push_back(RunBuilder().record("a").record("short", kRecordBegin));     // Not full.
  runs.push_back(RunBuilder().record(kFull, kRecordBegin).record("a"));       // No END.
  runs.push_back(RunBuilder().record("a").record("b", kRecordEnd, kRecordPayloadBytesMax));
  runs.push_back(RunBuilder().record("a").record(kFull + "x"));  // Too long.
  runs.push_back(RunBuilder().record("a").record("b", kRecordEnd,
                                                 15'000 * kRecordPayloadBytesMax));  // Too far.
  runs.push_back(RunBuilder()
                     .record(kFull, kRecordBegin)
                     .record("b", kRecordEnd, 2 * kRecordPayloadBytesMax));  // One is left out.
  for (const StreamMode mode : kModes) {
    for (size_t index = 0; index < runs.size(); ++index) {
      Receiver receiver(mode);
      EXPECT_EQ(receiver.run(0, runs[index]), Verdict::kMalformed) << index;
      EXPECT_EQ(receiver.run(64, runs[index]), Verdict::kMalformed) << index;
      EXPECT_EQ(receiver.taken, Texts{}) << index;
      EXPECT_EQ(receiver.stream.buffered_bytes(), 0u) << index;
      EXPECT_EQ(receiver.run(0, RunBuilder().record("a")), Verdict::kAccepted) << index;
    }
  }
}

TEST(StreamRxHostile, RefusesLengthsThatRunOverTheEnd) {
  Receiver receiver(StreamMode::kReliableOrdered);
  std::vector<uint8_t> bytes = RunBuilder().record("a").record("b").bytes();
  store_u16_le(&bytes[16], 9);
  EXPECT_EQ(receiver.stream.on_run(0, bytes.data(), 32, receiver.sink()), Verdict::kMalformed);
  EXPECT_EQ(receiver.stream.on_run(0, bytes.data(), 20, receiver.sink()), Verdict::kMalformed);
  EXPECT_EQ(receiver.stream.on_run(0, bytes.data(), 0, receiver.sink()), Verdict::kMalformed);
  EXPECT_EQ(receiver.taken, Texts{});
}

TEST(StreamRxHostile, RefusesPositionsThatWrapOrLieBetweenUnits) {
  for (const StreamMode mode : kModes) {
    Receiver receiver(mode);
    const RunBuilder run = RunBuilder().record("a");
    EXPECT_EQ(receiver.run(UINT64_MAX - 7, run), Verdict::kMalformed);
    EXPECT_EQ(receiver.run(kPositionMax, run), Verdict::kMalformed);
    EXPECT_EQ(receiver.run(4, run), Verdict::kMalformed);
    EXPECT_EQ(receiver.run(kPositionMax - 8, run), Verdict::kBeyondWindow);
    EXPECT_EQ(receiver.skip(UINT64_MAX - 7), Verdict::kMalformed);
    EXPECT_EQ(receiver.stream.on_end(UINT64_MAX - 7), Verdict::kMalformed);
    EXPECT_EQ(receiver.stream.on_end(4), Verdict::kMalformed);
  }
}

TEST(StreamRxHostile, DropsWhatIsBeyondTheWindowAndNotItsLastByte) {
  for (const StreamMode mode : kModes) {
    Receiver receiver(mode);
    EXPECT_EQ(receiver.run(16384 - 8, RunBuilder().record("a")), Verdict::kBeyondWindow);
    EXPECT_EQ(receiver.run(16384 - 16, RunBuilder().record("a")), Verdict::kAccepted);
    EXPECT_EQ(receiver.stream.counters().beyond_window, 1u);
  }
}

TEST(StreamRxHostile, RefusesRecordsThatOverlapOthers) {
  for (const StreamMode mode : {StreamMode::kReliableOrdered, StreamMode::kReliableUnordered}) {
    Receiver receiver(mode);
    receiver.run(64, RunBuilder().record(text_of(24, 'a')));
    EXPECT_EQ(receiver.run(56, RunBuilder().record("b")), Verdict::kMalformed);
    EXPECT_EQ(receiver.run(88, RunBuilder().record("b")), Verdict::kMalformed);
    EXPECT_EQ(receiver.run(48, RunBuilder().record(text_of(100, 'c'))), Verdict::kMalformed);
    receiver.run(0, RunBuilder().record("d"));
    EXPECT_EQ(receiver.run(8, RunBuilder().record("e")), Verdict::kMalformed);
    EXPECT_EQ(receiver.run(16, RunBuilder().record(text_of(40, 'f'))), Verdict::kAccepted);
    EXPECT_EQ(receiver.taken.size(), 3u);
  }
}

TEST(StreamRxHostile, BreaksTheStreamWhoseMessagesContradictEachOther) {
  for (const StreamMode mode : {StreamMode::kReliableOrdered, StreamMode::kDeadline}) {
    Receiver receiver(mode);
    receiver.run(kRecordBytesMax, RunBuilder().record("a"));
    EXPECT_EQ(receiver.run(0, RunBuilder().record(kFull, kRecordBegin)), Verdict::kMalformed);
    EXPECT_EQ(receiver.run(kRecordBytesMax + 16, RunBuilder().record("b")), Verdict::kMalformed);
    EXPECT_EQ(receiver.taken, Texts{});
  }
  Receiver receiver(StreamMode::kReliableUnordered);
  receiver.run(0, RunBuilder().record(kFull, kRecordBegin));
  EXPECT_EQ(receiver.run(kRecordBytesMax, RunBuilder().record("a")), Verdict::kMalformed);
}

TEST(StreamRxHostile, RefusesAnEndThatIsNone) {
  Receiver receiver(StreamMode::kDeadline);
  receiver.run(32, RunBuilder().record("a"));
  EXPECT_EQ(receiver.stream.on_end(40), Verdict::kMalformed);
  EXPECT_EQ(receiver.stream.on_end(64), Verdict::kAccepted);
  EXPECT_EQ(receiver.stream.on_end(72), Verdict::kMalformed);
  EXPECT_EQ(receiver.run(64, RunBuilder().record("b")), Verdict::kMalformed);
  EXPECT_EQ(receiver.skip(72), Verdict::kMalformed);
}

// Random records at random positions: nothing may be read or written where it must not.
TEST(StreamRxHostile, SurvivesAPeerThatSendsAnything) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Prng prng(seed);
    Receiver receiver(kModes[prng.below(5)], prng.below(5000));
    uint64_t base = 0;
    for (uint32_t step = 0; step < 300; ++step) {
      RunBuilder run;
      for (uint32_t count = prng.between(1, 4); count > 0; --count) {
        const bool is_full = prng.one_in(2);
        const uint32_t index = is_full ? prng.below(4) : 0;
        uint32_t flags = (index == 0 ? kRecordBegin : 0u) | (prng.one_in(2) ? kRecordEnd : 0u);
        if (prng.one_in(20)) flags = prng.below(256);
        run.record(is_full ? kFull : text_of(prng.below(64), 'r'), static_cast<uint8_t>(flags),
                   index * kRecordPayloadBytesMax);
      }
      receiver.room = prng.below(6);
      base = prng.one_in(3) ? receiver.stream.position() : base;
      const uint64_t position = base + (prng.one_in(2) ? 0 : prng.below(300) * 8);
      receiver.run(position, run);
      if (prng.one_in(10)) receiver.skip(base + prng.below(500) * 8);
      if (prng.one_in(4)) receiver.poll();
      if (prng.one_in(200)) receiver.stream.on_end(base + prng.below(5000) * 8);
      ASSERT_LE(receiver.stream.window_limit() - 16384, receiver.stream.position());
    }
  }
}

TEST(StreamRxHostile, TellsNoLimitBeyondAllPositionsAfterASkipToTheEndOfThem) {
  for (const StreamMode mode :
       {StreamMode::kLatest, StreamMode::kDeadline, StreamMode::kUnreliable}) {
    for (const uint64_t below : {uint64_t{0}, uint64_t{8}, uint64_t{16384}}) {
      Receiver receiver(mode);
      EXPECT_EQ(receiver.skip(kPositionMax - below), Verdict::kAccepted);
      uint64_t limit = 0;
      EXPECT_TRUE(receiver.stream.window_update(limit));
      EXPECT_EQ(limit, kPositionMax - kRecordAlignment);
      EXPECT_FALSE(receiver.stream.window_update(limit));
    }
  }
}

}  // namespace
}  // namespace hyperroute::raptor
