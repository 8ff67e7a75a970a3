// How a host's sessions begin and end, and whether they may (host.h).
#include <algorithm>

#include "sim/allocations.h"
#include "sim/host.h"

namespace hyperroute::sim {
namespace {

// A deadline that has come is told within this, by the clock of the host.
constexpr uint64_t kSlackNs = 100 * kMicrosecondNs;
// Silence that lasts less than this share of the liveness is no death.
constexpr uint64_t kDeathShareMin = 2;
// A session that is open says something to its peer at least this often, as a share of the
// liveness: so that three in a row may be lost.
constexpr uint64_t kHeartbeatShare = 3;
// An ended session stays until it has told its peer three times.
constexpr uint64_t kGoodbyeNs = 500 * kMillisecondNs;
// What a host may allocate beyond its tables, for each session, attempt or half-open entry, and
// for each stream.
constexpr int64_t kSessionBytesMax = 224 * 1024;
constexpr int64_t kHalfOpenBytesMax = 4 * 1024;
constexpr int64_t kStreamBytesMax = 4 * 1024;

}  // namespace

raptor::Session* Host::session_of(const SessionEnd& end) {
  if (!is_up() || end.is_over || end.incarnation != incarnation_) return nullptr;
  return endpoint_->session(end.ref);
}

std::vector<SessionEnd*> Host::open_ends() {
  std::vector<SessionEnd*> open;
  for (const auto& [ref, end] : ends_) open.push_back(end);
  return open;
}

void Host::connect(uint32_t peer) {
  if (!is_up() || is_stopping_) return;
  const OwnerScope scope(index_ + 1);
  const auto ref = endpoint_->connect(clock_ns(), address_of(peer), host_key_pair(peer).public_key);
  const OwnerScope own(0);
  if (!ref.ok()) {
    stage_.run.fail("host %u cannot connect: %s", index_, ref.status().context);
    return;
  }
  stage_.run.trace.event(stage_.run.now_ns, "connects", index_, peer);
  const uint64_t timeout_ns = stage_.scenario.hosts[index_].options.connect_timeout_ns;
  attempts_[ref.value().value] = {peer, clock_ns(), clock_ns() + timeout_ns,
                                  clock_ns() + timeout_ns};
  pump();
}

SessionEnd* Host::adopt(raptor::SessionRef ref, bool is_initiator) {
  if (const auto found = ends_.find(ref.value); found != ends_.end()) return found->second;
  raptor::Session* session = endpoint_->session(ref);
  if (session == nullptr) {
    stage_.run.fail("host %u: a session that was established is not there", index_);
    return nullptr;
  }
  auto made = std::make_unique<SessionEnd>();
  SessionEnd& end = *made;
  end.host = index_;
  end.peer_host = number_of(*endpoint_->path_of(ref));
  end.incarnation = incarnation_;
  end.ref = ref;
  end.local_id = session->local_session_id();
  end.remote_id = session->remote_session_id();
  end.is_initiator = is_initiator;
  end.established_ns = end.heard_ns = end.sent_ns = clock_ns();
  const raptor::EndpointOptions& own = stage_.scenario.hosts[index_].options;
  const raptor::EndpointOptions& other =
      stage_.scenario.hosts[std::min(end.peer_host, stage_.last_host())].options;
  const auto liveness_ns = [&](uint32_t liveness_us) {
    const bool is_inline = own.is_inline || other.is_inline;
    return (is_inline ? std::max(liveness_us, raptor::kInlineLivenessUs) : liveness_us) *
           kMicrosecondNs;
  };
  end.liveness_ns = liveness_ns(own.liveness_us);
  end.peer_liveness_ns = liveness_ns(other.liveness_us);
  end.reader = draw_reader(random_);
  end.read_ns = end.open_ns = stage_.run.now_ns;
  end.flows_to_open = random_.below(stage_.scenario.flows_max + 1);
  stage_.run.trace.event(stage_.run.now_ns, "established", end.local_id, end.remote_id, index_);
  if (!stage_.ends.try_emplace(end.local_id, std::move(made)).second) {
    stage_.run.fail("host %u: session id %" PRIx64 " was used before", index_, end.local_id);
    return nullptr;
  }
  ++stage_.coverage.sessions;
  ends_[ref.value] = &end;
  by_remote_[end.remote_id] = &end;
  application_due_ns_ = stage_.run.now_ns;
  return &end;
}

void Host::on_established(const raptor::SessionEvent& event) {
  attempts_.erase(event.session.value);
  SessionEnd* end = adopt(event.session, event.is_initiator);
  if (end == nullptr) return;
  const uint32_t peer = end->peer_host;
  const auto& hosts = stage_.scenario.hosts;
  if (peer >= hosts.size()) {
    return stage_.run.fail("host %u has a session with a forger's address", index_);
  }
  const uint32_t initiator = event.is_initiator ? index_ : peer;
  if (!hosts[initiator].is_allowed) {
    return stage_.run.fail("host %u, whose key is on no allow-list, has a session", initiator);
  }
  if (!stage_.scenario.is_insecure &&
      *endpoint_->peer_key_of(event.session) != host_key_pair(peer).public_key) {
    return stage_.run.fail("host %u has a session with a key that is not host %u's", index_, peer);
  }
  if (event.is_initiator) return;
  // The first authentic packet made it, so its sender is established.
  const SessionEnd* other = stage_.end_of(end->remote_id);
  if (other == nullptr || other->host != peer || other->remote_id != end->local_id) {
    stage_.run.fail("host %u has a session with nobody", index_);
  }
}

void Host::on_ended(const raptor::SessionEvent& event) {
  const auto found = ends_.find(event.session.value);
  if (found == ends_.end()) return on_attempt_ended(event);
  const bool is_dead = event.reason == raptor::CloseReason::kPeerDead;
  if (is_dead && stage_.fault == Fault::kHideDeath) return;
  SessionEnd& end = *found->second;
  if (raptor::Session* session = endpoint_->session(event.session); session != nullptr) {
    end.counters = session->counters();
    stage_.coverage.add(end.counters);
    // The last chance to read: whatever the reader is like, it takes all.
    end.reader.kind = ReaderKind::kEager;
    const OwnerScope scope(index_ + 1);
    session->poll(sink());
  }
  const auto reason = static_cast<uint64_t>(event.reason);
  stage_.run.trace.event(stage_.run.now_ns, "ended", end.local_id, end.remote_id, reason);
  if (const char* wrong = check_reason(end, event.reason); wrong != nullptr) {
    stage_.run.fail("session %" PRIx64 " of host %u with host %u ended with reason %" PRIu64
                    " after %" PRId64 " ns of silence (liveness %" PRIu64 "): %s",
                    end.local_id, index_, end.peer_host, reason,
                    static_cast<int64_t>(clock_ns() - end.heard_ns), end.liveness_ns, wrong);
  }
  stage_.coverage.add(event.reason);
  end.is_over = true;
  end.over_ns = stage_.run.now_ns;
  end.reason = event.reason;
  if (event.reason == raptor::CloseReason::kReplaced) replaced_.push_back(&end);
  by_remote_.erase(end.remote_id);
  ends_.erase(found);
  // As an application would: whoever connected connects again.
  if (is_dead && end.is_initiator && !is_settled()) connect(end.peer_host);
}

bool Host::was_replaced(const SessionEnd& end) const {
  for (const auto& [id, other] : stage_.ends) {
    if (other->host == index_ && other->peer_host == end.peer_host &&
        other->local_id != end.local_id && other->established_ns >= end.established_ns) {
      return true;
    }
  }
  return false;
}

const char* Host::check_reason(const SessionEnd& end, raptor::CloseReason reason) {
  const SessionEnd* peer = stage_.end_of(end.remote_id);
  const uint64_t silence_ns = stage_.fault == Fault::kFalseDeath ? 0 : clock_ns() - end.heard_ns;
  switch (reason) {
    case raptor::CloseReason::kClosed:
      return end.has_closed ? nullptr : "nobody closed it";
    case raptor::CloseReason::kPeerClosed:
      return peer != nullptr && (peer->has_closed || peer->is_over || peer->has_drained)
                 ? nullptr
                 : "the peer did not close it";
    case raptor::CloseReason::kPeerDead:
      if (silence_ns < end.liveness_ns / kDeathShareMin) return "the peer was heard just before";
      return stage_.is_calm && stage_.fault == Fault::kNone ? "nothing disturbed it" : nullptr;
    case raptor::CloseReason::kReplaced:
      return nullptr;  // The session in its place is told of after it: watch() looks for it.
    case raptor::CloseReason::kDrained:
      return end.has_drained || (peer != nullptr && peer->has_drained) ? nullptr
                                                                       : "nobody drained it";
    default:
      return "two correct ends give no cause for that";
  }
}

void Host::on_attempt_ended(const raptor::SessionEvent& event) {
  const auto found = attempts_.find(event.session.value);
  if (found == attempts_.end()) {
    return stage_.run.fail("host %u: the end of a session that it did not have", index_);
  }
  stage_.coverage.add(event.reason);
  const Attempt attempt = found->second;
  attempts_.erase(found);
  const auto reason = static_cast<uint64_t>(event.reason);
  stage_.run.trace.event(stage_.run.now_ns, "attempt ended", index_, attempt.peer, reason);
  const bool is_allowed = stage_.scenario.hosts[index_].is_allowed;
  if (event.reason == raptor::CloseReason::kRefused) {
    const bool was_stopping = event.refusal == raptor::HandshakeStatus::kShuttingDown &&
                              stage_.scenario.may_stop(attempt.peer);
    if (is_allowed && !was_stopping) {
      stage_.run.fail("host %u was refused with status %u", index_,
                      static_cast<unsigned>(event.refusal));
    }
    return;
  }
  if (is_stopping_ && event.reason == raptor::CloseReason::kClosed) return;
  if (event.reason != raptor::CloseReason::kHandshakeTimeout) {
    return stage_.run.fail("host %u: an attempt ended with reason %" PRIu64, index_, reason);
  }
  if (stage_.is_calm && is_allowed) {
    stage_.run.fail("host %u: an attempt got no answer, and nothing disturbed it", index_);
  }
  if (clock_ns() + kSlackNs < attempt.due_ns) {
    stage_.run.fail("host %u: an attempt was given up before its time", index_);
  }
  if (!is_settled()) connect(attempt.peer);
}

// A session whose peer has drained and gone has nothing to say to anybody: it is there until its
// reader has read what came.
bool Host::waits_for_reader(const SessionEnd& end) const {
  const auto peer = stage_.ends.find(end.remote_id);
  return !is_settled() && end.has_drained && peer != stage_.ends.end() && peer->second->is_over &&
         peer->second->reason == raptor::CloseReason::kDrained;
}

void Host::watch() {
  if (!is_up() || stage_.run.failed) return;
  const uint64_t now_ns = clock_ns();
  for (const auto& [ref, end] : ends_) {
    if (waits_for_reader(*end)) continue;
    const uint64_t heard_ns = std::max(end->heard_ns, end->jumped_ns);
    const uint64_t late_ns = stage_.fault == Fault::kLateDeath ? end->liveness_ns / 2 : 0;
    if (now_ns + late_ns > heard_ns + end->liveness_ns + kSlackNs) {
      stage_.run.fail("session %" PRIx64
                      " of host %u did not tell of its peer's death after "
                      "%" PRIu64 " ns of silence",
                      end->local_id, index_, now_ns - heard_ns);
    }
    raptor::Session* session = session_of(*end);
    if (session == nullptr) {
      return stage_.run.fail("session %" PRIx64 " is gone without an event", end->local_id);
    }
    if (session->state() == raptor::SessionState::kClosed) continue;
    // One that hears nothing itself may have its books full of what nobody acknowledges.
    const uint64_t least_ns = std::min(end->liveness_ns, end->peer_liveness_ns);
    if (now_ns > heard_ns + least_ns / 2) continue;
    if (now_ns > end->sent_ns + end->peer_liveness_ns / kHeartbeatShare + kSlackNs) {
      stage_.run.fail("session %" PRIx64 " of host %u sent nothing for %" PRIu64 " ns",
                      end->local_id, index_, now_ns - end->sent_ns);
    }
  }
  for (const SessionEnd* end : replaced_) {
    if (!was_replaced(*end)) {
      stage_.run.fail("session %" PRIx64 " of host %u was replaced by none", end->local_id, index_);
    }
  }
  replaced_.clear();
  for (const auto& [ref, attempt] : attempts_) {
    if (now_ns > attempt.due_ns_max + kSlackNs) {
      stage_.run.fail("host %u: an attempt outlives its time", index_);
    }
  }
  auto sessions = static_cast<int64_t>(ends_.size() + attempts_.size());
  for (const auto& [id, end] : stage_.ends) {
    const bool says_goodbye = end->is_over && stage_.run.now_ns < end->over_ns + kGoodbyeNs;
    if (end->host == index_ && says_goodbye) ++sessions;
  }
  int64_t streams = 0;
  for (const auto& [ref, end] : ends_) {
    const SessionEnd* peer = stage_.end_of(end->remote_id);
    streams += static_cast<int64_t>(end->flows.size() + (peer ? peer->flows.size() : 0));
  }
  const int64_t limit_bytes = (sessions + 2) * kSessionBytesMax + streams * kStreamBytesMax +
                              static_cast<int64_t>(counters().half_open) * kHalfOpenBytesMax;
  const int64_t hoarded = stage_.fault == Fault::kHoard ? int64_t{16} << 20 : 0;
  const int64_t used_bytes = allocated_by(index_ + 1).bytes - baseline_bytes_ + hoarded;
  if (used_bytes > limit_bytes) {
    stage_.run.fail("host %u holds %" PRId64 " bytes for %" PRId64
                    " sessions and attempts, %" PRId64 " streams, %" PRIu64 " half open; %" PRId64
                    " at most",
                    index_, used_bytes, sessions, streams, counters().half_open, limit_bytes);
  }
}

void Host::watch_end() {
  if (!is_up() || stage_.run.failed) return;
  if (!ends_.empty()) stage_.run.fail("host %u: a session did not end", index_);
  if (counters().sessions_open != 0 || counters().half_open != 0) {
    stage_.run.fail("host %u counts %" PRIu64 " sessions and %" PRIu64 " half open that are none",
                    index_, counters().sessions_open, counters().half_open);
  }
  if (endpoint_->has_transmit() || endpoint_->next_deadline_ns() != raptor::kNeverNs) {
    stage_.run.fail("host %u is not at rest without a session", index_);
  }
}

}  // namespace hyperroute::sim
