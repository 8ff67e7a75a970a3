// The endpoint's part of every datagram: whose it is, who sends next, whose timer is due. Owner:
// the endpoint's worker. Data path: all of it; nothing here allocates.
#include <algorithm>
#include <cstring>

#include "raptor/endpoint.h"

namespace hyperroute::raptor {
namespace {

// Datagrams of one session in a row while others wait: enough to share a system call, few enough
// that a busy session does not hold up the others.
constexpr uint32_t kBurstDatagramsMax = 16;
// A session that could not send what its timer made due (a full socket) is looked at again then.
constexpr uint64_t kOverdueNs = 1'000'000;

}  // namespace

void Endpoint::on_datagram(uint64_t now_ns, uint8_t* datagram, uint32_t bytes,
                           const PathAddress& from, const MessageSink& sink) {
  HR_DASSERT(is_aligned(datagram, 8));
  counters_.datagrams_in += 1;
  counters_.bytes_in += bytes;
  const auto kind = static_cast<PacketKind>(kind_of(datagram, bytes));
  if (kind == PacketKind::kData) [[likely]]
    return on_data(now_ns, datagram, bytes, from, sink);
  switch (kind) {
    case PacketKind::kData:
      break;
    case PacketKind::kInitiate:
      return on_initiate(now_ns, datagram, bytes, from);
    case PacketKind::kRetry:
      return on_retry(now_ns, datagram, bytes, from);
    case PacketKind::kRespond:
      return on_respond(now_ns, datagram, bytes, from);
  }
  counters_.malformed += 1;
}

inline void Endpoint::on_data(uint64_t now_ns, uint8_t* datagram, uint32_t bytes,
                              const PathAddress& from, const MessageSink& sink) {
  DataHeader header;
  if (read_data_header(datagram, bytes, header) != nullptr) [[unlikely]] {
    counters_.malformed += 1;
    return;
  }
  const uint16_t index = slots_.find(header.session);
  if (index == kNoSlot) {
    counters_.unknown_session += 1;
    return;
  }
  SessionSlot& slot = slots_[index];
  if (!(slot.address == from)) {
    counters_.wrong_address += 1;
  } else if (slot.state == SlotState::kHalfOpen) {
    confirm(now_ns, index, header, datagram, bytes, sink);
  } else if (slot.session != nullptr) {
    slot.session->on_packet(now_ns, header, datagram, bytes, sink);
    refresh(index);
  } else {
    // An attempt: its responder sends nothing before our first packet.
    counters_.unknown_session += 1;
  }
}

Endpoint::Transmit Endpoint::next_transmit(uint64_t now_ns, std::span<uint8_t> to) {
  HR_DASSERT(to.size() >= kDatagramBytesMin);
  Transmit transmit{0, nullptr, {}};
  if (!replies_.is_empty()) [[unlikely]] {
    transmit = {replies_.pop(reply_to_, to), &reply_to_, {}};
  } else {
    // Each turn sends something or takes a slot off the list.
    while (working_.head != kNoSlot && transmit.bytes == 0) {
      transmit = transmit_from(now_ns, working_.head, to);
    }
  }
  if (transmit.bytes > 0) {
    counters_.datagrams_out += 1;
    counters_.bytes_out += transmit.bytes;
  }
  return transmit;
}

inline Endpoint::Transmit Endpoint::transmit_from(uint64_t now_ns, uint16_t index,
                                                  std::span<uint8_t> to) {
  SessionSlot& slot = slots_[index];
  const PathAddress* const address = &slot.address;
  if (slot.state == SlotState::kAttempt) [[unlikely]] {
    work_pop();
    return {write_attempt(now_ns, index, to.data()), address, {}};
  }
  uint32_t bytes = 0;
  if (slot.session != nullptr && slot.state != SlotState::kHalfOpen) {
    bytes = slot.session->next_datagram(now_ns, to);
  }
  if (bytes == 0) {
    work_pop();
    note_state(index);
    return {0, nullptr, {}};
  }
  burst_count_ += 1;
  // What has nothing more leaves the list at once: asking again would only tell that.
  const bool has_more = slot.session->has_work();
  if (!has_more || burst_count_ >= kBurstDatagramsMax) {
    work_pop();
    if (has_more) work_push(index);
  }
  const SessionRef ref = ref_of(index);
  note_state(index);
  return {bytes, address, ref};
}

void Endpoint::work_push(uint16_t index) noexcept {
  SessionSlot& slot = slots_[index];
  if (slot.is_working) return;
  slot.is_working = true;
  slot.work_next = kNoSlot;
  if (working_.head == kNoSlot) {
    working_.head = index;
  } else {
    slots_[working_.tail].work_next = index;
  }
  working_.tail = index;
}

inline void Endpoint::work_pop() noexcept {
  SessionSlot& slot = slots_[working_.head];
  slot.is_working = false;
  working_.head = slot.work_next;
  burst_count_ = 0;
}

// After anything that may have changed a session: its deadline, and whether it has ended.
inline void Endpoint::note_state(uint16_t index) noexcept {
  const SessionSlot& slot = slots_[index];
  if (slot.session == nullptr) return;
  if (moved_index_ != index) [[unlikely]] {
    if (moved_index_ != kNoSlot) settle_deadline();
    moved_index_ = index;
  }
  if (has_key_log_ || slot.session->state() == SessionState::kClosed) [[unlikely]]
    note_rare(index);
}

void Endpoint::note_rare(uint16_t index) noexcept {
  SessionSlot& slot = slots_[index];
  if (slot.key_trail != nullptr) slot.key_trail->follow(slot.session->key_updates());
  if (slot.session->state() != SessionState::kClosed) return;
  if (slot.state == SlotState::kOpen) end(index, slot.session->close_reason());
  release_if_done(index);
}

// A session is asked for its deadline when another's turn comes or somebody waits: not for every
// packet, offer and call.
void Endpoint::settle_deadline() noexcept {
  const uint16_t index = moved_index_;
  moved_index_ = kNoSlot;
  // It may have ended since, and its slot may be another's.
  const Session* const session = slots_[index].session.get();
  if (session != nullptr) deadlines_.set(index, session->next_deadline_ns());
}

void Endpoint::refresh(uint16_t index) noexcept {
  const SessionSlot& slot = slots_[index];
  if (slot.session != nullptr && slot.session->has_work()) work_push(index);
  note_state(index);
}

void Endpoint::touch(SessionRef ref) noexcept {
  if (slot_of(ref) != nullptr) refresh(static_cast<uint16_t>(ref.value & 0xFFFF));
}

void Endpoint::on_deadline(uint64_t now_ns) {
  // Whatever ran is due later than now, so no slot is run twice.
  for (uint32_t count = slots_.taken_count(); count > 0; --count) {
    if (next_deadline_ns() > now_ns) return;
    run_deadline(now_ns, deadlines_.next_slot());
  }
}

void Endpoint::run_deadline(uint64_t now_ns, uint16_t index) {
  SessionSlot& slot = slots_[index];
  switch (slot.state) {
    case SlotState::kAttempt:
      return run_attempt(now_ns, index);
    case SlotState::kHalfOpen:
      counters_.handshakes_expired += 1;
      return release(index);
    case SlotState::kOpen:
    case SlotState::kEnded:
      if (slot.session != nullptr) slot.session->on_deadline(now_ns);
      refresh(index);
      // A probe stays due until it is sent, and then note_state() moves the deadline.
      if (slot.session == nullptr) return;
      settle_deadline();
      if (slot.session->next_deadline_ns() <= now_ns) deadlines_.set(index, now_ns + kOverdueNs);
      return;
    case SlotState::kFree:
      // Its deadline was taken back when it was freed.
      HR_DASSERT(false);
  }
}

}  // namespace hyperroute::raptor
