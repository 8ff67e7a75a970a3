// Round trips, paced: a message leaves every interval, whether or not the last is back.
// Thread: main.
#include <memory>
#include <vector>

#include "bench/native/raptor/probe_client.h"

namespace hyperroute::probe {
namespace {

// How long the last answers may take.
constexpr uint64_t kAnswersPatienceNs = 10 * kNsPerSecond;

class Ping {
 public:
  explicit Ping(const ProbeOptions& options) : options_(options), client_(options) {
    message_.resize(options.message_bytes);
  }

  int run() {
    client_.connect();
    due_ns_ = client_.now_ns();
    while (!is_over()) {
      client_.poll();
      if (may_send()) send();
      client_.flush();
      if (client_.now_ns() >= client_.next_progress_ns()) {
        client_.tell_progress(client_.answered(), client_.answered() * options_.message_bytes);
      }
      if (!may_send()) client_.idle(next_ns());
    }
    client_.await_report();
    JsonObject members;
    members.add("tool", std::string_view("ping"))
        .add("messageBytes", uint64_t{options_.message_bytes})
        .add("intervalNs", options_.interval_ns)
        .add("sent", sent_)
        .add("received", client_.answered());
    client_.tell_done(members);
    return 0;
  }

 private:
  [[nodiscard]] bool is_over() const {
    if (is_stop_asked()) return true;
    if (sent_ < options_.count) return false;
    if (client_.answered() >= sent_) return true;
    if (client_.now_ns() < due_ns_ + kAnswersPatienceNs) return false;
    client_.fail_silent("answered", kAnswersPatienceNs);
  }

  [[nodiscard]] bool may_send() const {
    if (sent_ >= options_.count) return false;
    // Without an interval the next one leaves when the last is back.
    if (options_.interval_ns == 0) return client_.answered() >= sent_;
    return monotonic_ns() >= due_ns_;
  }

  // Timed from its offer, right before it leaves.
  void send() {
    const uint64_t now_ns = monotonic_ns();
    write_head(message_.data(), {.kind = MessageKind::kEcho, .number = sent_, .time_ns = now_ns});
    if (!client_.offer(client_.control_stream(), message_)) return;
    ++sent_;
    // A sleep that was too long makes no burst.
    due_ns_ = std::max(due_ns_ + options_.interval_ns, now_ns);
  }

  [[nodiscard]] uint64_t next_ns() const {
    const bool has_next = options_.interval_ns > 0 && sent_ < options_.count;
    return has_next ? std::min(due_ns_, client_.next_progress_ns()) : client_.next_progress_ns();
  }

  const ProbeOptions& options_;
  ProbeClient client_;
  std::vector<uint8_t> message_;
  uint64_t sent_ = 0;
  uint64_t due_ns_ = 0;
};

}  // namespace

int run_ping(const ProbeOptions& options) { return std::make_unique<Ping>(options)->run(); }

}  // namespace hyperroute::probe
