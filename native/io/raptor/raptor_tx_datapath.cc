// Sending: from the destination's queue into the session's ring, one copy; what the protocol lets
// out leaves at the end of the burst, many datagrams a call. Worker.
#include <algorithm>

#include "base/clock.h"
#include "include/hyperroute/codes.h"
#include "io/raptor/raptor.h"

namespace hyperroute {
namespace {

constexpr int64_t code_of(OfferCode code) { return static_cast<int64_t>(code); }

}  // namespace

uint32_t RaptorBackend::tx_burst(std::span<TxFrame> frames) noexcept {
  if (frames.empty()) return 0;
  tx_blocked_ = false;
  has_news_ = true;
  default_numbers_.begin_burst(frames[0].producer);
  // Not the cycle's: round trips are measured from here.
  now_ns_ = std::max(now_ns_, monotonic_ns());
  uint32_t final_count = 0;
  raptor::SessionRef offered;
  for (; final_count < frames.size(); ++final_count) {
    TxFrame& frame = frames[final_count];
    RaptorPeer* peer = peer_for(frame);
    if (peer == nullptr) {
      if (frame.verdict == TxVerdict::kPending) break;
      finished(frame.peer.index, frame.producer, frame.bytes);
      continue;
    }
    // Once for each run of messages to one peer.
    if (offered.value != 0 && offered != peer->session) socket_.endpoint().touch(offered);
    offered = peer->session;
    if (!send_frame(*peer, frame)) break;
  }
  if (offered.value != 0) socket_.endpoint().touch(offered);
  if (final_count < frames.size()) block(frames.subspan(final_count));
  transmit();
  return final_count;
}

void RaptorBackend::transmit() noexcept {
  has_more_to_send_ = socket_.transmit(now_ns_, offered_bytes_);
  offered_bytes_ = 0;
}

// Remembers who waits with a number already taken from the present session.
void RaptorBackend::block(std::span<TxFrame> rest) noexcept {
  tx_blocked_ = true;
  for (TxFrame& frame : rest) {
    frame.verdict = TxVerdict::kPending;
    if (frame.peer == kDefaultPeer && connected_index_ != kNoPeer) {
      default_numbers_.keep(frame.producer);
    }
  }
}

// nullptr: the frame's verdict says why, kPending if it has to wait.
RaptorPeer* RaptorBackend::peer_for(TxFrame& frame) noexcept {
  if (frame.bytes > options_.message_bytes_max) {
    frame.verdict = TxVerdict::kTooLarge;
    return nullptr;
  }
  if (frame.peer == kDefaultPeer) return default_peer_for(frame);
  if (peers_.is_live(frame.peer)) return &peer_states_[frame.peer.index];
  frame.verdict = TxVerdict::kPeerGone;
  return nullptr;
}

RaptorPeer* RaptorBackend::default_peer_for(TxFrame& frame) noexcept {
  if (options_.mode == RaptorMode::kListen) {
    frame.verdict = TxVerdict::kFailed;
    return nullptr;
  }
  if (default_numbers_.take_outdated(frame.producer)) {
    frame.verdict = TxVerdict::kPeerGone;
    return nullptr;
  }
  if (connected_index_ != kNoPeer) return &peer_states_[connected_index_];
  frame.verdict = TxVerdict::kPending;
  return nullptr;
}

// False: there is no room for it anywhere, so it waits where it is.
bool RaptorBackend::send_frame(RaptorPeer& peer, TxFrame& frame) noexcept {
  if (peer.backlog.empty()) [[likely]] {
    const int64_t position = offer(peer, {frame.data, frame.bytes});
    if (position >= 0) [[likely]] {
      frame.verdict = TxVerdict::kSent;
      finished(frame.peer.index, frame.producer, frame.bytes);
      return true;
    }
    // A session that has just ended: what is for whoever comes next waits for it.
    if (position == code_of(OfferCode::kClosed) && frame.peer == kDefaultPeer) return false;
    if (position != code_of(OfferCode::kBackPressure)) {
      frame.verdict =
          position == code_of(OfferCode::kTooLarge) ? TxVerdict::kTooLarge : TxVerdict::kPeerGone;
      finished(frame.peer.index, frame.producer, frame.bytes);
      return true;
    }
  }
  return options_.mode == RaptorMode::kListen && to_backlog(peer, frame);
}

int64_t RaptorBackend::offer(RaptorPeer& peer, std::span<const uint8_t> message) noexcept {
  raptor::Session* session = socket_.endpoint().session(peer.session);
  if (session == nullptr) return code_of(OfferCode::kClosed);
  const int64_t position = session->offer(now_ns_, peer.stream, message);
  if (position < 0) return position;
  offered_bytes_ += message.size();
  count(counters_.tx_messages);
  count(counters_.tx_bytes, message.size());
  return position;
}

bool RaptorBackend::to_backlog(RaptorPeer& peer, TxFrame& frame) noexcept {
  MessageQueue& backlog = peer.backlog;
  const bool is_counted = frame.peer.index == peer.peer.index;
  for (;;) {
    const bool is_within =
        backlog.empty() || uint64_t{backlog.kept_bytes()} + frame.bytes <= options_.backlog_bytes;
    if (is_within && backlog.append({frame.data, frame.bytes}, frame.producer, is_counted)) break;
    if (!options_.drop_oldest || backlog.empty()) return false;
    const QueuedMessage oldest = backlog.front();
    if (oldest.is_counted) finished(peer.peer.index, oldest.producer, oldest.bytes);
    backlog.take_front();
    count(counters_.dropped_oldest);
  }
  if (!peer.is_backlogged) {
    peer.is_backlogged = true;
    backlogged_[backlogged_count_++] = peer.peer.index;
  }
  frame.verdict = TxVerdict::kSent;
  return true;
}

void RaptorBackend::flush_backlogs() noexcept {
  uint32_t kept_count = 0;
  for (uint32_t i = 0; i < backlogged_count_; ++i) {
    RaptorPeer& peer = peer_states_[backlogged_[i]];
    if (!flush(peer)) backlogged_[kept_count++] = backlogged_[i];
  }
  backlogged_count_ = kept_count;
}

// True: the backlog is empty.
bool RaptorBackend::flush(RaptorPeer& peer) noexcept {
  bool has_offered = false;
  while (!peer.backlog.empty()) {
    const QueuedMessage message = peer.backlog.front();
    const int64_t position = offer(peer, {message.data, message.bytes});
    if (position == code_of(OfferCode::kBackPressure)) break;
    if (position < 0) count(counters_.undeliverable);
    if (message.is_counted) finished(peer.peer.index, message.producer, message.bytes);
    peer.backlog.take_front();
    has_offered = true;
    // There is room again for frames that had none.
    tx_blocked_ = false;
  }
  if (has_offered) socket_.endpoint().touch(peer.session);
  peer.is_backlogged = !peer.backlog.empty();
  return !peer.is_backlogged;
}

// Gives up what its session had no room for. Returns the messages.
uint32_t RaptorBackend::discard_backlog(RaptorPeer& peer) noexcept {
  uint32_t message_count = 0;
  while (!peer.backlog.empty()) {
    const QueuedMessage message = peer.backlog.front();
    if (message.is_counted) finished(peer.peer.index, message.producer, message.bytes);
    peer.backlog.take_front();
    ++message_count;
  }
  return message_count;
}

void RaptorBackend::finished(uint16_t index, uint8_t producer, uint32_t frame_bytes) noexcept {
  // The default peer and strangers have no quota.
  if (index >= capacity_ || producer >= kProducersMax) return;
  std::atomic<uint32_t>& finished = finished_[size_t{producer} * capacity_ + index];
  // C2 release: the owner is done with the bytes before the producer may count them as free;
  // pairs with C1 in the producer's queue. The load is relaxed: the owner is the only writer.
  finished.store(finished.load(std::memory_order_relaxed) + frame_bytes, std::memory_order_release);
}

uint64_t RaptorBackend::take_sequence(PeerRef peer) noexcept {
  if (options_.mode == RaptorMode::kConnect) {
    // Before a session is there, its numbers are handed out to the frames that wait for it.
    return peer == kDefaultPeer || peers_.is_live(peer) ? default_numbers_.take() : 0;
  }
  return peers_.is_live(peer) ? peer_states_[peer.index].next_sequence++ : 0;
}

}  // namespace hyperroute
