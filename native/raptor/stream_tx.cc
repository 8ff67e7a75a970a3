// Making the sending end of a stream. Set-up only.
#include "raptor/stream_tx.h"

namespace hyperroute::raptor {

Result<StreamTx> StreamTx::create(const StreamOptions& options) {
  if (const char* reason = options.invalid(); reason != nullptr) {
    return Status::error(StatusCode::kConfig, "a stream's %s", reason);
  }
  StreamTx stream;
  stream.options_ = options;
  if (options.ring_bytes == 0) {
    stream.options_.ring_bytes =
        stream_ring_bytes(options.message_bytes_max, kStreamRingBytesDefault);
  }
  const uint64_t ring_bytes = stream.options_.ring_bytes;
  Result<MirroredRegion> ring = MirroredRegion::create(ring_bytes);
  if (!ring.ok()) return ring.status();
  const uint64_t words_bytes = PositionBitmap::words_bytes(ring_bytes);
  Result<MemoryRegion> words = MemoryRegion::anonymous(2 * words_bytes, Prefault::kNo);
  if (!words.ok()) return words.status();
  stream.ring_ = ring.take();
  stream.words_ = words.take();
  stream.mask_ = ring_bytes - 1;
  // A page's start is aligned for words, and so is every power of two after it.
  uint64_t* const first = reinterpret_cast<uint64_t*>(stream.words_.data());
  stream.acked_ = PositionBitmap(first, ring_bytes);
  stream.lost_ = PositionBitmap(first + words_bytes / sizeof(uint64_t), ring_bytes);
  stream.deadline_ns_ = uint64_t{options.deadline_us} * 1000;
  return stream;
}

}  // namespace hyperroute::raptor
