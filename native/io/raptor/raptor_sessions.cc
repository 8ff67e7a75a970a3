// Sessions of a raptor endpoint: coming, going, made again; and what is done without messages.
// Worker; a session costs some allocations, a message none.
#include <sys/mman.h>

#include <algorithm>

#include "base/clock.h"
#include "io/raptor/raptor.h"

namespace hyperroute {
namespace {

// A peer that used more of its queues than this gives their pages back when it goes.
constexpr uint32_t kKeptPageBytes = 64 * 1024;
constexpr uint64_t kSocketCheckIntervalNs = 50'000'000;

void release_pages(uint8_t* memory, uint32_t region_bytes, uint32_t used_bytes) {
  // Only saves memory: a failure changes nothing that anyone relies on.
  if (used_bytes > kKeptPageBytes) {
    static_cast<void>(::madvise(memory, region_bytes, MADV_DONTNEED));
  }
}

void remove_from(uint16_t* list, uint32_t& count, uint16_t index) {
  count = static_cast<uint32_t>(std::remove(list, list + count, index) - list);
}

// Words of the sessions' table: peers by the index in the low half of a reference.
uint16_t* word_of(const MemoryRegion& memory, raptor::SessionRef session) {
  return reinterpret_cast<uint16_t*>(memory.data()) + (session.value & 0xFFFF);
}

}  // namespace

RaptorPeer* RaptorBackend::peer_of(raptor::SessionRef session) noexcept {
  const uint16_t word = *word_of(peer_of_session_memory_, session);
  if (word == 0) return nullptr;
  RaptorPeer& peer = peer_states_[word - 1];
  return peer.session == session ? &peer : nullptr;
}

raptor::Session* RaptorBackend::session_of(const RaptorPeer& peer) const noexcept {
  return peer.state == RaptorPeerState::kOpen ? socket_.endpoint().session(peer.session) : nullptr;
}

void RaptorBackend::take_events() noexcept {
  raptor::SessionEvent event;
  while (socket_.endpoint().next_event(event)) on_event(event);
}

void RaptorBackend::on_event(const raptor::SessionEvent& event) noexcept {
  const bool is_attempt = is_attempting_ && event.session == attempt_;
  if (event.kind == raptor::SessionEventKind::kEstablished) {
    if (is_attempt) is_attempting_ = false;
    if (adopt(event.session)) return;
    count(counters_.connections_refused);
    if (raptor::Session* session = socket_.endpoint().session(event.session); session != nullptr) {
      session->close(now_ns_, raptor::CloseReason::kLocalLimit);
      socket_.endpoint().touch(event.session);
    }
    if (is_attempt) connect_failed();
    return;
  }
  if (is_attempt) {
    is_attempting_ = false;
    if (event.reason == raptor::CloseReason::kRefused) count(counters_.connections_refused);
    set_link(RaptorLinkState::kConnecting, event.reason, event.refusal);
    return connect_failed();
  }
  if (RaptorPeer* peer = peer_of(event.session); peer != nullptr) lose(*peer, event.reason);
}

// Makes an established session a peer. False: it cannot be one.
bool RaptorBackend::adopt(raptor::SessionRef ref) noexcept {
  raptor::Session* session = socket_.endpoint().session(ref);
  if (session == nullptr) return false;
  raptor::StreamOptions stream_options = options_.stream;
  // A peer that takes smaller messages only gets those; larger ones are refused one by one.
  stream_options.message_bytes_max =
      std::min(options_.message_bytes_max, session->remote_message_bytes_max());
  Result<uint16_t> stream = session->open_stream(stream_options);
  PeerRef taken;
  if (!stream.ok() || !peers_.take(taken)) return false;
  RaptorPeer& peer = peer_states_[taken.index];
  peer.peer = taken;
  peer.session = ref;
  peer.stream = stream.value();
  peer.state = RaptorPeerState::kOpen;
  peer.next_sequence = 1;
  peer.opened_ns = realtime_ns();
  peer.row_index = kNoSessionRow;
  *word_of(peer_of_session_memory_, ref) = static_cast<uint16_t>(taken.index + 1);
  // A message may have come with the packet that completed the handshake, before there was a peer.
  note_refused(peer);
  ++open_count_;
  static_cast<void>(list_session(peer));
  count(counters_.connections_opened);
  set_gauge();
  socket_.endpoint().touch(ref);
  if (options_.mode == RaptorMode::kConnect) {
    connected_index_ = taken.index;
    reconnect_delay_.connected(now_ns_);
    tx_blocked_ = false;
    set_link(RaptorLinkState::kConnected, raptor::CloseReason::kNone,
             raptor::HandshakeStatus::kAccepted);
    // R2 release: publishes the session; pairs with R1 in is_live().
    is_connected_.store(true, std::memory_order_release);
  }
  return true;
}

// The session has ended. Messages that it had received whole are still handed out; of those that
// it was given, what the peer did not acknowledge is undeliverable.
void RaptorBackend::lose(RaptorPeer& peer, raptor::CloseReason reason) noexcept {
  HR_DASSERT(peer.state == RaptorPeerState::kOpen);
  spill_staged(&peer);
  unlist_session(peer);
  uint64_t lost_count = discard_backlog(peer);
  if (raptor::Session* session = socket_.endpoint().session(peer.session); session != nullptr) {
    const Reading reading = std::exchange(reading_, Reading::kRemainder);
    if (!is_stopped_ || peer.allowance_bytes > 0) static_cast<void>(session->poll(sink()));
    reading_ = reading;
    lost_count += session->unacked_messages(peer.stream);
  }
  count(counters_.undeliverable, lost_count);
  if (peer.is_backlogged) {
    remove_from(backlogged_.get(), backlogged_count_, peer.peer.index);
    peer.is_backlogged = false;
  }
  if (peer.has_refused) {
    remove_from(refused_.get(), refused_count_, peer.peer.index);
    peer.has_refused = false;
  }
  *word_of(peer_of_session_memory_, peer.session) = 0;
  peers_.retire(peer.peer.index);
  --open_count_;
  count(counters_.connections_closed);
  if (reason == raptor::CloseReason::kProtocolError) count(counters_.connections_cut);
  set_gauge();
  peer.state = RaptorPeerState::kEnded;
  // Frames that wait for room in its backlog have a verdict now.
  tx_blocked_ = false;
  if (peer.peer.index == connected_index_) {
    set_link(RaptorLinkState::kConnecting, reason, raptor::HandshakeStatus::kAccepted);
    connected_lost();
  }
  if (!peer.is_queued) free_peer(peer);
}

void RaptorBackend::free_peer(RaptorPeer& peer) noexcept {
  HR_DASSERT(peer.state == RaptorPeerState::kEnded && peer.received.empty());
  const uint32_t index = peer.peer.index;
  release_pages(queue_memory_.data() + size_t{index} * queue_stride_bytes_, queue_stride_bytes_,
                peer.received.take_peak_bytes());
  if (options_.mode == RaptorMode::kListen) {
    release_pages(backlog_memory_.data() + size_t{index} * backlog_stride_bytes_,
                  backlog_stride_bytes_, peer.backlog.take_peak_bytes());
  }
  peer.state = RaptorPeerState::kFree;
  peer.session = raptor::SessionRef{};
  peer.is_held = false;
  peer.allowance_bytes = 0;
  peers_.free(peer.peer.index);
}

void RaptorBackend::set_link(RaptorLinkState state, raptor::CloseReason reason,
                             raptor::HandshakeStatus refusal) noexcept {
  const uint32_t word = static_cast<uint32_t>(state) | (static_cast<uint32_t>(reason) & 0xFF) << 8 |
                        (static_cast<uint32_t>(refusal) & 0xFFFF) << 16;
  // Relaxed: for people to read; nothing depends on it.
  link_.store(word, std::memory_order_relaxed);
}

void RaptorBackend::start_connect() noexcept {
  const auto attempt = socket_.connect(now_ns_, options_.address, options_.server_key);
  if (!attempt.ok()) {
    count(counters_.io_errors);
    return connect_failed();
  }
  attempt_ = attempt.value();
  is_attempting_ = true;
}

void RaptorBackend::connect_failed() noexcept {
  count(counters_.connect_failures);
  schedule_connect();
}

void RaptorBackend::schedule_connect() noexcept {
  connect_deadline_ns_ =
      reconnect_delay_.next_attempt_ns(now_ns_, options_.reconnect_max_ns, jitter_);
}

// The session of kConnect is gone: its numbers end, and the next attempt is due.
void RaptorBackend::connected_lost() noexcept {
  connected_index_ = kNoPeer;
  // R3 release: pairs with R1 in is_live(), like every store of this flag.
  is_connected_.store(false, std::memory_order_release);
  // Where no message carries a number, the waiting ones are as good for the next session. The
  // verdict of outdated ones is known; the engine only has to offer them again.
  tx_blocked_ = !default_numbers_.end(default_numbers_.is_any_taken());
  reconnect_delay_.lost(now_ns_, options_.reconnect_min_ns, options_.reconnect_max_ns);
  schedule_connect();
}

// The router has not asked for messages for a while, so that the sessions keep them; everything
// else of the protocol goes on.
void RaptorBackend::serve_unread() noexcept {
  spill_staged(nullptr);
  reading_ = Reading::kNothing;
  pump(SIZE_MAX);
  reading_ = Reading::kAll;
}

uint64_t RaptorBackend::progress(uint64_t now_ns) noexcept {
  now_ns_ = std::max(now_ns_, now_ns);
  if (!is_read_from()) {
    serve_unread();
  } else {
    run_timers();
    if (backlogged_count_ > 0) flush_backlogs();
    if (has_more_to_send_ || socket_.is_blocked() || socket_.endpoint().has_transmit()) transmit();
  }
  if (now_ns_ >= drops_check_ns_) count_socket();
  const bool may_connect = options_.mode == RaptorMode::kConnect && !is_attempting_ &&
                           connected_index_ == kNoPeer && socket_.is_open();
  if (may_connect && now_ns_ >= connect_deadline_ns_) {
    start_connect();
    transmit();
  }
  const uint64_t show_ns = show_sessions();
  if (has_more_to_send_) return now_ns_;
  uint64_t deadline_ns = std::min(socket_.next_deadline_ns(), show_ns);
  // Where nobody gets a session, the last refusal is shown, too; else signs of life see to that.
  if (open_count_ == 0 && socket_.counters().rx_datagrams != datagrams_counted_) {
    deadline_ns = std::min(deadline_ns, drops_check_ns_);
  }
  if (may_connect && !is_attempting_) deadline_ns = std::min(deadline_ns, connect_deadline_ns_);
  return deadline_ns;
}

// What the socket and the endpoint count of themselves, as counters of the endpoint.
void RaptorBackend::count_socket() noexcept {
  drops_check_ns_ = now_ns_ + kSocketCheckIntervalNs;
  socket_.count_kernel_drops();
  const RaptorSocketCounters& socket = socket_.counters();
  count(counters_.kernel_drops, socket.kernel_drops - drops_counted_);
  drops_counted_ = socket.kernel_drops;
  count(counters_.io_errors, socket.io_errors - errors_counted_);
  errors_counted_ = socket.io_errors;
  count(counters_.rx_truncated, socket.rx_cut - cut_counted_);
  cut_counted_ = socket.rx_cut;
  datagrams_counted_ = socket.rx_datagrams;
  count_attempts();
}

// The counters outlive this backend, whose own begin with 0.
void RaptorBackend::count_attempts() noexcept {
  const AttemptCounts now = attempt_counts(socket_.endpoint().counters(), socket_.key_log_lost());
#define HR_COUNT_ATTEMPTS(field, js_name) \
  count(counters_.attempts.field, now.field.value - attempts_counted_.field.value);
  HR_ATTEMPT_COUNTERS(HR_COUNT_ATTEMPTS)
#undef HR_COUNT_ATTEMPTS
  attempts_counted_ = now;
}

}  // namespace hyperroute
