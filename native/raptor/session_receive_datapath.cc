// What comes in: a packet is opened, found new, and its frames take effect one after the other.
//
// Owner: the endpoint's worker. Data path: every packet received. Frames may come again (a packet
// that could not be taken whole is not acknowledged, and its parts are sent again), so each of
// them does nothing the second time. A peer that is authentic and still breaks the protocol ends
// the session; a packet that is not authentic does nothing at all.
#include "raptor/session.h"

namespace hyperroute::raptor {

bool Session::on_packet(uint64_t now_ns, const DataHeader& header, uint8_t* datagram,
                        uint32_t bytes, const MessageSink& sink) {
  if (state_ == SessionState::kClosed) return false;
  uint32_t frames_bytes = 0;
  const uint32_t generation = protection_.receive_generation();
  if (protection_.open(header, datagram, bytes, frames_bytes) != OpenVerdict::kOpened)
      [[unlikely]] {
    counters_.forged += 1;
    if (counters_.forged >= kForgedPacketsMax) close(now_ns, CloseReason::kLocalLimit);
    return false;
  }
  if (!received_.is_new(header.number)) [[unlikely]] {
    counters_.replayed += 1;
    return false;
  }
  enter(now_ns);
  heard_ns_ = now_ns_;
  had_grace_ = false;
  if (protection_.receive_generation() != generation) counters_.key_updates += 1;
  counters_.packets_received += 1;
  counters_.bytes_received += bytes;
  bool is_eliciting = false;
  const Step step = take_frames(datagram + kDataHeaderBytes, frames_bytes, sink, is_eliciting);
  if (step == Step::kTaken) [[likely]] {
    received_.add(header.number, now_ns_, is_eliciting);
  } else {
    after_untaken(step, header.number);
  }
  has_work_ = has_anything_due();
  return true;
}

void Session::after_untaken(Step step, uint64_t number) {
  if (step == Step::kBroken) end_with(CloseReason::kProtocolError, true);
  if (step == Step::kNoRoom) end_with(CloseReason::kLocalLimit, true);
  if (step == Step::kNotTaken) received_.refuse(number);
}

inline Session::Step Session::take_frames(uint8_t* frames, uint32_t frames_bytes,
                                          const MessageSink& sink, bool& is_eliciting) {
  FrameReader reader(frames, frames_bytes);
  Frame frame;
  while (true) {
    const FrameResult result = reader.next(frame);
    if (result == FrameResult::kEnd) return Step::kTaken;
    if (result == FrameResult::kMalformed) return Step::kBroken;
    is_eliciting = is_eliciting || is_ack_eliciting(frame.type);
    const Step step = take_frame(frame, sink);
    if (step != Step::kTaken) return step;
    // The application's drain, or the last frame of both, may have ended the session.
    if (state_ == SessionState::kClosed) return Step::kClosed;
  }
}

inline Session::Step Session::take_frame(const Frame& frame, const MessageSink& sink) {
  if (frame.type == FrameType::kStream) return take_stream(frame.stream, sink);
  if (frame.type == FrameType::kAck) return take_ack(frame.ack);
  return take_rare(frame, sink);
}

Session::Step Session::take_rare(const Frame& frame, const MessageSink& sink) {
  switch (frame.type) {
    case FrameType::kOpen:
      return accept_stream(frame.open);
    case FrameType::kWindow:
      return take_window(frame.position);
    case FrameType::kSkip:
    case FrameType::kEnd:
      return take_skip_or_end(frame, sink);
    case FrameType::kDrain:
      has_peer_drained_ = true;
      check_drained();
      return Step::kTaken;
    case FrameType::kClose:
      return take_close(frame.close);
    case FrameType::kPing:
    case FrameType::kPadding:
      return Step::kTaken;
    case FrameType::kStream:
    case FrameType::kAck:
      break;  // take_frame() has taken them.
  }
  return Step::kBroken;
}

inline Session::Step Session::take_ack(const AckFrame& frame) {
  const AckSummary ack = sent_.on_ack(frame, now_ns_, handler());
  if (ack.verdict != AckVerdict::kOk) return Step::kBroken;
  protection_.on_acked(frame.largest);
  if (ack.has_rtt) rtt_.on_sample(now_ns_, ack.rtt_ns, frame.delay_ns);
  const LossSummary loss = sent_.detect_lost(now_ns_, rtt_, handler());
  congestion_.on_ack(now_ns_, ack, loss, rtt_, sent_.next_number());
  mtu_.on_acked(now_ns_, ack);
  after_loss(loss, false);
  is_window_blocked_ = false;
  update_path();
  return Step::kTaken;
}

inline Session::Step Session::take_stream(const StreamFrame& frame, const MessageSink& sink) {
  RxStream* rx = rx_.find(frame.stream);
  if (rx == nullptr) return rx_.has_ended(frame.stream) ? Step::kTaken : Step::kBroken;
  const StreamRx::Verdict verdict =
      rx->stream.on_run(frame.position, frame.run, frame.run_bytes, sink);
  switch (verdict) {
    case StreamRx::Verdict::kAccepted:
    case StreamRx::Verdict::kDuplicate:
      after_rx(rx_.slot_of(frame.stream));
      return Step::kTaken;
    case StreamRx::Verdict::kBeyondWindow:
      counters_.beyond_window += 1;
      return Step::kNotTaken;
    case StreamRx::Verdict::kNoMemory:
      return Step::kNoRoom;
    case StreamRx::Verdict::kMalformed:
      return Step::kBroken;
  }
  return Step::kBroken;
}

Session::Step Session::take_window(const PositionFrame& frame) {
  TxStream* tx = tx_.find(frame.stream);
  if (tx == nullptr) return tx_.has_ended(frame.stream) ? Step::kTaken : Step::kBroken;
  if (frame.position == kTakenWhole) {
    // Also of a stream whose END is not known to have come: what was taken had one.
    tx->is_taken = tx->stream.is_ended();
    if (!tx->is_taken) return Step::kBroken;
  } else {
    tx->stream.on_window(frame.position);
  }
  after_tx(tx_.slot_of(frame.stream));
  return Step::kTaken;
}

Session::Step Session::take_skip_or_end(const Frame& frame, const MessageSink& sink) {
  const PositionFrame& at = frame.position;
  RxStream* rx = rx_.find(at.stream);
  if (rx == nullptr) return rx_.has_ended(at.stream) ? Step::kTaken : Step::kBroken;
  const StreamRx::Verdict verdict = frame.type == FrameType::kSkip
                                        ? rx->stream.on_skip(at.position, sink)
                                        : rx->stream.on_end(at.position);
  if (verdict == StreamRx::Verdict::kMalformed) return Step::kBroken;
  if (verdict == StreamRx::Verdict::kBeyondWindow) counters_.beyond_window += 1;
  const bool is_taken =
      verdict == StreamRx::Verdict::kAccepted || verdict == StreamRx::Verdict::kDuplicate;
  if (!is_taken) return Step::kNotTaken;
  after_rx(rx_.slot_of(at.stream));
  return Step::kTaken;
}

Session::Step Session::take_close(const CloseFrame& frame) {
  const bool is_drained = frame.reason == static_cast<uint16_t>(CloseReason::kDrained);
  end_with(is_drained ? CloseReason::kDrained : CloseReason::kPeerClosed, false);
  return Step::kClosed;
}

void Session::after_rx(uint32_t slot) {
  RxStream* rx = rx_.at(slot);
  if (rx->stream.is_finished()) {
    release_rx(slot);
    return;
  }
  uint64_t limit = 0;
  if (rx->stream.window_update(limit)) {
    rx->window_limit = limit;
    rx_control_.add(slot);
    has_work_ = true;
  }
  refused_.put(slot, rx->stream.has_refused());
}

uint32_t Session::poll(const MessageSink& sink) {
  uint32_t taken = 0;
  for (uint32_t slot = refused_.next_from(0); slot < kStreamSlotsMax;) {
    taken += rx_.at(slot)->stream.poll(sink);
    after_rx(slot);
    const uint32_t next = slot + 1 < kStreamSlotsMax ? refused_.next_from(slot + 1) : 0;
    slot = next > slot ? next : kStreamSlotsMax;
  }
  return taken;
}

void Session::check_drained() {
  if (state_ == SessionState::kClosed || tx_.live_count() != 0) return;
  if (state_ == SessionState::kDraining && !is_drain_sent_) {
    is_drain_sent_ = true;
    is_drain_due_ = true;
    has_work_ = true;
  }
  // The peer's streams are all taken here, and it has all of ours.
  if (has_peer_drained_ && rx_.live_count() == 0) end_with(CloseReason::kDrained, true);
}

}  // namespace hyperroute::raptor
