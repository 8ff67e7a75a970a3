// Which packets came: the replay window, the ranges of the next ACK, and when it is due.
//
// Two memories, as they answer different questions. The replay window is a bitmap of the newest
// kReplayWindow numbers: what is below it is refused, for nobody could tell any more whether it
// is new. The ranges are what ACKs say: kAckRangesMax at most, the newest, each dropped when
// kReportsMax ACKs have said it unchanged. ACKs are not acknowledged, so that is how an old gap
// gets out of them; the sender takes a range it never heard of for lost and sends again what the
// streams then drop as a duplicate.
// Owner: the session's thread. Data path: is_new and add for every packet.
#pragma once

#include <cstdint>
#include <span>

#include "raptor/rtt.h"
#include "wire/raptor_frames.h"

namespace hyperroute::raptor {

// What an ACK frame is to say.
struct AckContents {
  AckContents() noexcept {}

  uint64_t largest = 0;
  uint32_t delay_ns = 0;
  uint32_t range_count = 0;
  // A union's member is not initialised: only `range_count` of them are ever written and read.
  union {
    AckRange ranges[kAckRangesMax];
  };

  [[nodiscard]] std::span<const AckRange> span() const noexcept { return {ranges, range_count}; }
};

class ReceivedPackets {
 public:
  static constexpr uint32_t kReplayWindow = 4096;
  // RFC 9000 section 13.2.2 takes 2; with hundreds of packets in a round trip of microseconds the
  // ACKs would cost the receiver as much as the data.
  static constexpr uint32_t kElicitingMax = 16;
  // All of eight ACKs in a row are lost once in 15,000 times at 30 % loss.
  static constexpr uint32_t kReportsMax = 8;
  static constexpr uint64_t kAckDelayNs = 50'000;
  // No sender gets that far; one number above the largest always exists.
  static constexpr uint64_t kNumberMax = uint64_t{1} << 62;

  void set_ack_delay_ns(uint64_t ack_delay_ns) noexcept { ack_delay_ns_ = ack_delay_ns; }

  // Whether the packet neither came before nor is too old to tell. Changes nothing: to be asked
  // before, or add() to be called only after, the packet was found authentic.
  [[nodiscard]] bool is_new(uint64_t number) const noexcept {
    if (number >= next_number_) return number <= kNumberMax;
    return next_number_ - number <= kReplayWindow && !test_seen(number);
  }
  // An authentic packet that is_new(). O(1) in order, else bounded by window and ranges.
  void add(uint64_t number, uint64_t now_ns, bool is_eliciting) noexcept {
    HR_DASSERT(is_new(number));
    if (number == next_number_ && range_count_ != 0 && ranges_[range_count_ - 1].last + 1 == number)
        [[likely]] {
      ranges_[range_count_ - 1].last = number;
      next_number_ = number + 1;
      largest_came_ns_ = now_ns;
    } else {
      add_out_of_order(number, now_ns, is_eliciting);
    }
    set_seen(number);
    if (is_eliciting && eliciting_++ == 0) oldest_eliciting_ns_ = now_ns;
  }
  // As add(), for a packet that could not be taken: it is not new again, and no ACK names it, so
  // that its sender sends what was in it once more.
  void refuse(uint64_t number) noexcept;

  // Whether a packet came whose ACK was not sent: one that goes out anyway should carry it.
  [[nodiscard]] bool has_news() const noexcept { return eliciting_ != 0 || is_urgent_; }
  // Whether an ACK is due by itself: at once where a gap appeared or a late packet came (the
  // sender's loss detection waits for nothing else), after kElicitingMax, or after the delay.
  [[nodiscard]] bool should_ack(uint64_t now_ns) const noexcept {
    return is_urgent_ || eliciting_ >= kElicitingMax || now_ns >= ack_deadline_ns();
  }
  [[nodiscard]] uint64_t ack_deadline_ns() const noexcept {
    if (is_urgent_) return 0;
    return eliciting_ == 0 ? kNoDeadlineNs : time_after(oldest_eliciting_ns_, ack_delay_ns_);
  }

  // What the ACK has to say; false before the first packet. Once it is certain to be sent, call
  // on_ack_sent(). `ranges_max`: what there is room for, 1 at least.
  [[nodiscard]] bool contents(uint64_t now_ns, uint32_t ranges_max,
                              AckContents& contents) const noexcept {
    HR_DASSERT(ranges_max >= 1);
    if (range_count_ == 0) return false;
    const Range& newest = ranges_[range_count_ - 1];
    contents.largest = newest.last;
    contents.delay_ns = clamp_u32(elapsed_ns(now_ns, largest_came_ns_));
    contents.ranges[0] = {0, clamp_u32(newest.last - newest.first + 1)};
    contents.range_count = 1;
    if (range_count_ > 1) add_older_ranges(ranges_max, contents);
    return true;
  }
  // `range_count`: as many of the newest ranges as the frame holds.
  void on_ack_sent(uint32_t range_count) noexcept {
    eliciting_ = 0;
    is_urgent_ = false;
    // The newest range stays whatever was said of it: it is what the next packet makes longer.
    if (range_count_ > 1) age_ranges(range_count);
  }

  // One above the largest number that came; 0 before the first.
  [[nodiscard]] uint64_t next_number() const noexcept { return next_number_; }
  // By how many numbers a late packet had been overtaken, at most.
  [[nodiscard]] uint64_t reorder_depth_max() const noexcept { return reorder_depth_max_; }

 private:
  struct Range {
    uint64_t first;
    uint64_t last;
    uint32_t reports;  // ACKs that said it as it is.
  };
  static constexpr uint32_t kWordBits = 64;
  static constexpr uint32_t kWords = kReplayWindow / kWordBits;

  void add_out_of_order(uint64_t number, uint64_t now_ns, bool is_eliciting) noexcept;
  static uint32_t clamp_u32(uint64_t value) noexcept {
    return value < UINT32_MAX ? static_cast<uint32_t>(value) : UINT32_MAX;
  }
  void add_older_ranges(uint32_t ranges_max, AckContents& contents) const noexcept;
  void add_ahead(uint64_t number) noexcept;
  void add_late(uint64_t number) noexcept;
  void clear_seen(uint64_t first, uint64_t last) noexcept;
  void insert_range(uint32_t index, uint64_t number) noexcept;
  void remove_range(uint32_t index) noexcept;
  void age_ranges(uint32_t range_count) noexcept;
  bool test_seen(uint64_t number) const noexcept {
    return (seen_[number % kReplayWindow / kWordBits] >> (number % kWordBits) & 1) != 0;
  }
  void set_seen(uint64_t number) noexcept {
    seen_[number % kReplayWindow / kWordBits] |= uint64_t{1} << (number % kWordBits);
  }

  uint64_t next_number_ = 0;  // One above the largest, refused ones included.
  uint32_t range_count_ = 0;
  uint32_t eliciting_ = 0;  // Since the last ACK.
  uint64_t oldest_eliciting_ns_ = 0;
  uint64_t largest_came_ns_ = 0;
  uint64_t ack_delay_ns_ = kAckDelayNs;
  bool is_urgent_ = false;
  // Newest last, so that the range that grows in order stays in its place.
  Range ranges_[kAckRangesMax];
  uint64_t reorder_depth_max_ = 0;
  uint64_t seen_[kWords] = {};  // By number modulo the window.
};

}  // namespace hyperroute::raptor
