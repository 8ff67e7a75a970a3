// Throughput: messages on one or more streams, as fast as they are taken or at a rate.
// Thread: main.
#include <memory>
#include <vector>

#include "bench/native/raptor/probe_client.h"

namespace hyperroute::probe {
namespace {

// Offers in a row, so that what arrives is not left waiting.
constexpr uint32_t kBurstCountMax = 256;
// One message in so much time asks for an answer: a round trip under load.
constexpr uint64_t kAskIntervalNs = 100'000;
// How long what was offered may go without an acknowledgement at the end.
constexpr uint64_t kDrainPatienceNs = 10 * kNsPerSecond;

class Perf {
 public:
  explicit Perf(const ProbeOptions& options) : options_(options), client_(options) {
    message_.resize(options.message_bytes);
  }

  int run() {
    client_.connect();
    open_streams();
    begin_ns_ = client_.now_ns();
    const uint64_t end_ns = begin_ns_ + options_.duration_ns;
    while (client_.now_ns() < end_ns && !is_stop_asked()) {
      client_.poll();
      const bool may_go_on = offer_some(end_ns);
      client_.flush();
      tell_progress();
      if (!may_go_on) client_.idle(std::min(next_ns(), end_ns));
    }
    drain();
    client_.await_report();
    return tell_done();
  }

 private:
  struct DataStream {
    uint16_t id = 0;
    uint64_t next_number = 0;
  };

  void open_streams() {
    raptor::StreamOptions stream;
    stream.mode = options_.mode;
    stream.deadline_us = options_.deadline_us;
    stream.message_bytes_max = kMessageBytesMax;
    stream.priority = 1;  // Behind the questions.
    for (uint32_t count = 0; count < options_.stream_count; ++count) {
      streams_.push_back({.id = client_.open_stream(stream)});
    }
  }

  // Message n is meant to leave so long after the first.
  [[nodiscard]] uint64_t due_ns(uint64_t number) const {
    __extension__ using Wide = unsigned __int128;
    return begin_ns_ + static_cast<uint64_t>(Wide{number} * kNsPerSecond / options_.rate);
  }

  // In turn over the streams; one that is full is passed over. False: nothing more to offer now.
  bool offer_some(uint64_t end_ns) {
    uint32_t full_count = 0;
    for (uint32_t count = 0; count < kBurstCountMax; ++count) {
      const uint64_t now_ns = monotonic_ns();
      if (now_ns >= end_ns) return false;
      const uint64_t time_ns = options_.rate == 0 ? now_ns : due_ns(sent_);
      if (time_ns > now_ns) return false;
      while (!offer_to(streams_[next_stream_], time_ns, now_ns)) {
        next_stream_ = (next_stream_ + 1) % options_.stream_count;
        if (++full_count >= options_.stream_count) return false;
      }
      next_stream_ = (next_stream_ + 1) % options_.stream_count;
    }
    return true;
  }

  bool offer_to(DataStream& stream, uint64_t time_ns, uint64_t now_ns) {
    const bool is_asking = now_ns >= next_ask_ns_;
    const MessageKind kind = is_asking ? MessageKind::kDataAsked : MessageKind::kData;
    write_head(message_.data(), {.kind = kind, .number = stream.next_number, .time_ns = time_ns});
    if (!client_.offer(stream.id, message_)) return false;
    if (is_asking) next_ask_ns_ = now_ns + kAskIntervalNs;
    number_sum_ += stream.next_number++;
    ++sent_;
    return true;
  }

  [[nodiscard]] uint64_t next_ns() const {
    const uint64_t next_ns = options_.rate == 0 ? UINT64_MAX : due_ns(sent_);
    return std::min(next_ns, client_.next_progress_ns());
  }

  // Once a second the listener is asked; its answer is what is shown.
  void tell_progress() {
    if (is_report_due_ && client_.has_report()) {
      is_report_due_ = false;
      client_.tell_progress(client_.report().messages, client_.report().bytes);
    }
    if (is_report_due_ || client_.now_ns() < client_.next_progress_ns()) return;
    is_report_due_ = client_.ask_report();
  }

  [[nodiscard]] uint64_t unacked_bytes() const {
    uint64_t bytes = 0;
    for (const DataStream& stream : streams_) bytes += client_.unacked_bytes(stream.id);
    return bytes;
  }

  void drain() {
    uint64_t left_bytes = unacked_bytes();
    uint64_t moved_ns = client_.now_ns();
    while (left_bytes > 0) {
      client_.poll();
      client_.flush();
      const uint64_t now_bytes = unacked_bytes();
      if (now_bytes != left_bytes) moved_ns = client_.now_ns();
      left_bytes = now_bytes;
      if (client_.now_ns() - moved_ns > kDrainPatienceNs) {
        client_.fail_silent("acknowledged what was sent", kDrainPatienceNs);
      }
      if (left_bytes > 0) client_.idle(client_.now_ns() + kPatienceNs);
    }
  }

  // Exit code 1 where a reliable mode did not keep its promise.
  int tell_done() {
    const Report& report = client_.report();
    const bool is_ordered = options_.mode == raptor::StreamMode::kReliableOrdered;
    const bool is_reliable = is_ordered || options_.mode == raptor::StreamMode::kReliableUnordered;
    const bool is_whole = report.messages == sent_ && report.number_sum == number_sum_ &&
                          (!is_ordered || report.out_of_order == 0);
    const double seconds = static_cast<double>(report.elapsed_ns) / kNsPerSecond;
    const double per_second = seconds > 0 ? 1 / seconds : 0;
    JsonObject members;
    members.add("tool", std::string_view("perf"))
        .add("messageBytes", uint64_t{options_.message_bytes})
        .add("streams", uint64_t{options_.stream_count})
        .add("rate", options_.rate)
        .add("sent", sent_)
        .add("received", report.messages)
        .add_flag("complete", is_whole)
        .add("messagesPerSecond", static_cast<double>(report.messages) * per_second)
        .add("bytesPerSecond", static_cast<double>(report.bytes) * per_second);
    client_.tell_done(members);
    return is_reliable && !is_whole ? 1 : 0;
  }

  const ProbeOptions& options_;
  ProbeClient client_;
  std::vector<uint8_t> message_;
  std::vector<DataStream> streams_;
  uint32_t next_stream_ = 0;
  uint64_t begin_ns_ = 0;
  uint64_t next_ask_ns_ = 0;
  uint64_t sent_ = 0;
  uint64_t number_sum_ = 0;
  bool is_report_due_ = false;
};

}  // namespace

int run_perf(const ProbeOptions& options) { return std::make_unique<Perf>(options)->run(); }

}  // namespace hyperroute::probe
