// The queue of copied messages: append, hand out, take. Worker; copies bytes, allocates nothing.
#include <algorithm>
#include <cstring>

#include "io/raptor/message_queue.h"

namespace hyperroute {

MessageQueue::Header MessageQueue::header_at(uint32_t position) const noexcept {
  Header header;
  std::memcpy(&header, at(position), sizeof header);
  return header;
}

bool MessageQueue::append(std::span<const uint8_t> message, uint8_t producer,
                          bool is_counted) noexcept {
  if (empty()) {
    head_ = 0;
    next_ = 0;
    tail_ = 0;
  }
  if (message.size() > capacity_bytes_ / 2) return false;
  const uint32_t span = span_bytes(static_cast<uint32_t>(message.size()));
  const uint32_t to_end = capacity_bytes_ - (tail_ & (capacity_bytes_ - 1));
  const uint32_t skipped = span <= to_end ? 0 : to_end;
  const uint32_t used = tail_ - head_;
  if (used + skipped + span > capacity_bytes_) return false;
  if (skipped > 0) {
    // Positions are multiples of the header's size, so there is room for one.
    const Header skip{skipped - kHeaderBytes, 0, 0, 1, 0};
    std::memcpy(at(tail_), &skip, sizeof skip);
    if (next_ == tail_) next_ += skipped;
    if (head_ == tail_) head_ += skipped;
    tail_ += skipped;
    peak_bytes_ = capacity_bytes_;
  }
  const Header header{static_cast<uint32_t>(message.size()), producer, is_counted, 0, 0};
  std::memcpy(at(tail_), &header, sizeof header);
  if (!message.empty()) std::memcpy(at(tail_) + kHeaderBytes, message.data(), message.size());
  tail_ += span;
  ++count_;
  kept_bytes_ += header.bytes;
  const uint32_t end = tail_ & (capacity_bytes_ - 1);
  peak_bytes_ = std::max(peak_bytes_, end == 0 ? capacity_bytes_ : end);
  return true;
}

uint32_t MessageQueue::past_skip(uint32_t position) const noexcept {
  if (position == tail_) return position;
  const Header header = header_at(position);
  return header.is_skip == 0 ? position : position + kHeaderBytes + header.bytes;
}

QueuedMessage MessageQueue::message_at(uint32_t position) const noexcept {
  const Header header = header_at(position);
  return {at(position) + kHeaderBytes, header.bytes, position, header.producer,
          header.is_counted != 0};
}

QueuedMessage MessageQueue::next() noexcept {
  next_ = past_skip(next_);
  if (next_ == tail_) return {};
  const QueuedMessage message = message_at(next_);
  next_ += span_bytes(message.bytes);
  return message;
}

QueuedMessage MessageQueue::front() const noexcept {
  return empty() ? QueuedMessage{} : message_at(past_skip(head_));
}

void MessageQueue::take_front() noexcept {
  HR_DASSERT(!empty());
  const uint32_t position = past_skip(head_);
  const uint32_t bytes = header_at(position).bytes;
  head_ = past_skip(position + span_bytes(bytes));
  if (is_before(next_, head_)) next_ = head_;
  --count_;
  kept_bytes_ -= bytes;
}

uint32_t MessageQueue::take_peak_bytes() noexcept {
  const uint32_t peak_bytes = peak_bytes_;
  peak_bytes_ = 0;
  return peak_bytes;
}

}  // namespace hyperroute
