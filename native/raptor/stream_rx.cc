// Making the receiving end of a stream, and its ring when the first record has to be kept.
#include "raptor/stream_rx.h"

#include <algorithm>

namespace hyperroute::raptor {

Result<StreamRx> StreamRx::create(const StreamOptions& options, uint32_t window_bytes,
                                  uint16_t stream, uint32_t session) {
  StreamOptions checked = options;
  checked.ring_bytes = 0;  // The peer's, of no concern here.
  if (const char* reason = checked.invalid(); reason != nullptr) {
    return Status::error(StatusCode::kConfig, "a stream's %s", reason);
  }
  if (window_bytes > kStreamRingBytesMax) {
    return Status::error(StatusCode::kConfig, "a stream's window of %u bytes", window_bytes);
  }
  StreamRx receiver;
  receiver.options_ = checked;
  receiver.window_bytes_ = stream_ring_bytes(options.message_bytes_max, window_bytes);
  receiver.told_limit_ = window_bytes;
  receiver.whole_bytes_max_ = std::min(options.message_bytes_max, kRecordPayloadBytesMax);
  receiver.stream_ = stream;
  receiver.session_ = session;
  return receiver;
}

bool StreamRx::make_ring() noexcept {
  if (!ring_.empty()) [[likely]]
    return true;
  Result<MirroredRegion> ring = MirroredRegion::create(window_bytes_);
  if (!ring.ok()) return false;
  const uint64_t words_bytes = PositionBitmap::words_bytes(window_bytes_);
  Result<MemoryRegion> words = MemoryRegion::anonymous(2 * words_bytes, Prefault::kNo);
  if (!words.ok()) return false;
  ring_ = ring.take();
  words_ = words.take();
  mask_ = window_bytes_ - 1;
  uint64_t* const first = reinterpret_cast<uint64_t*>(words_.data());
  received_ = PositionBitmap(first, window_bytes_);
  stored_ = PositionBitmap(first + words_bytes / sizeof(uint64_t), window_bytes_);
  return true;
}

}  // namespace hyperroute::raptor
