// SentPackets and ReceivedPackets over a path that loses, delays, reorders and duplicates, in
// virtual time and from a seed: every copy of every item gets one verdict, and the right one.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "recovery_fixture.h"

namespace hyperroute::raptor {
namespace {

constexpr uint64_t kUs = 1'000;
constexpr uint64_t kMs = 1'000'000;

struct Path {
  uint32_t loss_percent = 0;
  uint32_t reorder_percent = 0;
  uint32_t duplicate_percent = 0;
  uint64_t delay_ns = 7 * kUs;
  uint64_t jitter_ns = kUs;
  uint64_t late_ns = 30 * kUs;  // What a reordered packet takes more.
};

// One way of data, ACKs the other way. A copy is what one packet carries of an item.
class Model {
 public:
  Model(uint64_t seed, const Path& path, uint32_t in_flight_max)
      : prng_(seed), path_(path), in_flight_max_(in_flight_max) {
    rtt_.set_peer_ack_delay_ns(ReceivedPackets::kAckDelayNs);
  }

  void stall_receiver(uint64_t from_ns, uint64_t until_ns) {
    stall_from_ns_ = from_ns;
    stall_until_ns_ = until_ns;
  }
  // Time between two offers of an item; 0: all at once.
  void pace(uint64_t interval_ns) { interval_ns_ = interval_ns; }
  // A new item only when the one before is acknowledged.
  void ping_pong() { in_flight_max_ = 1, is_ping_pong_ = true; }

  // Runs until all items are acknowledged; false when that is not so by `until_ns`.
  bool run(uint32_t items, uint64_t until_ns) {
    items_ = items;
    for (uint32_t item = 0; item < items; ++item) offered_ns_.push_back(item * interval_ns_);
    done_ns_.assign(items, 0);
    while (done_count_ < items || sent_->in_flight_packets() != 0) {
      send_all();
      const uint64_t next_ns = next_event_ns();
      if (next_ns == kNoDeadlineNs || next_ns > until_ns) return false;
      now_ns_ = std::max(now_ns_, next_ns);
      step();
      if (::testing::Test::HasFatalFailure()) return false;
    }
    return true;
  }

  // From offer to arrival of the item, in order of size.
  std::vector<uint64_t> arrival_delays() const {
    std::vector<uint64_t> delays;
    for (uint32_t item = 0; item < items_; ++item) {
      delays.push_back(arrived_ns_.at(item) - offered_ns_[item]);
    }
    std::sort(delays.begin(), delays.end());
    return delays;
  }
  uint64_t packets_sent() const { return number_; }
  uint64_t acks_sent() const { return ack_number_; }
  const SentCounters& counters() const { return sent_->counters(); }
  void expect_every_verdict_once(uint64_t seed) const {
    for (const auto& [copy, verdicts] : verdicts_) {
      EXPECT_EQ(verdicts, 1u) << "copy " << copy << " seed " << seed;
    }
    EXPECT_EQ(verdicts_.size(), copies_.size()) << "seed " << seed;
  }

 private:
  struct InFlight {
    bool is_ack;
    uint64_t number;
    uint64_t copy;
    bool is_eliciting;
    AckContents contents;
  };

  static void acked(void* context, const SentItem& item) {
    static_cast<Model*>(context)->on_acked(item.position);
  }
  static void lost(void* context, const SentItem& item) {
    static_cast<Model*>(context)->on_lost(item.position);
  }
  SentHandler handler() { return {this, acked, lost}; }

  void on_acked(uint64_t copy) {
    ++verdicts_[copy];
    ASSERT_TRUE(arrived_copies_[copy]) << "acknowledged before it came: copy " << copy;
    finish(copies_[copy]);
  }
  void on_lost(uint64_t copy) {
    ++verdicts_[copy];
    if (done_ns_[copies_[copy]] == 0) resend_.push_back(copies_[copy]);
  }
  void finish(uint32_t item) {
    if (done_ns_[item] != 0) return;
    done_ns_[item] = std::max<uint64_t>(now_ns_, 1);
    ++done_count_;
    if (!is_ping_pong_ || item + 1 == items_) return;
    offered_ns_[item + 1] = now_ns_;
  }

