// Both ends of a stream over a channel that loses, repeats and overtakes, against each mode's
// promise; the seed is printed on failure.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/prng.h"
#include "raptor/stream_rx.h"
#include "raptor/stream_tx.h"

namespace hyperroute::raptor {
namespace {

constexpr uint32_t kSeedsPerMode = 40;
constexpr uint32_t kInFlightMax = 64;
constexpr uint32_t kStepsToEndMax = 200'000;

enum class Kind : uint8_t { kRun, kSkip, kEnd };

struct Packet {
  Kind kind = Kind::kRun;
  uint64_t position = 0;
  std::vector<uint8_t> bytes;
};

// A message says which one it is, and the rest follows from that.
std::vector<uint8_t> message_of(uint32_t index, uint32_t bytes) {
  std::vector<uint8_t> message(bytes);
  std::memcpy(message.data(), &index, sizeof index);
  uint64_t state = index * 0x9e3779b97f4a7c15u;
  for (uint32_t offset = 4; offset < bytes; ++offset) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    message[offset] = static_cast<uint8_t>(state >> 56);
  }
  return message;
}

class StreamModel {
 public:
  StreamModel(uint64_t seed, StreamMode mode)
      : prng_(seed), mode_(mode), tx_(make_tx()), rx_(make_rx()) {
    tx_.on_window(window_bytes_);
    const uint32_t losses[] = {0, 2, 4, 20, 100};
    one_lost_in_ = losses[prng_.below(5)];
    one_refused_in_ = prng_.one_in(2) ? 0 : prng_.between(2, 10);
  }

  void run() {
    const uint32_t step_count = prng_.between(500, 4000);
    for (uint32_t step = 0; step < step_count && !::testing::Test::HasFatalFailure(); ++step) {
      random_step();
    }
    if (::testing::Test::HasFatalFailure()) return;
    tx_.end();
    for (uint32_t step = 0; !is_finished(); ++step) {
      ASSERT_LT(step, kStepsToEndMax) << "does not end: tx at " << tx_.position() << ", unacked "
                                      << tx_.unacked_bytes() << ", rx at " << rx_.position();
      random_step();
      if (::testing::Test::HasFatalFailure()) return;
    }
    judge();
  }

