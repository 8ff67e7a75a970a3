// What a connection's socket did not take yet: a bounded ring of frames, one per connection.
//
// Owner: the endpoint's worker. Data path: only while the peer reads slower than it is sent to;
// then frames are copied here, so that one slow reader never holds up the queue in front of the
// others. A frame once begun on the wire is always completed: dropping keeps to frame boundaries.
//
//   ring:  [bytes u32 | producer u8 | is_counted u8 | 0 u16][frame, padded to 8] [bytes … ] …
//           ^ head_                                                               tail_ ^
#pragma once

#include <sys/uio.h>

#include <bit>
#include <cstdint>
#include <span>

#include "base/bits.h"

namespace hyperroute {

// A frame that has left the backlog for good.
struct BacklogFrame {
  uint32_t frame_bytes;
  uint8_t producer;
  bool is_counted;  // Counts against its producer's quota.
};

class TcpBacklog {
 public:
  // `capacity_bytes` is a power of two; the memory outlives the backlog.
  void attach(uint8_t* memory, uint32_t capacity_bytes) noexcept {
    memory_ = memory;
    capacity_bytes_ = capacity_bytes;
  }
  // A ring that holds `bound_bytes` of frames of 8 bytes and more, whatever their headers take.
  static constexpr uint64_t capacity_for(uint32_t bound_bytes, uint32_t frame_bytes_max) noexcept {
    return std::bit_ceil(uint64_t{bound_bytes} * 2 + span_bytes(frame_bytes_max));
  }
  static constexpr uint32_t span_bytes(uint32_t frame_bytes) noexcept {
    return kHeaderBytes + align_up(frame_bytes, kHeaderBytes);
  }

  bool empty() const noexcept { return head_ == tail_; }
  // Of the frames in it, what is begun counted whole.
  uint32_t kept_bytes() const noexcept { return static_cast<uint32_t>(kept_bytes_); }
  uint32_t frame_count() const noexcept { return frame_count_; }
  // Whether a frame may be appended under this bound. An empty backlog takes any frame, since one
  // that is begun has to be completed.
  bool fits(uint32_t frame_bytes, uint32_t bound_bytes) const noexcept {
    if (empty()) return true;
    return tail_ - head_ + span_bytes(frame_bytes) <= capacity_bytes_ &&
           kept_bytes_ + uint64_t{frame_bytes} <= bound_bytes;
  }

  // Appends a frame that fits, of which `sent_bytes` have been written already (0 unless the
  // backlog is empty).
  void append(const uint8_t* frame, const BacklogFrame& info, uint32_t sent_bytes) noexcept;

  // Points vectors at the unsent bytes, oldest first. Returns how many were set.
  uint32_t gather(std::span<iovec> vectors) const noexcept;

  // Removes `sent_bytes` from the front. True: that completed a frame; call again with 0 bytes
  // more for the next one.
  bool consume(uint32_t& sent_bytes, BacklogFrame& completed) noexcept;

  // Drops the oldest frame of which nothing has been written. False: there is none.
  bool drop_oldest(BacklogFrame& dropped) noexcept;

  // Takes out the oldest frame, begun or not: the connection is gone. False: none is left.
  bool take_front(BacklogFrame& taken) noexcept;

  // The most that has been in use since the last call, in bytes from the start of the memory.
  uint32_t take_peak_bytes() noexcept;

 private:
  static constexpr uint32_t kHeaderBytes = 8;
  struct Header {
    uint32_t bytes;
    uint8_t producer;
    uint8_t is_counted;
    uint16_t zero;
  };
  static_assert(sizeof(Header) == kHeaderBytes);

  uint8_t* at(uint64_t position) const noexcept {
    return memory_ + (position & (capacity_bytes_ - 1));
  }
  // Records start 8-aligned in a ring of a multiple of 8, so a header never wraps.
  Header header_at(uint64_t position) const noexcept;
  void put_header(uint64_t position, const Header& header) noexcept;
  bool is_front_begun() const noexcept { return front_sent_bytes_ + front_cut_bytes_ > 0; }
  void pop_front(const Header& header) noexcept;
  void move_front_over_next() noexcept;

  uint8_t* memory_ = nullptr;
  uint32_t capacity_bytes_ = 0;
  uint32_t kept_bytes_ = 0;  // Of all records, without their headers.
  uint32_t frame_count_ = 0;
  uint32_t peak_bytes_ = 0;
  uint32_t front_sent_bytes_ = 0;  // Of the front record, written already.
  uint32_t front_cut_bytes_ = 0;   // Written bytes of the front frame that left the record.
  uint64_t head_ = 0;
  uint64_t tail_ = 0;
};

}  // namespace hyperroute
