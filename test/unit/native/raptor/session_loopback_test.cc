// A stream as fast as two processors allow, in virtual time: what each end does with a datagram and
// a message costs time, the path between them costs almost none, and an end reads only between
// rounds of 64 KiB that it sends, as the socket driver does. So the rate at 5 % of loss is told
// against the loss-free one wherever the test runs.
#include <gtest/gtest.h>

#include <deque>

#include "session_pair.h"

namespace hyperroute::raptor {
namespace {

// Of a datagram of 8,952 bytes, as measured; smaller ones cost their part.
constexpr uint64_t kSealNs = 2'500;
constexpr uint64_t kSendNs = 1'200;
constexpr uint64_t kReceiveNs = 1'500;
constexpr uint64_t kOpenNs = 2'600;
constexpr uint64_t kDatagramNs = 300;
constexpr uint64_t kCallNs = 1'500;
constexpr uint64_t kPathNs = 3'000;
constexpr uint64_t kMessageNs = 10;
constexpr uint32_t kRoundBytes = 64u << 10;
constexpr uint32_t kReadBytes = 512u << 10;

uint64_t part_of(uint64_t cost_ns, size_t bytes) { return cost_ns * bytes / kDatagramBytesMax; }

class Loopback {
 public:
  Loopback(uint64_t seed, uint32_t message_bytes, uint32_t loss_percent)
      : message_(message_bytes), loss_percent_(loss_percent), prng_(seed) {
    SessionOptions options[2];
    for (int index = 0; index < 2; ++index) {
      options[index].keys.is_insecure = true;
      options[index].local = SessionPair::default_parameters(static_cast<uint64_t>(1 + index));
      options[index].remote = SessionPair::default_parameters(static_cast<uint64_t>(2 - index));
      options[index].local.liveness_us = options[index].remote.liveness_us = 5'000'000;
      options[index].sends_first = index == 0;
      ends_[index].session = Session::create(kSecond, options[index]).take();
    }
    stream_ = ends_[0].session->open_stream(StreamOptions{}).take();
  }

  // Messages a second, once the window has grown.
  double run(uint64_t message_count) {
    uint64_t begin_ns = 0;
    while (received_count_ < message_count) {
      const bool is_sender = ends_[0].now_ns <= ends_[1].now_ns;
      is_sender ? publish(message_count) : serve(1);
      if (begin_ns == 0 && received_count_ >= message_count / 4) {
        begin_ns = ends_[1].now_ns;
        begin_count_ = received_count_;
      }
    }
    const auto span_ns = static_cast<double>(ends_[1].now_ns - begin_ns);
    return static_cast<double>(received_count_ - begin_count_) * 1e9 / span_ns;
  }

 private:
  struct Arriving {
    uint64_t at_ns;
    Message bytes;
  };
  struct End {
    std::unique_ptr<Session> session;
    std::deque<Arriving> arriving;
    uint64_t now_ns = kSecond;
  };

  void publish(uint64_t message_count) {
    End& end = ends_[0];
    for (int count = 0; count < 64 && offered_count_ < message_count; ++count) {
      std::memcpy(message_.data(), &offered_count_, sizeof offered_count_);
      if (end.session->offer(end.now_ns, stream_, message_) < 0) return serve(0);
      ++offered_count_;
      end.now_ns += 2 * kMessageNs;
    }
    if (offered_count_ == message_count) serve(0);
  }

  void serve(int index) {
    read(index);
    write(index);
  }

  void read(int index) {
    End& end = ends_[index];
    const uint64_t now_ns = end.now_ns;
    end.now_ns += kDatagramNs;
    uint32_t bytes = 0;
    while (!end.arriving.empty() && end.arriving.front().at_ns <= now_ns && bytes < kReadBytes) {
      Message datagram = std::move(end.arriving.front().bytes);
      end.arriving.pop_front();
      bytes += static_cast<uint32_t>(datagram.size());
      end.now_ns += part_of(kReceiveNs, datagram.size());
      if (prng_.below(100) < loss_percent_) continue;
      end.now_ns += kDatagramNs + part_of(kOpenNs, datagram.size());
      DataHeader header;
      const auto datagram_bytes = static_cast<uint32_t>(datagram.size());
      ASSERT_EQ(read_data_header(datagram.data(), datagram_bytes, header), nullptr);
      end.session->on_packet(now_ns, header, datagram.data(), datagram_bytes, {this, take});
    }
    if (end.session->next_deadline_ns() <= now_ns) end.session->on_deadline(now_ns);
  }

  void write(int index) {
    End& end = ends_[index];
    const uint64_t now_ns = end.now_ns;
    std::vector<Arriving> round;
    uint32_t bytes = 0;
    Message buffer(kDatagramBytesMax);
    while (bytes + kDatagramBytesMax <= kRoundBytes) {
      const uint32_t written = end.session->next_datagram(now_ns, buffer);
      if (written == 0) break;
      bytes += written;
      end.now_ns += kDatagramNs + part_of(kSealNs, written);
      round.push_back({0, Message(buffer.begin(), buffer.begin() + written)});
    }
    if (round.empty()) return;
    end.now_ns += kCallNs;
    for (Arriving& each : round) {
      end.now_ns += part_of(kSendNs, each.bytes.size());
      each.at_ns = end.now_ns + kPathNs;
      ends_[1 - index].arriving.push_back(std::move(each));
    }
  }

  static uint32_t take(void* context, std::span<const MessageView> views) {
    auto* self = static_cast<Loopback*>(context);
    self->ends_[1].now_ns += kMessageNs * views.size();
    for (const MessageView& view : views) {
      uint64_t number = 0;
      std::memcpy(&number, view.data, sizeof number);
      EXPECT_EQ(number, self->received_count_);
      ++self->received_count_;
    }
    return static_cast<uint32_t>(views.size());
  }

  Message message_;
  uint32_t loss_percent_;
  Prng prng_;
  End ends_[2];
  uint16_t stream_ = 0;
  uint64_t offered_count_ = 0;
  uint64_t received_count_ = 0;
  uint64_t begin_count_ = 0;
};

TEST(SessionLoopback, AStreamAtFivePercentOfLossKeepsFourFifthsOfItsRate) {
  for (const uint32_t message_bytes : {32u, 288u}) {
    const uint64_t count = (16u << 20) / (message_bytes + kRecordHeaderBytes);
    const double lossless = Loopback(1, message_bytes, 0).run(count);
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const double kept = Loopback(seed, message_bytes, 5).run(count) / lossless;
      EXPECT_GE(kept, 0.8) << message_bytes << " B, seed " << seed;
    }
  }
}

}  // namespace
}  // namespace hyperroute::raptor