 private:
  StreamTx make_tx() {
    const uint32_t sizes[] = {4, 200, 5'000, 60'000, 400'000};
    const uint32_t kind = prng_.below(5);
    options_.mode = mode_;
    options_.message_bytes_max = sizes[kind];
    options_.deadline_us = 1000;
    bytes_cap_ = sizes[kind];
    Result<StreamTx> created = StreamTx::create(options_);
    HR_ASSERT(created.ok());
    return created.take();
  }
  StreamRx make_rx() {
    window_bytes_ = 4096u << prng_.below(7);
    Result<StreamRx> created = StreamRx::create(options_, window_bytes_, 7, 9);
    HR_ASSERT(created.ok());
    return created.take();
  }

  bool is_finished() const { return tx_.is_finished() && rx_.is_finished(); }

  void random_step() {
    now_ns_ += prng_.below(20'000);
    switch (prng_.below(8)) {
      case 0:
      case 1:
        return tx_.is_ended() ? arrive() : offer();
      case 2:
      case 3:
        return send();
      case 4:
        return housekeeping();
      default:
        return arrive();
    }
  }

  void offer() {
    if (prng_.one_in(3)) return;  // Now and then the channel runs dry.
    const uint32_t cap = prng_.one_in(4) ? bytes_cap_ : std::min(bytes_cap_, 300u);
    const std::vector<uint8_t> message =
        message_of(static_cast<uint32_t>(sent_.size()), prng_.between(4, cap));
    if (message.size() <= kRecordPayloadBytesMax && prng_.one_in(3)) {
      uint8_t* const to = tx_.claim(static_cast<uint32_t>(message.size()));
      if (to == nullptr) return;
      std::memcpy(to, message.data(), message.size());
      if (prng_.one_in(5)) return tx_.abort();
      ASSERT_GT(tx_.commit(now_ns_), 0);
    } else {
      const int64_t position = tx_.offer(now_ns_, message);
      if (position < 0) {
        ASSERT_EQ(position, static_cast<int64_t>(OfferCode::kBackPressure));
        ASSERT_GT(tx_.unacked_bytes() + message.size(), 0u);
        return;
      }
      ASSERT_EQ(static_cast<uint64_t>(position), tx_.position());
    }
    sent_.push_back(message);
    delivered_.push_back(0);
  }

  void send() {
    if (in_flight_.size() >= kInFlightMax) return;
    if (const uint64_t skip = tx_.skip_position(); skip != kNoPosition) {
      tx_.on_skip_sent(skip);
      in_flight_.push_back({Kind::kSkip, skip, {}});
    }
    if (const uint64_t end = tx_.end_position(); end != kNoPosition) {
      tx_.on_end_sent();
      in_flight_.push_back({Kind::kEnd, end, {}});
    }
    StreamTx::Run run;
    const uint32_t room_bytes = prng_.between(kRecordBytesMax, 9000);
    if (!tx_.next_run(now_ns_, room_bytes, run)) {
      ASSERT_FALSE(tx_.has_run());
      return;
    }
    ASSERT_GT(run.bytes, 0u);
    ASSERT_LE(run.bytes, room_bytes);
    ASSERT_LE(run.position + run.bytes, tx_.limit());
    in_flight_.push_back({Kind::kRun, run.position, {run.data, run.data + run.bytes}});
  }

  // Something of what is under way arrives, gets lost, or arrives and is believed lost.
  void arrive() {
    if (in_flight_.empty()) return;
    const uint32_t count = static_cast<uint32_t>(in_flight_.size());
    const uint32_t index = prng_.one_in(4) ? prng_.below(count) : 0;
    const bool is_lost = one_lost_in_ != 0 && prng_.one_in(one_lost_in_);
    if (!is_lost) {
      deliver(in_flight_[index]);
      if (::testing::Test::HasFatalFailure()) return;
      if (prng_.one_in(8)) return;  // It will come again.
    }
    const Packet packet = in_flight_[index];
    in_flight_.erase(in_flight_.begin() + index);
    settle(packet, !is_lost && !prng_.one_in(16));
  }

  void settle(const Packet& packet, bool is_acked) {
    const uint32_t bytes = static_cast<uint32_t>(packet.bytes.size());
    switch (packet.kind) {
      case Kind::kRun:
        return is_acked ? tx_.on_run_acked(packet.position, bytes)
                        : tx_.on_run_lost(packet.position, bytes);
      case Kind::kSkip:
        return is_acked ? tx_.on_skip_acked(packet.position) : tx_.on_skip_lost(packet.position);
      case Kind::kEnd:
        return is_acked ? tx_.on_end_acked() : tx_.on_end_lost();
    }
  }

  void deliver(const Packet& packet) {
    StreamRx::Verdict verdict = StreamRx::Verdict::kAccepted;
    // A copy of exactly its size: the sanitizer sees a byte that is read beyond.
    std::vector<uint8_t> bytes = packet.bytes;
    switch (packet.kind) {
      case Kind::kRun:
        verdict =
            rx_.on_run(packet.position, bytes.data(), static_cast<uint32_t>(bytes.size()), sink());
        break;
      case Kind::kSkip:
        verdict = rx_.on_skip(packet.position, sink());
        break;
      case Kind::kEnd:
        verdict = rx_.on_end(packet.position);
        break;
    }
    ASSERT_TRUE(verdict == StreamRx::Verdict::kAccepted || verdict == StreamRx::Verdict::kDuplicate)
        << "verdict " << static_cast<int>(verdict) << " at " << packet.position;
    ASSERT_LE(rx_.buffered_bytes(), uint64_t{kStreamRingBytesMax});
  }

  void housekeeping() {
    rx_.poll(sink());
    uint64_t limit = 0;
    if (rx_.window_update(limit)) tx_.on_window(limit);
    tx_.expire(now_ns_);
  }

  MessageSink sink() {
    return {this, [](void* context, std::span<const MessageView> views) {
              return static_cast<StreamModel*>(context)->take(views);
            }};
  }

  uint32_t take(std::span<const MessageView> views) {
    const uint32_t count = static_cast<uint32_t>(views.size());
    const bool refuses = one_refused_in_ != 0 && prng_.one_in(one_refused_in_);
    const uint32_t taken = refuses ? prng_.below(count) : count;
    for (uint32_t index = 0; index < taken; ++index) take(views[index]);
    return taken;
  }

  void take(const MessageView& view) {
    ASSERT_GE(view.bytes, 4u);
    ASSERT_EQ(view.stream, 7);
    ASSERT_EQ(view.session, 9u);
    uint32_t index = 0;
    std::memcpy(&index, view.data, sizeof index);
    ASSERT_LT(index, sent_.size());
    ASSERT_EQ(view.bytes, sent_[index].size());
    ASSERT_EQ(std::memcmp(view.data, sent_[index].data(), view.bytes), 0) << "message " << index;
    ASSERT_EQ(delivered_[index], 0) << "message " << index << " again";
    delivered_[index] = 1;
    ++delivered_count_;
    const bool is_unordered =
        mode_ == StreamMode::kReliableUnordered || mode_ == StreamMode::kUnreliable;
    if (!is_unordered) {
      ASSERT_GE(index, next_index_) << "older than what came";
    }
    next_index_ = index + 1;
  }

  void judge() const {
    const StreamTxCounters& counters = tx_.counters();
    ASSERT_EQ(counters.messages, sent_.size());
    ASSERT_EQ(rx_.counters().messages, delivered_count_);
    ASSERT_EQ(tx_.unacked_bytes(), 0u);
    ASSERT_EQ(rx_.buffered_bytes(), 0u);
    ASSERT_EQ(rx_.counters().malformed, 0u);
    ASSERT_LE(delivered_count_, sent_.size());
    switch (mode_) {
      case StreamMode::kReliableOrdered:
      case StreamMode::kReliableUnordered:
        ASSERT_EQ(counters.abandoned, 0u);
        ASSERT_EQ(delivered_count_, sent_.size());
        return;
      case StreamMode::kLatest:
        if (!sent_.empty()) {
          ASSERT_EQ(delivered_.back(), 1) << "the last value did not come";
        }
        return;
      case StreamMode::kUnreliable:
        return;  // At most once, and the bytes as they were: take() has seen to that.
      case StreamMode::kDeadline:
        ASSERT_GE(delivered_count_ + counters.abandoned, sent_.size()) << "more lost than given up";
        return;
    }
  }

  Prng prng_;
  StreamMode mode_;
  StreamOptions options_;
  uint32_t bytes_cap_ = 0;
  uint32_t window_bytes_ = 0;
  StreamTx tx_;
  StreamRx rx_;
  uint32_t one_lost_in_ = 0;
  uint32_t one_refused_in_ = 0;
  uint64_t now_ns_ = 1;
  std::vector<Packet> in_flight_;
  std::vector<std::vector<uint8_t>> sent_;
  std::vector<uint8_t> delivered_;
  size_t delivered_count_ = 0;
  uint32_t next_index_ = 0;
};

class StreamModelTest : public ::testing::TestWithParam<StreamMode> {};

TEST_P(StreamModelTest, KeepsItsPromiseWhateverTheChannelDoes) {
  for (uint64_t seed = 1; seed <= kSeedsPerMode; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    StreamModel(seed, GetParam()).run();
    ASSERT_FALSE(HasFailure());
  }
}

std::string name_of_mode(const ::testing::TestParamInfo<StreamMode>& info) {
  static const char* const names[] = {"Ordered", "Unordered", "Latest", "Deadline", "Unreliable"};
  return names[static_cast<uint32_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(EveryMode, StreamModelTest,
                         ::testing::Values(StreamMode::kReliableOrdered,
                                           StreamMode::kReliableUnordered, StreamMode::kLatest,
                                           StreamMode::kDeadline, StreamMode::kUnreliable),
                         name_of_mode);

}  // namespace
}  // namespace hyperroute::raptor
