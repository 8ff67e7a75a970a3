// A sender that always has more, its window and pace, and a bottleneck with a queue, in virtual
// time. ACKs come back over a path of their own without a queue.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>

#include "base/prng.h"
#include "raptor/congestion.h"
#include "raptor/pacer.h"
#include "recovery_fixture.h"

namespace hyperroute::raptor {

struct Bottleneck {
  double bits_per_second = 0;
  uint64_t rtt_ns = 0;
  uint64_t queue_bytes_max = 0;
  uint32_t loss_percent = 0;
  uint32_t datagram_bytes = 1'200;
  uint32_t window_bytes_max = 1u << 20;
};

class BottleneckModel {
 public:
  BottleneckModel(uint64_t seed, const Bottleneck& link,
                  CongestionKind kind = CongestionKind::kDelay)
      : link_(link), prng_(seed), window_({kind, link.window_bytes_max, link.datagram_bytes}) {
    rtt_.set_peer_ack_delay_ns(ReceivedPackets::kAckDelayNs);
  }

  void set_loss_percent(uint32_t loss_percent) { link_.loss_percent = loss_percent; }

  // Runs until then and forgets what was measured before.
  void run(uint64_t until_ns) {
    delivered_bytes_ = dropped_ = queue_samples_ = queue_ns_sum_ = queue_ns_max_ = 0;
    const uint64_t from_ns = now_ns_;
    while (now_ns_ < until_ns) {
      send_all();
      now_ns_ = std::max(now_ns_, std::min(until_ns, next_event_ns()));
      step();
    }
    span_ns_ = until_ns - from_ns;
  }

  // What was received for the first time, of what the bottleneck could have carried.
  double utilisation() const {
    const double carried = link_.bits_per_second / 8 * static_cast<double>(span_ns_) / 1e9;
    return static_cast<double>(delivered_bytes_) / carried;
  }
  uint64_t queue_ns_mean() const { return queue_samples_ ? queue_ns_sum_ / queue_samples_ : 0; }
  uint64_t queue_ns_max() const { return queue_ns_max_; }
  uint64_t dropped() const { return dropped_; }
  const CongestionWindow& window() const { return window_; }
  const RttEstimator& rtt() const { return rtt_; }
  const SentCounters& counters() const { return sent_->counters(); }

 private:
  struct Packet {
    bool is_ack;
    uint64_t number;
    AckContents contents;
  };

  static SentHandler handler() {
    return {nullptr, [](void*, const SentItem&) {}, [](void*, const SentItem&) {}};
  }

  bool may_send() const {
    return !sent_->full() && window_.allows(sent_->in_flight_bytes(), link_.datagram_bytes);
  }
  void send_all() {
    while (may_send() && pacer_.allows(now_ns_, sent_->in_flight_bytes())) send();
  }
  void send() {
    sent_->record(number_, now_ns_, link_.datagram_bytes, true, {});
    pacer_.on_sent(now_ns_, link_.datagram_bytes);
    enqueue(number_++);
  }
  void enqueue(uint64_t number) {
    if (prng_.below(100) < link_.loss_percent) return;
    const uint64_t waits_ns = elapsed_ns(queue_free_ns_, now_ns_);
    const double queued_bytes = static_cast<double>(waits_ns) * link_.bits_per_second / 8e9;
    if (queued_bytes + link_.datagram_bytes > static_cast<double>(link_.queue_bytes_max)) {
      ++dropped_;
      return;
    }
    queue_ns_sum_ += waits_ns;
    queue_ns_max_ = std::max(queue_ns_max_, waits_ns);
    ++queue_samples_;
    const double service_ns = link_.datagram_bytes * 8e9 / link_.bits_per_second;
    queue_free_ns_ = std::max(queue_free_ns_, now_ns_) + static_cast<uint64_t>(service_ns);
    wire_.emplace(queue_free_ns_ + link_.rtt_ns / 2, Packet{false, number, {}});
  }

  uint64_t next_event_ns() const {
    uint64_t next_ns = std::min(
        {received_.ack_deadline_ns(), sent_->loss_deadline_ns(), sent_->probe_deadline_ns(rtt_)});
    if (!wire_.empty()) next_ns = std::min(next_ns, wire_.begin()->first);
    if (may_send()) next_ns = std::min(next_ns, pacer_.next_send_ns());
    return next_ns;
  }
  void step() {
    while (!wire_.empty() && wire_.begin()->first <= now_ns_) {
      const Packet packet = wire_.begin()->second;
      wire_.erase(wire_.begin());
      packet.is_ack ? on_ack(packet.contents) : on_data(packet.number);
      if (received_.should_ack(now_ns_)) send_ack();
    }
    if (received_.should_ack(now_ns_)) send_ack();
    if (sent_->loss_deadline_ns() <= now_ns_) {
      window_.on_loss(sent_->detect_lost(now_ns_, rtt_, handler()));
    }
    if (sent_->probe_deadline_ns(rtt_) > now_ns_) return;
    sent_->on_probe_timeout(now_ns_, handler());
    window_.on_probe_timeout(sent_->unanswered_probes());
    update_pace();
    send();
  }
  void on_data(uint64_t number) {
    if (!received_.is_new(number)) return;
    received_.add(number, now_ns_, true);
    delivered_bytes_ += link_.datagram_bytes;
  }
  void send_ack() {
    Packet packet{true, 0, {}};
    if (!received_.contents(now_ns_, kAckRangesMax, packet.contents)) return;
    received_.on_ack_sent(packet.contents.range_count);
    if (prng_.below(100) < link_.loss_percent) return;
    wire_.emplace(now_ns_ + link_.rtt_ns / 2, packet);
  }
  void on_ack(const AckContents& contents) {
    AckOf ack(contents);
    const AckSummary summary = sent_->on_ack(ack.frame(), now_ns_, handler());
    if (summary.has_rtt) rtt_.on_sample(now_ns_, summary.rtt_ns, contents.delay_ns);
    const LossSummary loss = sent_->detect_lost(now_ns_, rtt_, handler());
    window_.on_ack(now_ns_, summary, loss, rtt_, sent_->next_number());
    update_pace();
  }
  void update_pace() {
    pacer_.update(window_.window_bytes(), rtt_.srtt_ns(), window_.is_slow_start(),
                  link_.datagram_bytes);
  }

  Bottleneck link_;
  Prng prng_;
  std::unique_ptr<SentPackets> sent_ = std::make_unique<SentPackets>();
  RttEstimator rtt_;
  CongestionWindow window_;
  Pacer pacer_;
  ReceivedPackets received_;
  std::multimap<uint64_t, Packet> wire_;
  uint64_t now_ns_ = 0;
  uint64_t number_ = 0;
  uint64_t queue_free_ns_ = 0;

  uint64_t span_ns_ = 0;
  uint64_t delivered_bytes_ = 0;
  uint64_t dropped_ = 0;
  uint64_t queue_samples_ = 0;
  uint64_t queue_ns_sum_ = 0;
  uint64_t queue_ns_max_ = 0;
};

}  // namespace hyperroute::raptor
