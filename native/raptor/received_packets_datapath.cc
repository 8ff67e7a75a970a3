// The replay window and the ranges of ACKs. The session's thread; no allocation. In order a packet
// is a bit and an increment; any number a peer may choose costs kWords and kAckRangesMax at most.
#include <algorithm>

#include "raptor/received_packets.h"

namespace hyperroute::raptor {

// Numbers that enter the window without having come.
void ReceivedPackets::clear_seen(uint64_t first, uint64_t last) noexcept {
  if (last - first >= kReplayWindow - 1) {
    std::fill(std::begin(seen_), std::end(seen_), 0);
    return;
  }
  for (uint64_t number = first; number <= last;) {
    const uint64_t word_last = number | (kWordBits - 1);
    uint64_t mask = ~uint64_t{0} << (number % kWordBits);
    if (last < word_last) mask &= ~uint64_t{0} >> (word_last - last);
    seen_[number % kReplayWindow / kWordBits] &= ~mask;
    number = word_last + 1;
  }
}

void ReceivedPackets::remove_range(uint32_t index) noexcept {
  std::copy(ranges_ + index + 1, ranges_ + range_count_, ranges_ + index);
  --range_count_;
}

// A range of its own before ranges_[index]; where all are taken, the oldest makes room.
void ReceivedPackets::insert_range(uint32_t index, uint64_t number) noexcept {
  if (range_count_ == kAckRangesMax) {
    if (index == 0) return;
    remove_range(0);
    --index;
  }
  std::copy_backward(ranges_ + index, ranges_ + range_count_, ranges_ + range_count_ + 1);
  ranges_[index] = {number, number, 0};
  ++range_count_;
}

void ReceivedPackets::add_out_of_order(uint64_t number, uint64_t now_ns,
                                       bool is_eliciting) noexcept {
  if (number >= next_number_) {
    add_ahead(number);
    largest_came_ns_ = now_ns;
    return;
  }
  add_late(number);
  if (ranges_[range_count_ - 1].last == number) largest_came_ns_ = now_ns;
  // The sender may be about to resend it.
  is_urgent_ |= is_eliciting;
}

void ReceivedPackets::refuse(uint64_t number) noexcept {
  HR_DASSERT(is_new(number));
  if (number > next_number_) clear_seen(next_number_, number - 1);
  next_number_ = std::max(next_number_, number + 1);
  set_seen(number);
}

// The first packet of all, or one behind a gap. Any packet may show a gap, one that elicits no ACK
// too: what is missing may be one that does. An answer to it elicits none, so two ends that lose
// such packets to each other do not go on for ever.
void ReceivedPackets::add_ahead(uint64_t number) noexcept {
  if (number > next_number_) {
    clear_seen(next_number_, number - 1);
    is_urgent_ = true;
  }
  insert_range(range_count_, number);
  next_number_ = number + 1;
}

void ReceivedPackets::add_late(uint64_t number) noexcept {
  reorder_depth_max_ = std::max(reorder_depth_max_, next_number_ - 1 - number);
  // The range above it; none where only a refused packet is.
  uint32_t above = range_count_;
  while (above > 0 && number < ranges_[above - 1].first) --above;
  const bool joins_above = above < range_count_ && number + 1 == ranges_[above].first;
  const bool joins_below = above > 0 && number == ranges_[above - 1].last + 1;
  if (joins_above && joins_below) {
    ranges_[above].first = ranges_[above - 1].first;
    ranges_[above].reports = 0;
    remove_range(above - 1);
  } else if (joins_above) {
    ranges_[above].first = number;
    ranges_[above].reports = 0;
  } else if (joins_below) {
    ranges_[above - 1].last = number;
    ranges_[above - 1].reports = 0;
  } else {
    insert_range(above, number);
  }
}

// Behind the newest, which is there, and as far as gaps and runs fit the frame's fields.
void ReceivedPackets::add_older_ranges(uint32_t ranges_max, AckContents& contents) const noexcept {
  const uint32_t count = std::min(ranges_max, range_count_);
  for (uint32_t said = 1; said < count; ++said) {
    const Range& above = ranges_[range_count_ - said];
    const Range& range = ranges_[range_count_ - said - 1];
    if (contents.ranges[said - 1].run != above.last - above.first + 1) return;
    const uint64_t gap = above.first - range.last - 1;
    if (gap > UINT32_MAX) return;
    contents.ranges[said] = {static_cast<uint32_t>(gap), clamp_u32(range.last - range.first + 1)};
    contents.range_count = said + 1;
  }
}

void ReceivedPackets::age_ranges(uint32_t range_count) noexcept {
  const uint32_t said = std::min(range_count, range_count_);
  const uint32_t first_said = range_count_ - said;
  uint32_t kept = first_said;
  for (uint32_t index = first_said; index < range_count_; ++index) {
    Range range = ranges_[index];
    const bool is_newest = index == range_count_ - 1;
    if (!is_newest && ++range.reports >= kReportsMax) continue;
    ranges_[kept++] = range;
  }
  range_count_ = kept;
}

}  // namespace hyperroute::raptor
