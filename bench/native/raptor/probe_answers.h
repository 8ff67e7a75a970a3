// Answers that wait for the stream back to a client: a sink must not call the session, and the
// stream may have no room.
// Thread: the listener's. Place: once an echoed message.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "base/bits.h"
#include "bench/native/raptor/probe_options.h"

namespace hyperroute::probe {

class AnswerQueue {
 public:
  // Two of the largest messages, or some thousands of small ones.
  static constexpr uint32_t kBytes = 2 * (kMessageBytesMax + 8);

  // Not touched before it is used.
  AnswerQueue() : bytes_(new uint8_t[kBytes]) {}

  [[nodiscard]] bool is_empty() const noexcept { return begin_ == end_; }
  // False: no room now.
  [[nodiscard]] bool push(std::span<const uint8_t> answer) noexcept {
    const uint32_t taken = kSizeBytes + align_up(static_cast<uint32_t>(answer.size()), kSizeBytes);
    if (taken > kBytes - end_) return false;
    store_u64_le(bytes_.get() + end_, answer.size());
    std::memcpy(bytes_.get() + end_ + kSizeBytes, answer.data(), answer.size());
    end_ += taken;
    return true;
  }
  // Only while not is_empty(); good until pop().
  [[nodiscard]] std::span<const uint8_t> front() const noexcept {
    return {bytes_.get() + begin_ + kSizeBytes, load_u64_le(bytes_.get() + begin_)};
  }
  void pop() noexcept {
    begin_ += kSizeBytes + align_up(static_cast<uint32_t>(front().size()), kSizeBytes);
    if (begin_ == end_) begin_ = end_ = 0;
  }

 private:
  static constexpr uint32_t kSizeBytes = 8;

  std::unique_ptr<uint8_t[]> bytes_;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
};

}  // namespace hyperroute::probe
