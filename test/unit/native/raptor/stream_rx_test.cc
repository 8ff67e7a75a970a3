// The receiving end of a stream: runs that are past, repeated, in order and early, in each mode.
#include <numeric>

#include "unit/native/raptor/stream_rx_fixture.h"

namespace hyperroute::raptor {
namespace {

using Texts = Receiver::Texts;

TEST(StreamRx, DeliversWhatComesInOrderAndKeepsNothing) {
  Receiver receiver(StreamMode::kReliableOrdered);
  EXPECT_EQ(receiver.run(0, RunBuilder().record("a").record("").record("bc")), Verdict::kAccepted);
  EXPECT_EQ(receiver.taken, (Texts{"a", "", "bc"}));
  EXPECT_EQ(receiver.stream.position(), 40u);
  EXPECT_EQ(receiver.stream.buffered_bytes(), 0u);
}

TEST(StreamRx, HandsOutViewsWithStreamAndSessionInBoundedBatches) {
  Receiver receiver(StreamMode::kReliableOrdered);
  RunBuilder builder;
  for (uint32_t index = 0; index < 3 * kMessageViewsMax + 1; ++index) builder.record("m");
  std::vector<uint8_t> bytes = builder.bytes();
  std::vector<size_t> calls;
  const MessageSink sink{&calls, [](void* context, std::span<const MessageView> views) {
                           static_cast<std::vector<size_t>*>(context)->push_back(views.size());
                           EXPECT_EQ(views[0].stream, 3);
                           EXPECT_EQ(views[0].session, 4u);
                           return static_cast<uint32_t>(views.size());
                         }};
  receiver.stream.on_run(0, bytes.data(), static_cast<uint32_t>(bytes.size()), sink);
  EXPECT_EQ(calls, (std::vector<size_t>{64, 64, 64, 1}));
}

TEST(StreamRx, ARunThatCameBeforeIsADuplicateAndDeliversNothing) {
  for (const StreamMode mode :
       {StreamMode::kReliableOrdered, StreamMode::kReliableUnordered, StreamMode::kLatest,
        StreamMode::kDeadline, StreamMode::kUnreliable}) {
    Receiver receiver(mode);
    receiver.run(0, RunBuilder().record("a"));
    EXPECT_EQ(receiver.run(0, RunBuilder().record("a")), Verdict::kDuplicate);
    receiver.run(32, RunBuilder().record("c"));
    EXPECT_EQ(receiver.run(32, RunBuilder().record("c")), Verdict::kDuplicate);
    EXPECT_EQ(receiver.stream.counters().duplicates, 2u);
    EXPECT_LE(receiver.taken.size(), 2u);
  }
}

TEST(StreamRx, AnEarlyRunWaitsForItsTurnWhereTheOrderCounts) {
  Receiver receiver(StreamMode::kReliableOrdered);
  EXPECT_EQ(receiver.run(16, RunBuilder().record("b")), Verdict::kAccepted);
  EXPECT_EQ(receiver.run(48, RunBuilder().record("d")), Verdict::kAccepted);
  EXPECT_EQ(receiver.taken, Texts{});
  receiver.run(0, RunBuilder().record("a"));
  EXPECT_EQ(receiver.taken, (Texts{"a", "b"}));
  // The whole of it again, though only a part is missing.
  EXPECT_EQ(receiver.run(16, RunBuilder().record("b").record("c").record("d")), Verdict::kAccepted);
  EXPECT_EQ(receiver.taken, (Texts{"a", "b", "c", "d"}));
}

TEST(StreamRx, AnEarlyRunIsDeliveredAtOnceWhereItDoesNot) {
  Receiver receiver(StreamMode::kReliableUnordered);
  receiver.run(16, RunBuilder().record("b"));
  EXPECT_EQ(receiver.taken, Texts{"b"});
  receiver.run(0, RunBuilder().record("a").record("b").record("c"));
  EXPECT_EQ(receiver.taken, (Texts{"b", "a", "c"}));
  EXPECT_EQ(receiver.stream.position(), 48u);
  EXPECT_EQ(receiver.stream.buffered_bytes(), 0u);
}

TEST(StreamRx, PutsFragmentsTogetherInWhateverOrderTheyCome) {
  const std::string message = text_of(3 * kRecordPayloadBytesMax + 7, 'a');
  for (const StreamMode mode :
       {StreamMode::kReliableOrdered, StreamMode::kReliableUnordered, StreamMode::kLatest,
        StreamMode::kDeadline, StreamMode::kUnreliable}) {
    uint32_t order[] = {0, 1, 2, 3};
    do {
      Receiver receiver(mode);
      for (const uint32_t index : order) {
        EXPECT_EQ(receiver.taken, Texts{});
        const RunBuilder builder = RunBuilder().fragments(message, index, index + 1);
        EXPECT_EQ(receiver.run(index * kRecordBytesMax, builder), Verdict::kAccepted);
      }
      EXPECT_EQ(receiver.taken, Texts{message}) << order[0] << order[1] << order[2] << order[3];
      EXPECT_EQ(receiver.stream.buffered_bytes(), 0u);
    } while (std::next_permutation(order, order + 4));
  }
}

TEST(StreamRx, PutsTheLargestMessageTogether) {
  Receiver receiver(StreamMode::kReliableOrdered, kStreamMessageBytesMax);
  const std::string message = text_of(kStreamMessageBytesMax, 'A');
  uint64_t position = 0;
  for (uint32_t index = 0; index * kRecordPayloadBytesMax < message.size(); index += 8) {
    const RunBuilder builder = RunBuilder().fragments(message, index, index + 8);
    ASSERT_EQ(receiver.run(position, builder), Verdict::kAccepted);
    position += builder.bytes().size();
  }
  ASSERT_EQ(receiver.taken.size(), 1u);
  EXPECT_TRUE(receiver.taken[0] == message);
}

// Each second fragment first, then those between, from the front and from the back.
TEST(StreamRx, PutsTheLargestMessageTogetherWhenHalfOfItsFragmentsComeLate) {
  const std::string message = text_of(4u << 20, 'f');
  const uint32_t count =
      (static_cast<uint32_t>(message.size()) + kRecordPayloadBytesMax - 1) / kRecordPayloadBytesMax;
  for (const bool from_front : {true, false}) {
    Receiver receiver(StreamMode::kReliableUnordered, 4u << 20, 16u << 20);
    RunBuilder before;
    before.record("before");
    const auto fragment = [&](uint32_t index) {
      RunBuilder run;
      run.fragments(message, index, index + 1);
      const uint64_t position = before.bytes().size() + uint64_t{index} * kRecordBytesMax;
      ASSERT_EQ(receiver.run(position, run), Verdict::kAccepted);
    };
    for (uint32_t index = 0; index < count; index += 2) fragment(index);
    for (uint32_t at = 1; at < count; at += 2) fragment(from_front ? at : count / 2 * 2 - at);
    ASSERT_EQ(receiver.taken.size(), 1u);
    EXPECT_TRUE(receiver.taken[0] == message);
    EXPECT_EQ(receiver.run(0, before), Verdict::kAccepted);
    EXPECT_EQ(receiver.stream.buffered_bytes(), 0u);
  }
}

TEST(StreamRx, KeepsWhatTheSinkRefusesAndHandsItOutAgainInOrder) {
  const std::string large = text_of(2000, 'k');
  for (const StreamMode mode : {StreamMode::kReliableOrdered, StreamMode::kReliableUnordered,
                                StreamMode::kDeadline, StreamMode::kUnreliable}) {
    Receiver receiver(mode);
    receiver.room = 1;
    receiver.run(0, RunBuilder().record("a").record("b").fragments(large).record("c"));
    EXPECT_EQ(receiver.taken, Texts{"a"});
    EXPECT_TRUE(receiver.stream.has_refused());
    EXPECT_EQ(receiver.poll(), 0u);
    uint64_t limit = 0;
    EXPECT_FALSE(receiver.stream.window_update(limit));
    receiver.room = 2;
    EXPECT_EQ(receiver.poll(), 2u);
    EXPECT_EQ(receiver.taken, (Texts{"a", "b", large}));
    receiver.room = 10;
    EXPECT_EQ(receiver.poll(), 1u);
    EXPECT_EQ(receiver.taken.back(), "c");
    EXPECT_EQ(receiver.stream.buffered_bytes(), 0u);
    EXPECT_EQ(receiver.stream.window_limit(), receiver.stream.position() + 16384);
  }
}

TEST(StreamRx, ANewerValueTakesThePlaceOfARefusedOne) {
  Receiver receiver(StreamMode::kLatest);
  receiver.room = 0;
  receiver.run(0, RunBuilder().record("a"));
  receiver.run(16, RunBuilder().record("b"));
  receiver.run(48, RunBuilder().record("d"));
  receiver.run(32, RunBuilder().record("c"));  // Older than what is kept.
  receiver.room = 10;
  EXPECT_EQ(receiver.poll(), 1u);
  EXPECT_EQ(receiver.taken, Texts{"d"});
  EXPECT_EQ(receiver.stream.buffered_bytes(), 0u);
}

TEST(StreamRx, ASkipSetsFreeWhatIsWholeAndDropsWhatIsNot) {
  const std::string lost = text_of(2000, 'l');
  Receiver receiver(StreamMode::kDeadline);
  receiver.run(0, RunBuilder().fragments(lost, 0, 1));
  const uint64_t next = message_record_bytes(2000);
  receiver.run(next, RunBuilder().record("b"));
  receiver.run(next + 32, RunBuilder().record("d"));
  receiver.run(next + 64, RunBuilder().record("f"));
  EXPECT_EQ(receiver.taken, Texts{});
  EXPECT_EQ(receiver.skip(next + 48), Verdict::kAccepted);
  EXPECT_EQ(receiver.taken, (Texts{"b", "d"}));
  EXPECT_EQ(receiver.skip(next), Verdict::kDuplicate);
  EXPECT_EQ(receiver.run(next + 16, RunBuilder().record("c")), Verdict::kDuplicate);
  receiver.run(next + 48, RunBuilder().record("e"));
  EXPECT_EQ(receiver.taken, (Texts{"b", "d", "e", "f"}));
}

TEST(StreamRx, ASkipBehindRefusedMessagesKeepsThem) {
  Receiver receiver(StreamMode::kDeadline);
  receiver.room = 0;
  receiver.run(0, RunBuilder().record("a"));
  EXPECT_EQ(receiver.skip(uint64_t{1} << 40), Verdict::kAccepted);  // Far beyond the ring.
  receiver.room = 10;
  EXPECT_EQ(receiver.poll(), 1u);
  EXPECT_EQ(receiver.taken, Texts{"a"});
  receiver.run(uint64_t{1} << 40, RunBuilder().record("b"));
  EXPECT_EQ(receiver.taken, (Texts{"a", "b"}));
}

TEST(StreamRx, ASkipIsAFaultWhereNothingMayBeGivenUp) {
  Receiver ordered(StreamMode::kReliableOrdered);
  EXPECT_EQ(ordered.skip(16), Verdict::kMalformed);
  Receiver unordered(StreamMode::kReliableUnordered);
  EXPECT_EQ(unordered.skip(16), Verdict::kMalformed);
}

TEST(StreamRx, TellsOfTheWindowAQuarterAtATime) {
  Receiver receiver(StreamMode::kReliableOrdered, 1000, 4096);
  uint64_t limit = 0;
  receiver.run(0, RunBuilder().record(text_of(1000, 'a')));
  EXPECT_FALSE(receiver.stream.window_update(limit));
  receiver.run(1008, RunBuilder().record("b"));
  EXPECT_TRUE(receiver.stream.window_update(limit));
  EXPECT_EQ(limit, 1024u + 4096u);
  EXPECT_FALSE(receiver.stream.window_update(limit));
}

TEST(StreamRx, TellsAtOnceOfAWindowThatTheLargestMessageNeeds) {
  Receiver receiver(StreamMode::kReliableOrdered, 100'000, 4096);
  uint64_t limit = 0;
  EXPECT_TRUE(receiver.stream.window_update(limit));
  EXPECT_GE(limit, 2 * message_record_bytes(100'000));
}

TEST(StreamRx, ALateRecordThatTheFrontierCutsInTwoIsPassedOver) {
  const std::string text = text_of(kRecordPayloadBytesMax, 'a');
  Receiver receiver(StreamMode::kUnreliable);
  // Half of the window lies before its end: the second record's middle.
  receiver.run(8 * kRecordBytesMax, RunBuilder().record(text));
  EXPECT_GT(receiver.stream.position(), kRecordBytesMax);
  EXPECT_LT(receiver.stream.position(), 2 * kRecordBytesMax);
  EXPECT_EQ(receiver.run(kRecordBytesMax, RunBuilder().record(text)), Verdict::kAccepted);
  EXPECT_EQ(receiver.stream.position(), 2 * kRecordBytesMax);
  EXPECT_EQ(receiver.run(kRecordBytesMax, RunBuilder().record(text)), Verdict::kDuplicate);
  for (uint32_t index = 2; index < 8; ++index) {
    receiver.run(index * kRecordBytesMax, RunBuilder().record(text));
  }
  EXPECT_EQ(receiver.taken.size(), 7u);
  EXPECT_EQ(receiver.stream.on_end(9 * kRecordBytesMax), Verdict::kAccepted);
  EXPECT_TRUE(receiver.stream.is_finished());
}

TEST(StreamRx, IsFinishedWhenAllBeforeTheEndWasTaken) {
  Receiver receiver(StreamMode::kReliableOrdered);
  EXPECT_EQ(receiver.stream.on_end(32), Verdict::kAccepted);
  EXPECT_EQ(receiver.stream.on_end(32), Verdict::kDuplicate);
  receiver.room = 1;
  receiver.run(0, RunBuilder().record("a").record("b"));
  EXPECT_FALSE(receiver.stream.is_finished());
  receiver.room = 1;
  receiver.poll();
  EXPECT_TRUE(receiver.stream.is_finished());
}

TEST(StreamRx, LooksAtNoFragmentOfAMessageMoreThanAFewTimesWhateverTheOrder) {
  constexpr uint32_t kFragments = 1'000;
  constexpr uint64_t kBegin = 16;  // Behind a hole, so that nothing comes in order.
  const std::string message = text_of(kFragments * kRecordPayloadBytesMax, 'a');
  // Each fragment closes a gap behind all that came before: the message grows by two at a time.
  std::vector<uint32_t> closing;
  for (uint32_t index = 0; index < kFragments; index += 2) closing.push_back(index);
  for (uint32_t index = 1; index < kFragments; index += 2) closing.push_back(index);
  std::vector<uint32_t> rising(kFragments);
  std::iota(rising.begin(), rising.end(), 0u);
  const std::vector<uint32_t> falling(rising.rbegin(), rising.rend());
  std::vector<uint32_t> closing_from_the_end(closing.begin(), closing.begin() + kFragments / 2);
  closing_from_the_end.insert(closing_from_the_end.end(), closing.rbegin(),
                              closing.rbegin() + kFragments / 2);
  for (const auto& order : {closing, rising, falling, closing_from_the_end}) {
    Receiver receiver(StreamMode::kReliableUnordered, 2u << 20, 4u << 20);
    for (const uint32_t index : order) {
      const RunBuilder run = RunBuilder().fragments(message, index, index + 1);
      const uint64_t position = kBegin + uint64_t{index} * kRecordBytesMax;
      ASSERT_EQ(receiver.run(position, run), Verdict::kAccepted);
    }
    ASSERT_EQ(receiver.taken.size(), 1u);
    EXPECT_TRUE(receiver.taken[0] == message);
    EXPECT_LE(receiver.stream.counters().fragments_visited, 2 * kFragments);
  }
}

}  // namespace
}  // namespace hyperroute::raptor
