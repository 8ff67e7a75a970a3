// What a session costs while it does nothing new: no allocation, whatever is lost on the way, and
// no packet built for nothing.
#include <gtest/gtest.h>

#include "conformance/allocation_guard.h"
#include "session_pair.h"

namespace hyperroute::raptor {
namespace {

// Two sessions in one buffer's reach, since the pair's path itself allocates.
class TightPair {
 public:
  TightPair() {
    EXPECT_TRUE(crypto::load().ok());
    for (int end = 0; end < 2; ++end) {
      SessionOptions options;
      options.keys.send_secret.fill(static_cast<uint8_t>(1 + end));
      options.keys.receive_secret.fill(static_cast<uint8_t>(2 - end));
      options.local = SessionPair::default_parameters(static_cast<uint64_t>(1 + end));
      options.remote = SessionPair::default_parameters(static_cast<uint64_t>(2 - end));
      ends[end] = Session::create(now_ns, options).take();
    }
  }

  // Moves every packet that is due, loses one in `lost_in` (0: none).
  void exchange(uint32_t lost_in) {
    const MessageSink sink{this, [](void* context, std::span<const MessageView> views) {
                             auto* pair = static_cast<TightPair*>(context);
                             pair->received += views.size();
                             return static_cast<uint32_t>(views.size());
                           }};
    for (int end = 0; end < 2; ++end) {
      if (ends[end]->next_deadline_ns() <= now_ns) ends[end]->on_deadline(now_ns);
      while (ends[end]->has_work()) {
        const uint32_t bytes = ends[end]->next_datagram(now_ns, buffer);
        if (bytes == 0) break;
        if (lost_in != 0 && prng.one_in(lost_in)) continue;
        DataHeader header;
        ASSERT_EQ(read_data_header(buffer, bytes, header), nullptr);
        ends[1 - end]->on_packet(now_ns, header, buffer, bytes, sink);
      }
    }
    now_ns += 10 * kUs;
  }

  std::unique_ptr<Session> ends[2];
  alignas(8) uint8_t buffer[kDatagramBytesMax];
  uint64_t now_ns = kSecond;
  uint64_t received = 0;
  Prng prng{5};
};

TEST(SessionAllocation, AllocatesNothingInSteadyState) {
  for (const uint32_t lost_in : {0u, 20u}) {
    TightPair pair;
    const uint16_t stream = pair.ends[0]->open_stream(StreamOptions{}).take();
    const Message small = numbered(1, 200);
    const Message large = numbered(2, 5'000);
    uint64_t offered = 0;
    uint64_t allocations = 0;
    for (int round = 0; round < 20'000; ++round) {
      if (round == 2'000) allocations = allocations_of_thread();
      const Message& message = round % 50 == 0 ? large : small;
      if (pair.ends[0]->offer(pair.now_ns, stream, message) >= 0) ++offered;
      pair.exchange(lost_in);
    }
    // A sanitizer's own allocator is not counted: there the rest is what is tested.
    if (counts_allocations()) {
      EXPECT_EQ(allocations_of_thread() - allocations, 0u) << "loss of one in " << lost_in;
    }
    for (int round = 0; round < 1'000; ++round) pair.exchange(0);
    EXPECT_EQ(pair.received, offered);
    EXPECT_GT(offered, 15'000u);
  }
}

TEST(SessionAllocation, HasNoWorkAndALateDeadlineOnceEverythingIsAcknowledged) {
  TightPair pair;
  const uint16_t stream = pair.ends[0]->open_stream(StreamOptions{}).take();
  for (int round = 0; round < 100; ++round) {
    ASSERT_GT(pair.ends[0]->offer(pair.now_ns, stream, numbered(1, 100)), 0);
    pair.exchange(0);
  }
  for (int round = 0; round < 10; ++round) pair.exchange(0);
  for (const auto& end : pair.ends) {
    EXPECT_FALSE(end->has_work());
    EXPECT_EQ(end->next_datagram(pair.now_ns, pair.buffer), 0u);
    EXPECT_GT(end->next_deadline_ns(), pair.now_ns + 10 * kMs);
  }
}

TEST(SessionAllocation, DoesNotCallItsOwnerBackWhileAPacketWaitsToBeSent) {
  SessionPair::Options options;
  options.parameters[0].datagram_bytes_max = options.parameters[1].datagram_bytes_max = 1'200;
  SessionPair pair(options);
  const uint16_t stream = pair.a().open_stream(StreamOptions{}).take();
  pair.run_for(10 * kMs);
  Message sent;
  pair.watches = [&](const SentDatagram& datagram) { sent = datagram.bytes; };
  ASSERT_GT(pair.a().offer(pair.now_ns, stream, numbered(1, 100)), 0);
  pair.run_for(0);
  // It came, and its ACK is overdue, but the socket takes nothing.
  pair.now_ns += 10 * kUs;
  EXPECT_TRUE(pair.inject(1, sent));
  EXPECT_LE(pair.b().next_deadline_ns(), pair.now_ns + 50 * kUs);
  pair.now_ns += 50 * kUs;
  pair.b().on_deadline(pair.now_ns);
  EXPECT_TRUE(pair.b().has_work());
  EXPECT_GT(pair.b().next_deadline_ns(), pair.now_ns + kMs);
  Message buffer(kDatagramBytesMax);
  EXPECT_GT(pair.b().next_datagram(pair.now_ns, buffer), 0u);
}

}  // namespace
}  // namespace hyperroute::raptor
