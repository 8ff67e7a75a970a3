// Receiving: datagrams, what the protocol makes of them, messages to the router. Worker. One system
// call a burst; a message that came whole and in order is handed out where it lies.
#include <algorithm>

#include "base/clock.h"
#include "io/raptor/raptor.h"

namespace hyperroute {

uint32_t RaptorBackend::rx_burst(std::span<RxView> views, uint64_t now_ns) noexcept {
  now_ns_ = std::max(now_ns_, now_ns);
  burst_ns_ = now_ns_;
  uint32_t handed_count = hand_out_queued(views);
  if (staged_next_ == staged_count_) {
    reading_ = Reading::kAll;
    pump(views.size() - handed_count);
  }
  handed_count += hand_out_staged(views.subspan(handed_count));
  return handed_count;
}

// Opens what has arrived until there are `room` messages, then lets the protocol answer.
void RaptorBackend::pump(size_t room) noexcept {
  staged_next_ = 0;
  staged_count_ = 0;
  staged_bytes_ = 0;
  if (!socket_.has_received(now_ns_)) static_cast<void>(socket_.fill());
  // One at least, so that acknowledgements are seen however slow the router is.
  while (socket_.deliver_next(now_ns_, sink())) {
    take_events();
    if (staged_count_ >= room || staged_bytes_ >= kRaptorStagedBytesMax) break;
  }
  run_timers();
  if (refused_count_ > 0) [[unlikely]]
    poll_refused();
  if (backlogged_count_ > 0) [[unlikely]]
    flush_backlogs();
  if (has_more_to_send_ || socket_.is_blocked() || socket_.endpoint().has_transmit()) transmit();
}

void RaptorBackend::run_timers() noexcept {
  if (socket_.endpoint().next_deadline_ns() > now_ns_) return;
  socket_.endpoint().on_deadline(now_ns_);
  take_events();
}

uint32_t RaptorBackend::deliver(void* self, std::span<const raptor::MessageView> views) {
  return static_cast<RaptorBackend*>(self)->take_views(views);
}

// Views of one call belong to one session.
uint32_t RaptorBackend::take_views(std::span<const raptor::MessageView> views) noexcept {
  RaptorPeer* peer = peer_of(raptor::SessionRef{views[0].session});
  // A message in the packet that completed the handshake: adopt() asks for it again.
  if (peer == nullptr) return 0;
  uint32_t taken_count = 0;
  while (taken_count < views.size() && take_view(*peer, views[taken_count])) ++taken_count;
  if (taken_count < views.size()) [[unlikely]]
    note_refused(*peer);
  return taken_count;
}

bool RaptorBackend::may_take(const RaptorPeer& peer) const noexcept {
  return !peer.is_held && (!is_stopped_ || peer.allowance_bytes > 0);
}

bool RaptorBackend::take_view(RaptorPeer& peer, const raptor::MessageView& view) noexcept {
  if (reading_ == Reading::kNothing) return false;
  if (reading_ == Reading::kAll && !may_take(peer)) return false;
  if (socket_.is_in_datagram(view.data) && peer.received.empty()) [[likely]] {
    if (staged_count_ == kRaptorStagedCountMax) return false;
    staged_[staged_count_++] = Staged{view.data, view.bytes, peer.peer.index};
    staged_bytes_ += view.bytes;
    ++peer.staged_count;
  } else {
    // What is staged comes first, and a queue would be handed out before it.
    if (peer.staged_count > 0 && peer.received.empty()) return false;
    if (!to_queue(peer, {view.data, view.bytes})) return false;
  }
  count_received(view.bytes);
  peer.allowance_bytes -= std::min(peer.allowance_bytes, view.bytes + 1);
  return true;
}

void RaptorBackend::count_received(uint32_t bytes) noexcept {
  has_news_ = true;
  count(counters_.rx_messages);
  count(counters_.rx_bytes, bytes);
}

bool RaptorBackend::to_queue(RaptorPeer& peer, std::span<const uint8_t> message) noexcept {
  if (!peer.received.append(message)) return false;
  if (!peer.is_queued) {
    peer.is_queued = true;
    queued_[queued_count_++] = peer.peer.index;
  }
  return true;
}

// Copies a message out of its datagram. The queue was empty when the first of its peer was staged,
// and has room for all that is received before that one is handed out.
void RaptorBackend::keep_staged(RaptorPeer& peer, std::span<const uint8_t> message) noexcept {
  const bool has_room = to_queue(peer, message);
  HR_DASSERT(has_room);
  static_cast<void>(has_room);
}

void RaptorBackend::note_refused(RaptorPeer& peer) noexcept {
  // After the stop nothing more is waited for than what had been received before it.
  if (peer.has_refused || (is_stopped_ && peer.allowance_bytes == 0)) return;
  peer.has_refused = true;
  refused_[refused_count_++] = peer.peer.index;
}

// Asks sessions again for what was refused, where it may be taken now. One that still refuses
// takes its place in the list again.
void RaptorBackend::poll_refused() noexcept {
  uint32_t kept_count = 0;
  const uint32_t count = refused_count_;
  for (uint32_t i = 0; i < count; ++i) {
    RaptorPeer& peer = peer_states_[refused_[i]];
    if (!peer.received.empty() || peer.staged_count > 0 || !may_take(peer)) {
      // Beyond its allowance, what a session keeps is nobody's any more.
      const bool is_over = is_stopped_ && peer.allowance_bytes == 0;
      peer.has_refused = !is_over;
      if (!is_over) refused_[kept_count++] = refused_[i];
      continue;
    }
    // The list below `count` is being read: a further refusal would be written behind it.
    peer.has_refused = false;
    refused_count_ = count;
    raptor::Session* session = socket_.endpoint().session(peer.session);
    if (session != nullptr) {
      static_cast<void>(session->poll(sink()));
      socket_.endpoint().touch(peer.session);
    }
    if (peer.has_refused) refused_[kept_count++] = peer.peer.index;
  }
  refused_count_ = kept_count;
}

// Each peer in the list has one turn.
uint32_t RaptorBackend::hand_out_queued(std::span<RxView> views) noexcept {
  if (queued_count_ == 0) [[likely]]
    return 0;
  uint32_t handed_count = 0;
  uint32_t handed_bytes = 0;
  const auto is_full = [&] {
    return handed_count == views.size() || handed_bytes >= kRaptorHandedBytesMax;
  };
  for (uint32_t i = 0; i < queued_count_ && !is_full(); ++i) {
    RaptorPeer& peer = peer_states_[queued_[i]];
    // After a held message the rest waits behind it: offering more would only be held again.
    const uint32_t budget = peer.is_held ? 1 : options_.read_budget;
    for (uint32_t turn = 0; turn < budget && !is_full(); ++turn) {
      const QueuedMessage message = peer.received.next();
      if (message.data == nullptr) break;
      handed_bytes += message.bytes;
      views[handed_count++] = RxView{message.data, message.bytes, peer.peer,
                                     queued_cookie(peer.peer.index, message.position)};
    }
  }
  // The one that was served first is last next time, so that a full burst starves nobody.
  std::rotate(queued_.get(), queued_.get() + 1, queued_.get() + queued_count_);
  return handed_count;
}

uint32_t RaptorBackend::hand_out_staged(std::span<RxView> views) noexcept {
  uint32_t handed_count = 0;
  while (handed_count < views.size() && staged_next_ < staged_count_) {
    const Staged staged = staged_[staged_next_++];
    RaptorPeer& peer = peer_states_[staged.peer_index];
    --peer.staged_count;
    if (!peer.received.empty()) [[unlikely]] {
      // An earlier one was held.
      keep_staged(peer, {staged.data, staged.bytes});
      continue;
    }
    views[handed_count++] =
        RxView{staged.data, staged.bytes, peer.peer, uint64_t{staged.peer_index} << 32};
  }
  return handed_count;
}

// Copies what waits where it was received, of one peer or of all, so that it may go.
void RaptorBackend::spill_staged(const RaptorPeer* of) noexcept {
  uint32_t kept_count = staged_next_;
  for (uint32_t i = staged_next_; i < staged_count_; ++i) {
    const Staged staged = staged_[i];
    RaptorPeer& peer = peer_states_[staged.peer_index];
    if (of != nullptr && of != &peer) {
      staged_[kept_count++] = staged;
      continue;
    }
    --peer.staged_count;
    keep_staged(peer, {staged.data, staged.bytes});
  }
  staged_count_ = kept_count;
}

void RaptorBackend::release(const RxView& view) noexcept {
  if ((view.cookie & kQueuedView) == 0) [[likely]]
    return;
  RaptorPeer& peer = peer_states_[index_of(view)];
  peer.received.take_front();
  has_news_ = true;
  peer.is_held = false;
  if (!peer.received.empty()) return;
  peer.is_queued = false;
  uint16_t* const end = queued_.get() + queued_count_;
  queued_count_ =
      static_cast<uint32_t>(std::remove(queued_.get(), end, peer.peer.index) - queued_.get());
  if (peer.state == RaptorPeerState::kEnded) free_peer(peer);
}

void RaptorBackend::hold(const RxView& view) noexcept {
  RaptorPeer& peer = peer_states_[index_of(view)];
  peer.is_held = true;
  if ((view.cookie & kQueuedView) != 0) {
    peer.received.put_back(static_cast<uint32_t>(view.cookie));
    return;
  }
  keep_staged(peer, {view.data, view.bytes});
}

bool RaptorBackend::is_held(const RxView& view) const noexcept {
  const RaptorPeer& peer = peer_states_[index_of(view)];
  if ((view.cookie & kQueuedView) != 0) {
    return peer.received.is_put_back(static_cast<uint32_t>(view.cookie));
  }
  // Nothing is handed out from where it was received while a queue holds earlier messages, so
  // whatever is in it was held in this burst.
  return !peer.received.empty();
}

bool RaptorBackend::prepare_wait() noexcept {
  if (staged_next_ < staged_count_ || has_more_to_send_) return false;
  for (uint32_t i = 0; i < queued_count_; ++i) {
    // Who was held waits for a destination, and the worker looks again by itself.
    if (!peer_states_[queued_[i]].is_held) return false;
  }
  for (uint32_t i = 0; is_read_from() && i < refused_count_; ++i) {
    const RaptorPeer& peer = peer_states_[refused_[i]];
    if (peer.received.empty() && may_take(peer)) return false;
  }
  if (socket_.has_received(now_ns_)) return false;
  return socket_.prepare_wait(true);
}

}  // namespace hyperroute
