// What happens seldom in a session: it begins, streams begin and end, it ends.
// Owner: the endpoint's worker. Not on the data path; may allocate.
#include "raptor/session.h"

#include <algorithm>
#include <utility>

namespace hyperroute::raptor {

namespace {

constexpr uint64_t kNsPerUs = 1'000;

CongestionOptions congestion_options(const SessionOptions& options) {
  CongestionOptions congestion;
  congestion.datagram_bytes = kDatagramBytesMin;
  congestion.window_bytes_max = options.remote.in_flight_bytes_max;
  if (!options.uses_static_window) return congestion;
  congestion.kind = CongestionKind::kStatic;
  if (options.static_window_bytes != 0) {
    congestion.window_bytes_max =
        std::min(congestion.window_bytes_max, options.static_window_bytes);
  }
  return congestion;
}

// After how long a silence `end` takes its peer for dead.
uint64_t liveness_ns(const Parameters& end, const Parameters& other) {
  const uint64_t said_ns = std::max(end.liveness_us * kNsPerUs, kLivenessNsMin);
  const bool is_inline = ((end.flags | other.flags) & kParameterInline) != 0;
  const uint64_t promised_ns = is_inline ? std::max(said_ns, kInlineLivenessNs) : said_ns;
  return promised_ns - promised_ns / kLivenessSlackDivisor;
}

// How long an end is silent before it sends a PING. The end of the higher id waits a quarter
// longer: the ACK of the other's PING then spares it its own.
uint64_t ping_interval_ns(const Parameters& local, const Parameters& remote) {
  const uint64_t interval_ns = liveness_ns(remote, local) / kPingDivisor;
  return local.session > remote.session ? interval_ns + interval_ns / 4 : interval_ns;
}

}  // namespace

Session::Session(uint64_t now_ns, const SessionOptions& options, Protection protection)
    : now_ns_(now_ns),
      heard_ns_(now_ns),
      ping_interval_ns_(ping_interval_ns(options.local, options.remote)),
      remote_session_(options.remote.session),
      tx_(options.remote.streams_max),
      rx_(options.local.streams_max),
      liveness_ns_(liveness_ns(options.local, options.remote)),
      mtu_(std::min(options.local.datagram_bytes_max, options.remote.datagram_bytes_max)),
      congestion_(congestion_options(options)),
      protection_(std::move(protection)),
      local_(options.local),
      remote_(options.remote),
      session_ref_(options.session_ref) {
  received_.set_ack_delay_ns(local_.ack_delay_us_max * kNsPerUs);
  rtt_.set_peer_ack_delay_ns(remote_.ack_delay_us_max * kNsPerUs);
  if (options.handshake_rtt_ns != 0) rtt_.on_sample(now_ns, options.handshake_rtt_ns, 0);
  next_ping_ns_ = time_after(now_ns, ping_interval_ns_);
  is_ping_due_ = options.sends_first;
  has_work_ = true;
  update_path();
}

Result<std::unique_ptr<Session>> Session::create(uint64_t now_ns, const SessionOptions& options) {
  auto protection = Protection::create(options.keys);
  if (!protection.ok()) return protection.status();
  // Default initialisation leaves the pages of the large tables untouched.
  return std::unique_ptr<Session>(new Session(now_ns, options, protection.take()));
}

Result<uint16_t> Session::open_stream(const StreamOptions& options) {
  if (state_ != SessionState::kOpen) {
    return Status::error(StatusCode::kState, "open a stream: the session is draining or closed");
  }
  if (options.message_bytes_max > remote_.message_bytes_max) {
    return Status::error(StatusCode::kConfig,
                         "open a stream: messages of %u bytes, the peer takes %u at most",
                         options.message_bytes_max, remote_.message_bytes_max);
  }
  const uint32_t slot = tx_.free_slot();
  if (slot >= tx_.count()) {
    if (tx_.live_count() < tx_.count()) {
      return Status::error(StatusCode::kLimit, "open a stream: every id of the session was used");
    }
    return Status::error(StatusCode::kLimit, "open a stream: all %u that the peer takes are open",
                         tx_.count());
  }
  auto stream = StreamTx::create(options);
  if (!stream.ok()) return stream.status();
  stream.value().on_window(remote_.stream_window_bytes);
  const uint16_t id = tx_.next_id(slot);
  tx_.put(std::make_unique<TxStream>(TxStream{.id = id, .stream = stream.take()}));
  expiring_.put(slot, options.mode == StreamMode::kDeadline);
  after_tx(slot);
  has_work_ = true;
  return id;
}

Session::Step Session::accept_stream(const OpenFrame& frame) {
  if (rx_.count() == 0) return Step::kBroken;
  if (rx_.find(frame.stream) != nullptr || rx_.has_ended(frame.stream)) return Step::kTaken;
  StreamOptions options;
  options.mode = static_cast<StreamMode>(frame.mode);
  options.priority = frame.priority;
  options.message_bytes_max = frame.message_bytes_max;
  options.deadline_us = frame.deadline_us;
  options.label = frame.label;
  const bool is_too_large = frame.message_bytes_max > local_.message_bytes_max;
  if (options.invalid() != nullptr || is_too_large) return Step::kBroken;
  // The peer was not told that the stream before it in the slot was taken.
  if (rx_.at(rx_.slot_of(frame.stream)) != nullptr) return Step::kBroken;
  auto stream = StreamRx::create(options, local_.stream_window_bytes, frame.stream, session_ref_);
  if (!stream.ok()) return Step::kNoRoom;
  rx_control_.remove(rx_.slot_of(frame.stream));
  rx_.put(std::make_unique<RxStream>(RxStream{.id = frame.stream, .stream = stream.take()}));
  after_rx(rx_.slot_of(frame.stream));
  return Step::kTaken;
}

void Session::release_tx(uint32_t slot) {
  const StreamTxCounters& counted = tx_.at(slot)->stream.counters();
  ended_.messages_sent += counted.messages;
  ended_.back_pressure += counted.back_pressure;
  ended_.abandoned += counted.abandoned;
  const uint8_t priority = tx_.at(slot)->stream.options().priority;
  ready_[priority].remove(slot);
  if (!ready_[priority].any()) ready_priorities_ &= static_cast<uint8_t>(~(1u << priority));
  lost_.remove(slot);
  tx_control_.remove(slot);
  expiring_.remove(slot);
  tx_.release(slot);
  check_drained();
}

void Session::release_rx(uint32_t slot) {
  const StreamRxCounters& counted = rx_.at(slot)->stream.counters();
  ended_.messages_received += counted.messages;
  ended_.refused += counted.refused;
  refused_.remove(slot);
  rx_.release(slot);
  rx_control_.add(slot);
  has_work_ = true;
  check_drained();
}

void Session::end_stream(uint16_t stream) {
  TxStream* tx = tx_.find(stream);
  if (tx == nullptr || state_ == SessionState::kClosed) return;
  tx->stream.end();
  after_tx(tx_.slot_of(stream));
}

bool Session::is_stream_finished(uint16_t stream) const { return tx_.has_ended(stream); }

uint64_t Session::unacked_bytes(uint16_t stream) const {
  const TxStream* tx = tx_.find(stream);
  return tx == nullptr ? 0 : tx->stream.unacked_bytes();
}

uint64_t Session::unsent_bytes(uint16_t stream) const {
  const TxStream* tx = tx_.find(stream);
  return tx == nullptr ? 0 : tx->stream.unsent_bytes();
}

uint64_t Session::unacked_messages(uint16_t stream) const {
  const TxStream* tx = tx_.find(stream);
  return tx == nullptr ? 0 : tx->stream.unacked_messages();
}

uint64_t Session::unacked_messages() const {
  uint64_t message_count = 0;
  for (uint32_t slot = 0; slot < tx_.count(); ++slot) {
    if (const TxStream* tx = tx_.at(slot)) message_count += tx->stream.unacked_messages();
  }
  return message_count;
}

const StreamOptions* Session::remote_stream(uint16_t stream) const {
  const RxStream* rx = rx_.find(stream);
  return rx == nullptr ? nullptr : &rx->stream.options();
}

void Session::drain(uint64_t now_ns) {
  if (state_ != SessionState::kOpen) return;
  enter(now_ns);
  state_ = SessionState::kDraining;
  for (uint32_t slot = 0; slot < tx_.count(); ++slot) {
    if (tx_.at(slot) == nullptr) continue;
    tx_.at(slot)->stream.end();
    after_tx(slot);
  }
  check_drained();
}

void Session::close(uint64_t now_ns, CloseReason reason) {
  if (state_ == SessionState::kClosed) return;
  enter(now_ns);
  end_with(reason, true);
}

void Session::end_with(CloseReason reason, bool tells_peer) {
  if (state_ == SessionState::kClosed) return;
  state_ = SessionState::kClosed;
  close_reason_ = reason;
  closes_left_ = tells_peer ? kCloseTries : 0;
  next_close_ns_ = now_ns_;
  has_work_ = tells_peer;
}

void Session::set_handshake_rtt(uint64_t now_ns, uint64_t rtt_ns) {
  enter(now_ns);
  rtt_.on_sample(now_ns_, rtt_ns, 0);
  update_path();
}

void Session::on_too_large(uint64_t now_ns, uint32_t bytes) {
  enter(now_ns);
  mtu_.on_too_large(now_ns_, bytes);
  update_path();
}

SessionCounters Session::counters() const {
  SessionCounters counted = counters_;
  counted.rtt_ns = rtt_.has_sample() ? rtt_.srtt_ns() : 0;
  counted.rtt_min_ns = rtt_.has_sample() ? rtt_.min_ns() : 0;
  counted.cwnd_bytes = congestion_.window_bytes();
  counted.in_flight_bytes = sent_.in_flight_bytes();
  counted.mtu_bytes = mtu_.datagram_bytes();
  counted.mtu_black_holes = mtu_.black_holes();
  counted.lost_by_reorder = sent_.counters().lost_by_reorder;
  counted.lost_by_probe = sent_.counters().lost_by_probe;
  counted.spurious = sent_.counters().spurious;
  counted.cuts_undone = congestion_.cuts_undone();
  counted.reorder_depth_max = received_.reorder_depth_max();
  counted.messages_sent = ended_.messages_sent;
  counted.messages_received = ended_.messages_received;
  counted.back_pressure += ended_.back_pressure;
  counted.refused = ended_.refused;
  counted.abandoned = ended_.abandoned;
  for (uint32_t slot = 0; slot < tx_.count(); ++slot) {
    if (tx_.at(slot) == nullptr) continue;
    const StreamTxCounters& stream = tx_.at(slot)->stream.counters();
    counted.messages_sent += stream.messages;
    counted.back_pressure += stream.back_pressure;
    counted.abandoned += stream.abandoned;
  }
  for (uint32_t slot = 0; slot < rx_.count(); ++slot) {
    if (rx_.at(slot) == nullptr) continue;
    counted.messages_received += rx_.at(slot)->stream.counters().messages;
    counted.refused += rx_.at(slot)->stream.counters().refused;
  }
  return counted;
}

}  // namespace hyperroute::raptor
