// What becomes of each datagram, in the order in which they come. Thread: the socket's.
#include <algorithm>
#include <cstring>

#include "io/lossy/lossy.h"

namespace hyperroute {

Lossy::Fate Lossy::arrived(uint64_t now_ns, std::span<const uint8_t> datagram,
                           const SocketAddress& from) noexcept {
  if (happens(options_.loss_share)) return Fate::kTaken;
  // The copy of one that is repeated is made now: the original is decrypted where it lies.
  if (happens(options_.duplicate_share)) static_cast<void>(keep(now_ns, datagram, from));
  if (!happens(options_.reorder_share)) return Fate::kPass;
  const uint64_t span_ns = std::clamp<uint64_t>(options_.reorder_ns_max, 1, UINT32_MAX);
  const uint64_t due_ns = now_ns + 1 + prng_.below(static_cast<uint32_t>(span_ns));
  return keep(due_ns, datagram, from) ? Fate::kTaken : Fate::kPass;
}

bool Lossy::keep(uint64_t due_ns, std::span<const uint8_t> datagram,
                 const SocketAddress& from) noexcept {
  if (datagram.size() > kLossyDatagramBytesMax) return false;
  for (uint32_t index = 0; index < kLossyKeptMax; ++index) {
    Slot& slot = slots_[index];
    if (slot.state != State::kFree) continue;
    std::memcpy(buffer(index), datagram.data(), datagram.size());
    slot.state = State::kWaiting;
    slot.bytes = static_cast<uint32_t>(datagram.size());
    slot.due_ns = due_ns;
    slot.from = from;
    next_due_ns_ = std::min(next_due_ns_, due_ns);
    return true;
  }
  return false;
}

Lossy::Kept Lossy::next_due(uint64_t now_ns) noexcept {
  if (now_ns < next_due_ns_) return {};
  uint32_t found = kLossyKeptMax;
  for (uint32_t index = 0; index < kLossyKeptMax; ++index) {
    const Slot& slot = slots_[index];
    if (slot.state != State::kWaiting || slot.due_ns > now_ns) continue;
    if (found == kLossyKeptMax || slot.due_ns < slots_[found].due_ns) found = index;
  }
  if (found == kLossyKeptMax) return {};
  Slot& slot = slots_[found];
  slot.state = State::kGiven;
  ++given_count_;
  find_next_due();
  return {buffer(found), slot.bytes, &slot.from};
}

void Lossy::release_due() noexcept {
  if (given_count_ == 0) return;
  for (Slot& slot : slots_) {
    if (slot.state == State::kGiven) slot.state = State::kFree;
  }
  given_count_ = 0;
}

void Lossy::find_next_due() noexcept {
  next_due_ns_ = UINT64_MAX;
  for (const Slot& slot : slots_) {
    if (slot.state == State::kWaiting) next_due_ns_ = std::min(next_due_ns_, slot.due_ns);
  }
}

}  // namespace hyperroute