  bool has_item() const {
    if (!resend_.empty()) return true;
    if (next_item_ == items_ || offered_ns_[next_item_] > now_ns_) return false;
    return !is_ping_pong_ || next_item_ == done_count_;
  }
  void send_all() {
    while (has_item() && !sent_->full() && sent_->in_flight_packets() < in_flight_max_) send();
    if (!must_probe_) return;
    if (has_item() && !sent_->full()) {
      send();
    } else {
      sent_->record(number_, now_ns_, 50, true, {});
      put({false, number_++, kNoCopy, true, {}});
    }
    must_probe_ = false;
  }
  void send() {
    must_probe_ = false;
    uint32_t item = 0;
    if (resend_.empty()) {
      item = next_item_++;
    } else {
      item = resend_.front();
      resend_.pop_front();
    }
    const uint64_t copy = copies_.size();
    copies_.push_back(item);
    arrived_copies_.push_back(false);
    const SentItem sent_item = stream_item(copy);
    sent_->record(number_, now_ns_, 100, true, {&sent_item, 1});
    put({false, number_++, copy, true, {}});
    if (prng_.one_in(10)) {
      sent_->record(number_, now_ns_, 40, false, {});
      put({false, number_++, kNoCopy, false, {}});
    }
  }
  void put(const InFlight& packet) {
    if (prng_.below(100) < path_.loss_percent) return;
    const uint32_t copies = prng_.below(100) < path_.duplicate_percent ? 2 : 1;
    for (uint32_t copy = 0; copy < copies; ++copy) {
      uint64_t at_ns =
          now_ns_ + path_.delay_ns + prng_.below(static_cast<uint32_t>(path_.jitter_ns));
      if (prng_.below(100) < path_.reorder_percent) {
        at_ns += prng_.below(static_cast<uint32_t>(path_.late_ns));
      } else if (path_.reorder_percent == 0) {
        at_ns = last_at_ns_[packet.is_ack] = std::max(at_ns, last_at_ns_[packet.is_ack]);
      }
      if (!packet.is_ack && at_ns >= stall_from_ns_ && at_ns < stall_until_ns_) {
        at_ns = stall_until_ns_;
      }
      wire_.emplace(at_ns, packet);
    }
  }

  uint64_t next_event_ns() const {
    uint64_t next_ns = std::min(
        {received_.ack_deadline_ns(), sent_->loss_deadline_ns(), sent_->probe_deadline_ns(rtt_)});
    if (!wire_.empty()) next_ns = std::min(next_ns, wire_.begin()->first);
    const bool may_offer = next_item_ < items_ && !is_ping_pong_ && !sent_->full() &&
                           sent_->in_flight_packets() < in_flight_max_;
    return may_offer ? std::min(next_ns, offered_ns_[next_item_]) : next_ns;
  }
  void step() {
    while (!wire_.empty() && wire_.begin()->first <= now_ns_) {
      const InFlight packet = wire_.begin()->second;
      wire_.erase(wire_.begin());
      packet.is_ack ? on_ack(packet.contents) : on_data(packet);
      if (received_.should_ack(now_ns_)) send_ack();
    }
    if (received_.should_ack(now_ns_)) send_ack();
    if (sent_->loss_deadline_ns() <= now_ns_) sent_->detect_lost(now_ns_, rtt_, handler());
    if (sent_->probe_deadline_ns(rtt_) <= now_ns_) {
      sent_->on_probe_timeout(now_ns_, handler());
      must_probe_ = true;
    }
  }
  void on_data(const InFlight& packet) {
    if (!received_.is_new(packet.number)) return;
    received_.add(packet.number, now_ns_, packet.is_eliciting);
    if (packet.copy == kNoCopy) return;
    arrived_copies_[packet.copy] = true;
    arrived_ns_.try_emplace(copies_[packet.copy], now_ns_);
  }
  void send_ack() {
    InFlight packet{true, ack_number_++, kNoCopy, false, {}};
    ASSERT_TRUE(received_.contents(now_ns_, kAckRangesMax, packet.contents));
    received_.on_ack_sent(packet.contents.range_count);
    put(packet);
  }
  void on_ack(const AckContents& contents) {
    AckOf ack(contents);
    const AckSummary summary = sent_->on_ack(ack.frame(), now_ns_, handler());
    ASSERT_EQ(summary.verdict, AckVerdict::kOk);
    if (summary.has_rtt) rtt_.on_sample(now_ns_, summary.rtt_ns, contents.delay_ns);
    sent_->detect_lost(now_ns_, rtt_, handler());
  }

  static constexpr uint64_t kNoCopy = UINT64_MAX;

  Prng prng_;
  Path path_;
  uint32_t in_flight_max_;
  bool is_ping_pong_ = false;
  uint64_t interval_ns_ = 0;
  uint64_t stall_from_ns_ = 0;
  uint64_t stall_until_ns_ = 0;
  uint64_t now_ns_ = 0;
  uint64_t last_at_ns_[2] = {};

  std::unique_ptr<SentPackets> sent_ = std::make_unique<SentPackets>();
  RttEstimator rtt_;
  ReceivedPackets received_;
  std::multimap<uint64_t, InFlight> wire_;
  bool must_probe_ = false;

