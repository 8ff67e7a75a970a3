// The backlog ring: append, gather, consume. Copies bytes, allocates nothing.
#include <algorithm>
#include <cstring>

#include "io/tcp/tcp_backlog.h"

namespace hyperroute {

TcpBacklog::Header TcpBacklog::header_at(uint64_t position) const noexcept {
  Header header;
  std::memcpy(&header, at(position), sizeof header);
  return header;
}

void TcpBacklog::put_header(uint64_t position, const Header& header) noexcept {
  std::memcpy(at(position), &header, sizeof header);
}

void TcpBacklog::append(const uint8_t* frame, const BacklogFrame& info,
                        uint32_t sent_bytes) noexcept {
  HR_DASSERT(tail_ - head_ + span_bytes(info.frame_bytes) <= capacity_bytes_);
  HR_DASSERT(sent_bytes == 0 || empty());
  put_header(tail_, Header{info.frame_bytes, info.producer, info.is_counted, 0});
  const uint64_t start = tail_ + kHeaderBytes;
  const uint64_t wrap = capacity_bytes_ - (start & (capacity_bytes_ - 1));
  const uint32_t first_bytes = static_cast<uint32_t>(std::min<uint64_t>(info.frame_bytes, wrap));
  std::memcpy(at(start), frame, first_bytes);
  std::memcpy(memory_, frame + first_bytes, info.frame_bytes - first_bytes);
  if (empty()) front_sent_bytes_ = sent_bytes;
  tail_ += span_bytes(info.frame_bytes);
  kept_bytes_ += info.frame_bytes;
  ++frame_count_;
  const uint64_t used_bytes = std::min<uint64_t>(tail_, capacity_bytes_);
  peak_bytes_ = std::max(peak_bytes_, static_cast<uint32_t>(used_bytes));
}

uint32_t TcpBacklog::gather(std::span<iovec> vectors) const noexcept {
  uint32_t vector_count = 0;
  uint32_t skipped_bytes = front_sent_bytes_;
  for (uint64_t position = head_; position != tail_;) {
    if (vectors.size() - vector_count < 2) break;  // A frame may wrap and then needs two.
    const Header header = header_at(position);
    const uint64_t start = position + kHeaderBytes + skipped_bytes;
    const uint32_t unsent_bytes = header.bytes - skipped_bytes;
    const uint64_t wrap = capacity_bytes_ - (start & (capacity_bytes_ - 1));
    const uint32_t first_bytes = static_cast<uint32_t>(std::min<uint64_t>(unsent_bytes, wrap));
    vectors[vector_count++] = iovec{at(start), first_bytes};
    if (first_bytes < unsent_bytes) {
      vectors[vector_count++] = iovec{memory_, unsent_bytes - first_bytes};
    }
    position += span_bytes(header.bytes);
    skipped_bytes = 0;
  }
  return vector_count;
}

bool TcpBacklog::consume(uint32_t& sent_bytes, BacklogFrame& completed) noexcept {
  if (sent_bytes == 0 || empty()) return false;
  const Header header = header_at(head_);
  const uint32_t unsent_bytes = header.bytes - front_sent_bytes_;
  if (sent_bytes < unsent_bytes) {
    front_sent_bytes_ += sent_bytes;
    sent_bytes = 0;
    return false;
  }
  sent_bytes -= unsent_bytes;
  return take_front(completed);
}

bool TcpBacklog::take_front(BacklogFrame& taken) noexcept {
  if (empty()) return false;
  const Header header = header_at(head_);
  taken = {header.bytes + front_cut_bytes_, header.producer, header.is_counted != 0};
  pop_front(header);
  return true;
}

void TcpBacklog::pop_front(const Header& header) noexcept {
  head_ += span_bytes(header.bytes);
  kept_bytes_ -= header.bytes;
  front_sent_bytes_ = 0;
  front_cut_bytes_ = 0;
  --frame_count_;
  if (!empty()) return;
  // Starting over at the beginning keeps a backlog that is mostly empty in a few pages.
  head_ = 0;
  tail_ = 0;
}

bool TcpBacklog::drop_oldest(BacklogFrame& dropped) noexcept {
  if (empty()) return false;
  if (!is_front_begun()) return take_front(dropped);
  const uint64_t next = head_ + span_bytes(header_at(head_).bytes);
  if (next == tail_) return false;
  const Header header = header_at(next);
  dropped = {header.bytes, header.producer, header.is_counted != 0};
  move_front_over_next();
  --frame_count_;
  return true;
}

// The front frame is on the wire in part and must be completed: its unsent rest moves up against
// the record after the next, which takes the next one's place. The rest is never longer than the
// two records together, and copying from the end makes the overlap harmless.
void TcpBacklog::move_front_over_next() noexcept {
  const Header front = header_at(head_);
  const uint64_t next = head_ + span_bytes(front.bytes);
  const uint64_t after_next = next + span_bytes(header_at(next).bytes);
  const uint32_t rest_bytes = front.bytes - front_sent_bytes_;
  kept_bytes_ -= front_sent_bytes_ + header_at(next).bytes;
  const uint64_t moved = after_next - span_bytes(rest_bytes);
  const uint64_t from = head_ + kHeaderBytes + front_sent_bytes_;
  for (uint32_t i = rest_bytes; i > 0; --i) *at(moved + kHeaderBytes + i - 1) = *at(from + i - 1);
  put_header(moved, Header{rest_bytes, front.producer, front.is_counted, 0});
  head_ = moved;
  front_cut_bytes_ += front_sent_bytes_;
  front_sent_bytes_ = 0;
}

uint32_t TcpBacklog::take_peak_bytes() noexcept {
  const uint32_t peak_bytes = peak_bytes_;
  peak_bytes_ = 0;
  return peak_bytes;
}

}  // namespace hyperroute
