// What must be true of a run once its network has healed: everything promised has arrived, quiet
// is quiet, and every session ends as it was asked to (world.h).
#include <algorithm>

#include "sim/allocations.h"
#include "sim/world.h"

namespace hyperroute::sim {
namespace {

// All that was offered arrives within this, or the session has ended by then. Far more than the
// slowest healed path needs; a session that makes no progress stays stuck for ever.
constexpr uint64_t kSettleNsMax = 30 * kSecondNs;
// After it a quiet session has nothing left to do but to show that it lives.
constexpr uint64_t kCalmDownNs = 500 * kMillisecondNs;
constexpr uint64_t kIdleNs = kSecondNs;
// PINGs and their ACKs of a quiet end in a liveness: four of its own, four of its peer's, and as
// many again for what crosses.
constexpr uint64_t kIdleDatagramsPerLiveness = 16;
// Beside them: probes for a larger datagram, a WINDOW.
constexpr uint64_t kIdleDatagramsExtra = 60;
// A path that lost half of what it was given would double the bytes sent; the rest is probes,
// retransmissions of what was not lost, and the headers of tiny messages.
constexpr uint64_t kEffortFactorMax = 8;
constexpr uint64_t kEffortBytesPerSecond = 400'000;
constexpr uint64_t kEndNsMax = 5 * kSecondNs;
// Half-open entries and unconfirmed handshakes are gone after it.
constexpr uint64_t kRestNs = 6 * kSecondNs;

}  // namespace

void World::heal() {
  if (!is_running()) return;
  stage_.run.trace.event(stage_.run.now_ns, "heals");
  forger_.stop();
  for (uint32_t at = 0; at < kHostsMax * kHostsMax; ++at) {
    Link& link = stage_.network.link(at / kHostsMax, at % kHostsMax);
    link.is_cut = link.is_in_burst = false;
    LinkFaults healed;
    healed.delay_ns = link.faults.delay_ns;
    healed.jitter_ns = link.faults.jitter_ns;
    // What the path is stays: its width and the longest datagram that it carries.
    healed.mtu_bytes = link.faults.mtu_bytes;
    healed.bytes_per_second = link.faults.bytes_per_second;
    healed.queue_ns_max = link.faults.queue_ns_max;
    link.faults = healed;
  }
  stage_.phase = Phase::kSettling;
  disturbances_done_ = stage_.scenario.disturbances.size();
  const std::vector<Task> tasks = std::move(tasks_);
  tasks_.clear();
  for (const Task& task : tasks) {
    if (task.kind == Task::Kind::kRestart) run_task(task);
  }
  tasks_.clear();
  for (const Task& task : tasks) {
    if (task.kind == Task::Kind::kDrain) tasks_.push_back(task);
  }
  for (const auto& host : hosts_) host->wake_application();
}

// Empty: all is settled; else what is not.
std::string World::unsettled() const {
  char text[700] = "";
  for (const auto& host : hosts_) {
    if (host->is_up() && host->has_attempts()) return "a handshake is under way";
    if (!host->is_up()) continue;
    for (SessionEnd* end : host->open_ends()) {
      const auto peer = stage_.ends.find(end->remote_id);
      if (peer == stage_.ends.end() || peer->second->is_over || end->has_closed ||
          end->has_drained || peer->second->has_drained) {
        std::snprintf(text, sizeof text,
                      "session %" PRIx64 " has not ended (closed %d, drained %d)", end->local_id,
                      end->has_closed, end->has_drained);
        return text;
      }
      raptor::Session* session = host->session_of(*end);
      for (const Flow& flow : end->flows) {
        const DeliveryCheck& check = flow.transfer->check;
        const bool is_finished =
            !flow.is_ended || session == nullptr || session->is_stream_finished(flow.stream);
        // Of modes that promise nothing, too: what is still to be sent is sent before silence.
        const bool is_sent = session == nullptr || session->unacked_bytes(flow.stream) == 0;
        if (check.is_complete() && is_finished && is_sent) continue;
        std::snprintf(text, sizeof text,
                      "session %" PRIx64 " stream %" PRIx64
                      " (id %u, mode %u): delivered %u of %u,"
                      " ended %d, finished %d; %s",
                      end->local_id, flow.plan.options.label, flow.stream,
                      static_cast<unsigned>(flow.plan.options.mode), check.delivered(),
                      check.offered(), flow.is_ended, is_finished, host->describe(*end).c_str());
        return text;
      }
    }
  }
  return text;
}

bool World::is_settled() const { return unsettled().empty(); }

void World::check_settled() {
  // Asked now and then: it looks at every stream.
  const uint64_t end_ns = stage_.run.now_ns + kSettleNsMax;
  while (is_running() && stage_.run.now_ns < end_ns) {
    run_until(std::min(end_ns, stage_.run.now_ns + 10 * kMillisecondNs), [] { return false; });
    if (is_running() && is_settled()) return;
  }
  if (is_running()) {
    stage_.run.fail("the network has healed for %" PRIu64 " s, and %s", kSettleNsMax / kSecondNs,
                    unsettled().c_str());
  }
}

void World::check_idle() {
  stage_.phase = Phase::kIdle;
  run_until(stage_.run.now_ns + kCalmDownNs, [] { return false; });
  for (const auto& host : hosts_) host->mark_idle();
  run_until(stage_.run.now_ns + kIdleNs, [] { return false; });
  if (!is_running()) return;
  for (uint32_t index = 0; index < hosts_.size(); ++index) {
    uint64_t limit = 0;
    for (const SessionEnd* end : hosts_[index]->open_ends()) {
      const auto liveness_ns = [this](uint32_t host) {
        return stage_.scenario.hosts[host].options.liveness_us * kMicrosecondNs;
      };
      const uint64_t least_ns = std::min(liveness_ns(end->host), liveness_ns(end->peer_host));
      limit += kIdleDatagramsPerLiveness * (kIdleNs / least_ns + 1) + kIdleDatagramsExtra;
    }
    const uint64_t sent = hosts_[index]->datagrams_idle_since();
    stage_.run.trace.event(stage_.run.now_ns, "idle", index, sent, limit);
    if (sent > limit) {
      stage_.run.fail("host %u sent %" PRIu64 " datagrams in an idle second, %" PRIu64 " at most",
                      index, sent, limit);
    }
  }
}

// What a session sent stands in proportion to what it was given.
void World::check_effort() {
  if (!is_running()) return;
  for (const auto& [id, end] : stage_.ends) {
    uint64_t offered_bytes = 0;
    for (const Flow& flow : end->flows) offered_bytes += flow.transfer->offered_bytes;
    const SessionEnd* peer = stage_.end_of(end->remote_id);
    uint64_t received_bytes = 0;  // for which it sends ACKs
    if (peer != nullptr) received_bytes = peer->counters.bytes_sent;
    const uint64_t lived_ns = stage_.run.now_ns - kSecondNs;
    const uint64_t limit_bytes =
        kEffortFactorMax * offered_bytes + received_bytes +
        kEffortBytesPerSecond * (lived_ns / kMillisecondNs + 1'000) / 1'000;
    stage_.run.trace.event(stage_.run.now_ns, "effort", offered_bytes, end->counters.bytes_sent,
                           limit_bytes);
    const uint64_t wasted =
        stage_.fault == Fault::kWaste ? 1'000 * end->counters.bytes_sent : end->counters.bytes_sent;
    if (wasted > limit_bytes) {
      stage_.run.fail("session %" PRIx64 " sent %" PRIu64 " bytes for %" PRIu64
                      " offered in %" PRIu64 " ms; %s; its peer %s",
                      id, end->counters.bytes_sent, offered_bytes, lived_ns / kMillisecondNs,
                      hosts_[end->host]->describe(*end).c_str(),
                      peer ? hosts_[peer->host]->describe(*peer).c_str() : "none");
    }
  }
}

// Both ends drain, one a little later, or one closes.
void World::end_pair(SessionEnd& end) {
  Host& host = *hosts_[end.host];
  if (stage_.random.one_in(2)) return host.close(end);
  host.drain(end);
  tasks_.push_back({stage_.run.now_ns + stage_.random.below(5'000'000), Task::Kind::kDrain,
                    end.peer_host, 0, end.remote_id});
}

void World::finish() {
  if (!is_running()) return;
  stage_.phase = Phase::kClosing;
  std::vector<SessionEnd*> last;
  for (const auto& host : hosts_) {
    for (SessionEnd* end : host->open_ends()) last.push_back(end);
  }
  for (SessionEnd* end : last) {
    const SessionEnd* peer = stage_.end_of(end->remote_id);
    if (end->is_over || end->has_drained || peer == nullptr || peer->has_closed) continue;
    if (!end->is_initiator && !stage_.random.one_in(4)) continue;
    if (!peer->has_drained) end_pair(*end);
  }
  for (SessionEnd* end : last) {
    const SessionEnd* peer = stage_.end_of(end->remote_id);
    const bool is_asked = end->has_closed || end->has_drained || end->is_over ||
                          (peer != nullptr && (peer->has_closed || peer->has_drained));
    if (!is_asked) end_pair(*end);
  }
  const auto all_over = [&last] {
    return std::all_of(last.begin(), last.end(),
                       [](const SessionEnd* end) { return end->is_over; });
  };
  run_until(stage_.run.now_ns + kEndNsMax, all_over);
  for (const SessionEnd* end : last) {
    if (!is_running()) return;
    if (!end->is_over) {
      stage_.run.fail("session %" PRIx64 " of host %u did not end (closed %d, drained %d)",
                      end->local_id, end->host, end->has_closed, end->has_drained);
    } else if (end->reason == raptor::CloseReason::kPeerDead) {
      stage_.run.fail("session %" PRIx64 " of host %u took its peer for dead, which said good-bye",
                      end->local_id, end->host);
    }
  }
  run_until(stage_.run.now_ns + kRestNs, [] { return false; });
  for (const auto& host : hosts_) host->watch_end();
  for (const auto& host : hosts_) {
    if (host->is_up() && is_running()) host->kill();
  }
}

}  // namespace hyperroute::sim
