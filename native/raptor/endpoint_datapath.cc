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
  switch (static_cast<PacketKind>(kind_of(datagram, bytes))) {
    case PacketKind::kData:
      return on_data(now_ns, datagram, bytes, from, sink);
    case PacketKind::kInitiate:
      return on_initiate(now_ns, datagram, bytes, from);
    case PacketKind::kRetry:
      return on_retry(now_ns, datagram, bytes, from);
    case PacketKind::kRespond:
      return on_respond(now_ns, datagram, bytes, from);
  }
  counters_.malformed += 1;
}

void Endpoint::on_data(uint64_t now_ns, uint8_t* datagram, uint32_t bytes, const PathAddress& from,
                       const MessageSink& sink) {
  DataHeader header;
  if (read_data_header(datagram, bytes, header) != nullptr) {
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
  if (!replies_.is_empty()) {
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

Endpoint::Transmit Endpoint::transmit_from(uint64_t now_ns, uint16_t index, std::span<uint8_t> to) {
  SessionSlot& slot = slots_[index];
  const PathAddress* const address = &slot.address;
  if (slot.state == SlotState::kAttempt) {
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
  if (burst_count_ >= kBurstDatagramsMax) {
    work_pop();
    work_push(index);
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

void Endpoint::work_pop() noexcept {
  SessionSlot& slot = slots_[working_.head];
  slot.is_working = false;
  working_.head = slot.work_next;
  burst_count_ = 0;
}

// After anything that may have changed a session: its deadline, and whether it has ended.
void Endpoint::note_state(uint16_t index) noexcept {
  SessionSlot& slot = slots_[index];
  if (slot.session == nullptr) return;
  deadlines_.set(index, slot.session->next_deadline_ns());
  if (slot.key_trail != nullptr) [[unlikely]]
    slot.key_trail->follow(slot.session->counters().key_updates);
  if (slot.session->state() != SessionState::kClosed) [[likely]]
    return;
  if (slot.state == SlotState::kOpen) end(index, slot.session->close_reason());
  release_if_done(index);
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
    if (deadlines_.next_ns() > now_ns) return;
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
      if (slot.session != nullptr && slot.session->next_deadline_ns() <= now_ns) {
        deadlines_.set(index, now_ns + kOverdueNs);
      }
      return;
    case SlotState::kFree:
      // Its deadline was taken back when it was freed.
      HR_DASSERT(false);
  }
}

}  // namespace hyperroute::raptor
