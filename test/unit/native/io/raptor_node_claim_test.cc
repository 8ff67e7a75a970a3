// Messages that are written where they are sent from: claimed, committed, aborted.
#include <gtest/gtest.h>

#include "test/unit/native/io/raptor_nodes.h"

namespace hyperroute {
namespace {

constexpr int64_t kBackPressure = static_cast<int64_t>(OfferCode::kBackPressure);
constexpr int64_t kNotConnected = static_cast<int64_t>(OfferCode::kNotConnected);
constexpr int64_t kClosed = static_cast<int64_t>(OfferCode::kClosed);
constexpr int64_t kTooLarge = static_cast<int64_t>(OfferCode::kTooLarge);

class RaptorNodeClaim : public ::testing::Test {
 protected:
  int64_t claim(uint32_t publication, const std::string& text) {
    std::span<uint8_t> room;
    const auto bytes = static_cast<uint32_t>(text.size());
    const int64_t answer = server_.node.claim(publication, bytes, room);
    if (answer < 0) return answer;
    EXPECT_EQ(room.size(), text.size());
    std::ranges::copy(text, room.begin());
    return answer;
  }
  int64_t commit(uint32_t publication) {
    const int64_t position = server_.node.commit(monotonic_ns(), publication);
    static_cast<void>(server_.node.transmit(monotonic_ns()));
    return position;
  }
  TestNode& join() {
    const uint32_t count = server_.node.session_count() + 1;
    TestNode& client = world_.connect(server_);
    client.subscribe(1);
    world_.run_until([&] { return server_.node.session_count() == count; });
    return client;
  }
  TestNode& join_paused() {
    TestNode& client = join();
    client.takes_max = 0;
    return client;
  }

  NodeWorld world_;
  TestNode& server_ = world_.listen();
};

TEST_F(RaptorNodeClaim, ArrivesInOrderAmongWhatIsOffered) {
  TestNode& client = join();
  const uint32_t publication = server_.publish(1);
  int64_t last = 0;
  std::vector<std::string> expected;
  for (uint32_t i = 0; i < 200; ++i) {
    expected.push_back(std::string(i * 5, 'a') + std::to_string(i));
    int64_t position = kBackPressure;
    if (i % 2 == 0) {
      position = server_.offer(publication, expected.back());
    } else {
      ASSERT_EQ(claim(publication, expected.back()), 0);
      position = commit(publication);
    }
    ASSERT_GT(position, last);
    last = position;
    world_.turn();
  }
  world_.run_until([&] { return client.got(1).size() == expected.size(); });
  EXPECT_EQ(client.got(1), expected);
  EXPECT_EQ(server_.node.publication_counters(publication).messages, expected.size());
}

TEST_F(RaptorNodeClaim, ThatIsAbortedOrClaimedAnewIsNeverSent) {
  TestNode& client = join();
  const uint32_t publication = server_.publish(1);
  ASSERT_EQ(claim(publication, "aborted"), 0);
  server_.node.abort(publication);
  EXPECT_EQ(commit(publication), kClosed);
  ASSERT_EQ(claim(publication, "claimed anew"), 0);
  ASSERT_EQ(claim(publication, "sent"), 0);
  EXPECT_GT(commit(publication), 0);
  EXPECT_EQ(commit(publication), kClosed);
  ASSERT_GT(server_.offer(publication, "last"), 0);
  world_.run_until([&] { return client.got(1).size() == 2; });
  EXPECT_EQ(client.got(1), (std::vector<std::string>{"sent", "last"}));
}

TEST_F(RaptorNodeClaim, GoesToEveryReceiverWhateverTheMode) {
  const std::vector<TestNode*> clients{&join(), &join(), &join()};
  for (const auto mode : {raptor::StreamMode::kReliableOrdered, raptor::StreamMode::kLatest}) {
    const uint32_t publication = server_.publish(1, SlowReceivers::kWait, mode);
    for (TestNode* const client : clients) client->got(1).clear();
    // Of mode latest the second takes the first's place if that has not left.
    for (const std::string text : {"replaced", "newest"}) {
      ASSERT_EQ(claim(publication, text), 0);
      ASSERT_GT(server_.node.commit(monotonic_ns(), publication), 0);
    }
    for (TestNode* const client : clients) {
      world_.run_until(
          [&] { return !client->got(1).empty() && client->got(1).back() == "newest"; });
    }
    server_.node.end_publication(publication);
  }
}

TEST_F(RaptorNodeClaim, WaitsForAllOrLeavesTheSlowOneOut) {
  TestNode& quick = join();
  join_paused();
  const std::string text(1'000, 'x');
  const uint32_t waiting = server_.publish(1);
  uint32_t taken = 0;
  world_.run_until([&] {
    const bool has_room = claim(waiting, text) == 0;
    if (has_room && commit(waiting) > 0) ++taken;
    return !has_room && quick.got(1).size() == taken;
  });
  EXPECT_GT(taken, 100u);
  EXPECT_GT(server_.node.publication_counters(waiting).back_pressure, 0u);
  server_.node.end_publication(waiting);

  RaptorPublicationOptions options;
  options.stream.label = 1;
  options.slow_receivers = SlowReceivers::kDrop;
  const uint32_t dropping = server_.publish(options);
  quick.got(1).clear();
  taken = 0;
  world_.run_until([&] {
    if (quick.got(1).size() == taken && claim(dropping, text) == 0 && commit(dropping) > 0) ++taken;
    return server_.node.publication_counters(dropping).missed > 10;
  });
  world_.run_until([&] { return quick.got(1).size() == taken; });
}

TEST_F(RaptorNodeClaim, AnswersWhatCannotBeWithACode) {
  const uint32_t publication = server_.publish(1);
  EXPECT_EQ(claim(publication, "x"), kNotConnected);
  EXPECT_EQ(claim(publication, std::string(kNodeClaimBytesMax + 1, 'x')), kTooLarge);
  EXPECT_EQ(claim(publication + 1, "x"), kClosed);
  EXPECT_EQ(commit(publication), kClosed);
  TestNode& client = join();
  ASSERT_EQ(claim(publication, std::string(kNodeClaimBytesMax, 'x')), 0);
  EXPECT_GT(commit(publication), 0);
  ASSERT_EQ(claim(publication, ""), 0);
  EXPECT_GT(commit(publication), 0);
  world_.run_until([&] { return client.got(1).size() == 2; });
  ASSERT_EQ(claim(publication, "to nobody any more"), 0);
  world_.remove(client);
  world_.run_until([&] { return server_.node.session_count() == 0; });
  EXPECT_EQ(commit(publication), kNotConnected);
  ASSERT_EQ(commit(publication), kClosed);
}

}  // namespace
}  // namespace hyperroute