  uint32_t items_ = 0;
  uint32_t next_item_ = 0;
  uint32_t done_count_ = 0;
  std::deque<uint32_t> resend_;
  std::vector<uint64_t> offered_ns_;
  std::vector<uint64_t> done_ns_;
  std::vector<uint32_t> copies_;  // The item of each copy.
  std::vector<bool> arrived_copies_;
  std::map<uint32_t, uint64_t> arrived_ns_;
  std::map<uint64_t, uint32_t> verdicts_;
  uint64_t number_ = 0;
  uint64_t ack_number_ = 0;
};

uint64_t percentile(const std::vector<uint64_t>& sorted, double percent) {
  return sorted[static_cast<size_t>(static_cast<double>(sorted.size() - 1) * percent / 100)];
}

TEST(RecoveryModel, EveryCopyGetsOneVerdictAndEveryItemIsAcknowledgedOverABadPath) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Prng prng(seed);
    Path path;
    path.loss_percent = prng.below(31);
    path.reorder_percent = prng.one_in(2) ? prng.below(21) : 0;
    path.duplicate_percent = prng.below(11);
    if (prng.one_in(3)) path.delay_ns = prng.between(1, 20) * kMs;
    path.jitter_ns = 1 + path.delay_ns / 4;
    path.late_ns = 1 + path.delay_ns * 3;
    Model model(seed, path, prng.one_in(2) ? SentPackets::kPacketsMax : prng.between(1, 64));
    ASSERT_TRUE(model.run(2'000, 3'600'000 * kMs)) << "seed " << seed;
    model.expect_every_verdict_once(seed);
  }
}

TEST(RecoveryModel, ACleanPathLosesNothingAndProbesNothing) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Model model(seed, Path{}, 64);
    ASSERT_TRUE(model.run(20'000, 10'000 * kMs)) << "seed " << seed;
    EXPECT_EQ(model.counters().lost_by_reorder, 0u) << "seed " << seed;
    EXPECT_EQ(model.counters().lost_by_probe, 0u) << "seed " << seed;
    EXPECT_LT(model.acks_sent(), 20'000u / 8) << "seed " << seed;
  }
}

TEST(RecoveryModel, APingPongAtOnePercentLossRepairsWithinHalfAMillisecond) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Path path;
    path.loss_percent = 1;
    Model model(seed, path, 1);
    model.ping_pong();
    ASSERT_TRUE(model.run(20'000, 100'000 * kMs)) << "seed " << seed;
    const std::vector<uint64_t> delays = model.arrival_delays();
    EXPECT_LT(percentile(delays, 50), 20 * kUs) << "seed " << seed;
    // The repair of every packet lost once.
    EXPECT_LT(percentile(delays, 99.2), 300 * kUs) << "seed " << seed;
    EXPECT_LT(percentile(delays, 99.9), 500 * kUs) << "seed " << seed;
  }
}

TEST(RecoveryModel, ALossInAStreamIsRepairedInARoundTripByTheNextPacket) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Path path;
    path.loss_percent = 1;
    Model model(seed, path, 512);
    model.pace(2 * kUs);
    ASSERT_TRUE(model.run(20'000, 100'000 * kMs)) << "seed " << seed;
    EXPECT_LT(percentile(model.arrival_delays(), 99.5), 100 * kUs) << "seed " << seed;
    EXPECT_LT(model.counters().lost_by_probe, 20u) << "seed " << seed;
  }
}

TEST(RecoveryModel, AReorderingPathTeachesPatience) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Path path;
    path.reorder_percent = 20;
    path.late_ns = 12 * kUs;
    Model model(seed, path, 128);
    model.pace(kUs);
    ASSERT_TRUE(model.run(20'000, 100'000 * kMs)) << "seed " << seed;
    EXPECT_LT(model.counters().spurious, 2'000u) << "seed " << seed;
  }
}

TEST(RecoveryModel, AReceiverThatStallsIsNotStormed) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Model model(seed, Path{}, SentPackets::kPacketsMax);
    model.pace(10 * kUs);
    model.stall_receiver(2 * kMs, 7 * kMs);
    ASSERT_TRUE(model.run(1'000, 100'000 * kMs)) << "seed " << seed;
    model.expect_every_verdict_once(seed);
    EXPECT_LE(model.counters().probe_timeouts, 8u) << "seed " << seed;
    EXPECT_LE(model.counters().lost_by_probe, 16u) << "seed " << seed;
    EXPECT_EQ(model.counters().lost_by_reorder, 0u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hyperroute::raptor
