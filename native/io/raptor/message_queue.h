// A bounded queue of copied messages, each in one piece: what waits behind a session, one each way.
//
// Owner: the endpoint's worker. Data path: only while somebody is slow: what was received and could
// not be routed, and what a session has no room for. A queue that is empty starts at the beginning
// of its memory again, so that one that seldom holds much stays in a few pages.
//
//   memory:  [bytes u32 | producer u8 | is_counted u8 | is_skip u8 | 0][message, padded to 8] …
//             ^ head_        ^ next_ (handed out up to here)            ^ tail_
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "base/bits.h"

namespace hyperroute {

struct QueuedMessage {
  const uint8_t* data = nullptr;
  uint32_t bytes = 0;
  uint32_t position = 0;  // For put_back() and take_to().
  uint8_t producer = 0;
  bool is_counted = false;  // Counts against its producer's quota.
};

class MessageQueue {
 public:
  // Memory for `bound_bytes` of messages of 8 bytes and more with their headers, wherever the end
  // of the memory cuts: a message never wraps.
  static constexpr uint64_t capacity_for(uint64_t bound_bytes,
                                         uint32_t message_bytes_max) noexcept {
    return std::bit_ceil(bound_bytes * 2 + 2 * uint64_t{span_bytes(message_bytes_max)});
  }
  static constexpr uint32_t span_bytes(uint32_t message_bytes) noexcept {
    return kHeaderBytes + align_up(message_bytes, kHeaderBytes);
  }

  // `capacity_bytes` is a power of two, 2 GiB at most; the memory outlives the queue.
  void attach(uint8_t* memory, uint32_t capacity_bytes) noexcept {
    memory_ = memory;
    capacity_bytes_ = capacity_bytes;
  }

  [[nodiscard]] bool empty() const noexcept { return head_ == tail_; }
  [[nodiscard]] uint32_t count() const noexcept { return count_; }
  // Of the messages in it, without what the queue adds.
  [[nodiscard]] uint32_t kept_bytes() const noexcept { return kept_bytes_; }
  // Whether all were handed out.
  [[nodiscard]] bool is_handed_out() const noexcept { return next_ == tail_; }

  // False: there is no room.
  [[nodiscard]] bool append(std::span<const uint8_t> message, uint8_t producer = 0,
                            bool is_counted = false) noexcept;

  // The oldest one that was not handed out; hands it out. Data is null if there is none.
  [[nodiscard]] QueuedMessage next() noexcept;
  // The one at `position` and all behind it are to be handed out again.
  void put_back(uint32_t position) noexcept {
    if (is_before(position, next_)) next_ = position;
  }
  // Whether the one at `position` is to be handed out (again).
  [[nodiscard]] bool is_put_back(uint32_t position) const noexcept {
    return !is_before(position, next_);
  }
  // The oldest, handed out or not; data is null if there is none. take_front() removes it.
  [[nodiscard]] QueuedMessage front() const noexcept;
  void take_front() noexcept;

  // The most that has been in use since the last call, in bytes from the start of the memory.
  uint32_t take_peak_bytes() noexcept;

 private:
  static constexpr uint32_t kHeaderBytes = 8;
  struct Header {
    uint32_t bytes;
    uint8_t producer;
    uint8_t is_counted;
    uint8_t is_skip;  // Nothing but unused memory up to its end.
    uint8_t zero;
  };
  static_assert(sizeof(Header) == kHeaderBytes);

  // Positions wrap at 2^32; two of one queue are less than 2^31 apart.
  static bool is_before(uint32_t a, uint32_t b) noexcept { return static_cast<int32_t>(a - b) < 0; }
  uint8_t* at(uint32_t position) const noexcept {
    return memory_ + (position & (capacity_bytes_ - 1));
  }
  Header header_at(uint32_t position) const noexcept;
  uint32_t past_skip(uint32_t position) const noexcept;
  QueuedMessage message_at(uint32_t position) const noexcept;

  uint8_t* memory_ = nullptr;
  uint32_t capacity_bytes_ = 0;
  uint32_t count_ = 0;
  uint32_t kept_bytes_ = 0;
  uint32_t peak_bytes_ = 0;
  uint32_t head_ = 0;
  uint32_t next_ = 0;
  uint32_t tail_ = 0;
};

}  // namespace hyperroute
