// Counting and answering of one client.
#include "bench/native/raptor/probe_peer.h"

namespace hyperroute::probe {

bool Peer::take(uint64_t now_ns, uint16_t stream, std::span<const uint8_t> message) {
  Head head;
  if (!read_head(message, head)) {
    ++report_.malformed;
    return true;
  }
  switch (head.kind) {
    case MessageKind::kHello: {
      uint64_t host_id = 0;
      if (!read_hello(message, host_id)) {
        ++report_.malformed;
        return true;
      }
      begin(host_id);
      uint8_t hello[kHelloBytes];
      write_hello(hello, host_id_);
      return answers_.push(hello);
    }
    case MessageKind::kEcho:
      if (!answers_.push(message)) return false;
      count(now_ns, stream, head, message.size());
      return true;
    case MessageKind::kDataAsked:
      if (!answers_.push(message.first(kHeadBytes))) return false;
      count(now_ns, stream, head, message.size());
      return true;
    case MessageKind::kData:
      count(now_ns, stream, head, message.size());
      return true;
    case MessageKind::kReport:
      // One at a time: who asks again before the answer gets one.
      is_report_asked_ = true;
      report_asked_ = head;
      return true;
  }
  return true;
}

void Peer::begin(uint64_t host_id) {
  shares_clock_ = host_id == host_id_;
  first_ns_ = 0;
  report_ = Report{};
  tallies_ = {};
  one_way_.clear();
}

void Peer::count(uint64_t now_ns, uint16_t stream, const Head& head, uint64_t message_bytes) {
  StreamTally& tally = tallies_[stream % kTallyCount];
  if (tally.stream != stream) tally = {.stream = stream};
  if (head.number != tally.next_number) ++report_.out_of_order;
  tally.next_number = head.number + 1;
  if (report_.messages == 0) first_ns_ = now_ns;
  ++report_.messages;
  report_.bytes += message_bytes;
  report_.number_sum += head.number;
  report_.elapsed_ns = now_ns - first_ns_;
  if (shares_clock_) one_way_.record(now_ns > head.time_ns ? now_ns - head.time_ns : 0);
}

void Peer::open_stream(raptor::Session& session) {
  raptor::StreamOptions options;
  options.message_bytes_max = kMessageBytesMax;
  const Result<uint16_t> stream = session.open_stream(options);
  has_stream_ = stream.ok();
  if (stream.ok()) stream_ = stream.value();
}

bool Peer::answer(uint64_t now_ns, raptor::Session& session, uint64_t kernel_drops) {
  bool has_offered = false;
  if (!has_stream_) open_stream(session);
  if (!has_stream_) return false;
  while (!answers_.is_empty()) {
    if (session.offer(now_ns, stream_, answers_.front()) < 0) return has_offered;
    answers_.pop();
    has_offered = true;
  }
  if (is_report_asked_) {
    uint8_t bytes[kReportBytes];
    write_report(bytes, report_asked_, report(session, kernel_drops));
    if (session.offer(now_ns, stream_, bytes) < 0) return has_offered;
    is_report_asked_ = false;
    has_offered = true;
  }
  return has_offered;
}

Report Peer::report(const raptor::Session& session, uint64_t kernel_drops) const {
  Report report = report_;
  const LatencySummary one_way = one_way_.summary();
  report.one_way_count = one_way.count;
  report.one_way_min_ns = one_way.min_ns;
  report.one_way_p50_ns = one_way.p50_ns;
  report.one_way_p90_ns = one_way.p90_ns;
  report.one_way_p99_ns = one_way.p99_ns;
  report.one_way_p999_ns = one_way.p999_ns;
  report.one_way_max_ns = one_way.max_ns;
  const raptor::SessionCounters counters = session.counters();
  report.packets_received = counters.packets_received;
  report.bytes_received = counters.bytes_received;
  report.kernel_drops = kernel_drops;
  return report;
}

}  // namespace hyperroute::probe
