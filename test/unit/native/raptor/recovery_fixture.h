// What the tests of recovery share: ACK frames from ranges of numbers, and a note of each verdict.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "raptor/received_packets.h"
#include "raptor/rtt.h"
#include "raptor/sent_packets.h"

namespace hyperroute::raptor {

// An ACK frame and the bytes it points to.
class AckOf {
 public:
  // Pairs of first and last number, newest first.
  AckOf(std::initializer_list<std::pair<uint64_t, uint64_t>> ranges) {
    frame_.largest = ranges.begin()->second;
    uint64_t below = frame_.largest + 1;
    for (const auto& [first, last] : ranges) {
      push(static_cast<uint32_t>(below - last - 1), static_cast<uint32_t>(last - first + 1));
      below = first;
    }
  }
  explicit AckOf(const AckContents& contents) {
    frame_.largest = contents.largest;
    frame_.delay_ns = contents.delay_ns;
    for (const AckRange& range : contents.span()) push(range.gap, range.run);
  }
  // Raw ranges, for frames that no decoder lets pass.
  AckOf(uint64_t largest, std::initializer_list<AckRange> ranges) {
    frame_.largest = largest;
    for (const AckRange& range : ranges) push(range.gap, range.run);
  }

  const AckFrame& frame() {
    frame_.ranges = bytes_.data();
    frame_.range_count = static_cast<uint32_t>(bytes_.size() / kAckRangeBytes);
    return frame_;
  }

 private:
  void push(uint32_t gap, uint32_t run) {
    const AckRange range{gap, run};
    const size_t offset = bytes_.size();
    bytes_.resize(offset + kAckRangeBytes);
    std::memcpy(bytes_.data() + offset, &range, kAckRangeBytes);
  }

  std::vector<uint8_t> bytes_;
  AckFrame frame_;
};

// Notes the positions of items acknowledged and lost, in the order of the calls.
struct Verdicts {
  std::vector<uint64_t> acked;
  std::vector<uint64_t> lost;

  SentHandler handler() {
    return {this,
            [](void* context, const SentItem& item) {
              static_cast<Verdicts*>(context)->acked.push_back(item.position);
            },
            [](void* context, const SentItem& item) {
              static_cast<Verdicts*>(context)->lost.push_back(item.position);
            }};
  }
};

inline SentItem stream_item(uint64_t position, uint32_t bytes = 8) {
  return {SentItemKind::kStream, 0, 1, bytes, position};
}

// A sender whose packet `number` carries one item at position `number`.
struct Sender {
  std::unique_ptr<SentPackets> sent = std::make_unique<SentPackets>();
  RttEstimator rtt;
  Verdicts verdicts;

  void send(uint64_t number, uint64_t now_ns, uint32_t bytes = 100) {
    const SentItem item = stream_item(number);
    sent->record(number, now_ns, bytes, true, {&item, 1});
  }
  void send_silent(uint64_t number, uint64_t now_ns) {
    sent->record(number, now_ns, 50, false, {});
  }
  AckSummary ack(AckOf ack, uint64_t now_ns) {
    const AckSummary summary = sent->on_ack(ack.frame(), now_ns, verdicts.handler());
    if (summary.has_rtt) rtt.on_sample(now_ns, summary.rtt_ns, ack.frame().delay_ns);
    return summary;
  }
  LossSummary detect(uint64_t now_ns) { return sent->detect_lost(now_ns, rtt, verdicts.handler()); }
  LossSummary probe(uint64_t now_ns) { return sent->on_probe_timeout(now_ns, verdicts.handler()); }
  uint64_t probe_deadline() const { return sent->probe_deadline_ns(rtt); }
};

}  // namespace hyperroute::raptor
