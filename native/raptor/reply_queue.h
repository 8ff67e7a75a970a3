// Answers to handshake packets that wait to be sent: a ring of fixed size.
//
// Answers are made while datagrams are taken in and leave with the next burst. What does not fit is
// dropped: the initiator asks again. So a flood of first packets costs this much memory and no
// more. Owner: the endpoint. Data path: is_empty() before every datagram that is sent.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "base/bits.h"
#include "raptor/path_address.h"
#include "wire/raptor_packet.h"

namespace hyperroute::raptor {

// RESPOND with the Parameters of this version: 128 bytes encrypted. RETRY is shorter.
inline constexpr uint32_t kReplyBytesMax = 128;
// Twice the burst of a socket driver.
inline constexpr uint32_t kRepliesMax = 128;
static_assert(is_power_of_two(kRepliesMax) && kRetryBytes <= kReplyBytesMax);
// An address that is not proven gets three times what it sent at most; this is a ninth of it.
static_assert(kReplyBytesMax <= 3 * kInitiateBytes);

class ReplyQueue {
 public:
  ReplyQueue() : replies_(std::make_unique<Reply[]>(kRepliesMax)) {}

  [[nodiscard]] bool is_empty() const noexcept { return head_ == tail_; }

  // False: there is no room.
  [[nodiscard]] bool push(const PathAddress& to, std::span<const uint8_t> datagram) noexcept {
    HR_DASSERT(datagram.size() <= kReplyBytesMax);
    if (tail_ - head_ == kRepliesMax) return false;
    Reply& reply = replies_[tail_ % kRepliesMax];
    reply.to = to;
    reply.bytes = static_cast<uint32_t>(datagram.size());
    std::memcpy(reply.datagram, datagram.data(), datagram.size());
    tail_ += 1;
    return true;
  }

  // Copies the oldest out; it exists, and `datagram` holds kReplyBytesMax.
  uint32_t pop(PathAddress& to, std::span<uint8_t> datagram) noexcept {
    HR_DASSERT(!is_empty() && datagram.size() >= kReplyBytesMax);
    const Reply& reply = replies_[head_ % kRepliesMax];
    to = reply.to;
    std::memcpy(datagram.data(), reply.datagram, reply.bytes);
    head_ += 1;
    return reply.bytes;
  }

 private:
  struct Reply {
    PathAddress to;
    uint32_t bytes = 0;
    uint8_t datagram[kReplyBytesMax] = {};
  };

  std::unique_ptr<Reply[]> replies_;
  uint32_t head_ = 0;
  uint32_t tail_ = 0;
};

}  // namespace hyperroute::raptor
