// What time does to a session: losses, probes, silence; and what the fate of a packet does to
// what it carried.
//
// Owner: the endpoint's worker. Data path: the fates for every packet, the timers when they are
// due. The least deadline is found when it is asked for: that is once for many changes.
#include <algorithm>

#include "raptor/session.h"

namespace hyperroute::raptor {

void Session::on_item_acked(const SentItem& item) {
  switch (item.kind) {
    case SentItemKind::kMtuProbe:
      mtu_.on_probe_acked(now_ns_, item.bytes);
      return;
    case SentItemKind::kPing:
    case SentItemKind::kDrain:
    case SentItemKind::kWindow:
      return;
    case SentItemKind::kStream:
    case SentItemKind::kOpen:
    case SentItemKind::kSkip:
    case SentItemKind::kEnd:
      break;
  }
  TxStream* tx = tx_.find(item.stream);
  if (tx == nullptr) return;
  if (item.kind == SentItemKind::kStream) {
    const bool is_head_all = tx->stream.is_plain() && !tx->is_taken;
    tx->stream.on_run_acked(item.position, item.bytes);
    if (is_head_all) return;
  } else if (item.kind == SentItemKind::kSkip) {
    tx->stream.on_skip_acked(item.position);
  } else if (item.kind == SentItemKind::kEnd) {
    tx->stream.on_end_acked();
  } else {
    tx->is_open_acked = true;
    tx->is_open_due = false;
  }
  after_tx(tx_.slot_of(item.stream), *tx);
}

void Session::on_item_lost(const SentItem& item) {
  switch (item.kind) {
    case SentItemKind::kMtuProbe:
      mtu_.on_probe_lost(now_ns_, item.bytes);
      return;
    case SentItemKind::kPing:
      return;
    case SentItemKind::kDrain:
      is_drain_due_ = true;
      return;
    case SentItemKind::kWindow:
      on_window_lost(item);
      return;
    case SentItemKind::kStream:
    case SentItemKind::kOpen:
    case SentItemKind::kSkip:
    case SentItemKind::kEnd:
      break;
  }
  TxStream* tx = tx_.find(item.stream);
  if (tx == nullptr) return;
  const uint32_t slot = tx_.slot_of(item.stream);
  if (item.kind == SentItemKind::kStream) tx->stream.on_run_lost(item.position, item.bytes);
  if (item.kind == SentItemKind::kSkip) tx->stream.on_skip_lost(item.position);
  if (item.kind == SentItemKind::kEnd) tx->stream.on_end_lost();
  if (item.kind == SentItemKind::kOpen && !tx->is_open_acked) tx->is_open_due = true;
  if (item.kind == SentItemKind::kStream && tx->stream.has_run()) lost_.add(slot);
  after_tx(slot);
}

void Session::on_window_lost(const SentItem& item) {
  const uint32_t slot = rx_.slot_of(item.stream);
  const RxStream* rx = rx_.at(slot);
  // A later limit is on its way, or due, where it has moved since; and who opens the next stream
  // of the slot knows that the last was taken.
  const bool is_latest = rx != nullptr
                             ? rx->id == item.stream && rx->window_limit == item.position
                             : rx_.last_id(slot) == item.stream && item.position == kTakenWhole;
  if (is_latest) rx_control_.add(slot);
}

void Session::update_path() {
  const uint32_t datagram_bytes = mtu_.datagram_bytes();
  congestion_.set_datagram_bytes(datagram_bytes);
  pacer_.update(congestion_.window_bytes(), rtt_.srtt_ns(), congestion_.is_slow_start(),
                datagram_bytes);
}

void Session::check_liveness() {
  const uint64_t dead_ns = time_after(heard_ns_, liveness_ns_);
  if (now_ns_ < dead_ns) return;
  if (!had_grace_ && now_ns_ - dead_ns > kLateTimerNs) {
    had_grace_ = true;
    heard_ns_ = now_ns_ - liveness_ns_ / 2;
    return;
  }
  end_with(CloseReason::kPeerDead, false);
}

void Session::on_deadline(uint64_t now_ns) {
  enter(now_ns);
  if (state_ != SessionState::kClosed) {
    check_liveness();
    if (state_ != SessionState::kClosed) run_timers();
  }
  has_work_ = has_anything_due();
}

void Session::run_timers() {
  is_pacing_blocked_ = false;
  if (now_ns_ >= sent_.loss_deadline_ns()) {
    const LossSummary loss = sent_.detect_lost(now_ns_, rtt_, handler());
    congestion_.on_loss(loss);
    after_loss(loss, false);
  }
  if (now_ns_ >= sent_.probe_deadline_ns(rtt_)) {
    const LossSummary loss = sent_.on_probe_timeout(now_ns_, handler());
    congestion_.on_probe_timeout(sent_.unanswered_probes());
    after_loss(loss, true);
    update_path();
    must_probe_ = true;
    probe_packets_ = SentPackets::kProbePacketsMax;
  }
  if (now_ns_ >= expire_ns_) expire_messages();
  if (now_ns_ >= next_ping_ns_) {
    is_ping_due_ = true;
    next_ping_ns_ = time_after(now_ns_, ping_interval_ns_);
  }
}

void Session::expire_messages() {
  expire_ns_ = kNeverNs;
  for (uint32_t slot = 0; slot < tx_.count(); ++slot) {
    if (!expiring_.has(slot)) continue;
    StreamTx& stream = tx_.at(slot)->stream;
    stream.expire(now_ns_);
    expire_ns_ = std::min(expire_ns_, stream.next_deadline());
    after_tx(slot);
  }
}

uint64_t Session::next_deadline_ns() const {
  if (state_ == SessionState::kClosed) {
    return closes_left_ != 0 && !has_work_ ? next_close_ns_ : kNeverNs;
  }
  uint64_t first_ns = std::min(time_after(heard_ns_, liveness_ns_), next_ping_ns_);
  first_ns = std::min(first_ns, sent_.loss_deadline_ns());
  first_ns = std::min(first_ns, sent_.probe_deadline_ns(rtt_));
  first_ns = std::min(first_ns, expire_ns_);
  // What only asks for a packet: next_datagram() is due already where there is work, and a socket
  // that takes nothing now is no reason to come back at once.
  if (!has_work_) {
    first_ns = std::min(first_ns, received_.ack_deadline_ns());
    if (is_pacing_blocked_) first_ns = std::min(first_ns, pacer_.next_send_ns());
    // A probe of the path waits for window and pacer like everything else.
    const bool is_blocked = is_pacing_blocked_ || is_window_blocked_;
    if (!is_blocked) first_ns = std::min(first_ns, mtu_.deadline_ns());
  }
  return first_ns;
}

}  // namespace hyperroute::raptor
