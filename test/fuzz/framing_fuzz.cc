// Fuzzes the framings: scanning hostile bytes never reads outside them and always makes sense,
// in one piece or in two; what a framing seals, it scans back unchanged.
//
// Input: 16 bytes of options, then the stream. The bytes handed to scan() are a heap block of
// exactly their size, so that the address sanitizer sees a read beyond either end.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "base/bits.h"
#include "io/tcp/framing.h"

namespace hyperroute {
namespace {

constexpr size_t kOptionBytes = 16;

FramingOptions options_from(const uint8_t* data) {
  FramingOptions options;
  options.kind = static_cast<FramingKind>(data[0] % 3);
  options.prefix_bytes = data[1] % 10;
  options.big_endian = (data[2] & 1) != 0;
  options.includes_header = (data[2] & 2) != 0;
  options.strip = (data[2] & 4) != 0;
  options.prefix_offset = data[3] % 16;
  options.adjust = static_cast<int32_t>(load_u32_le(data + 4));
  if ((data[2] & 8) != 0) options.adjust %= 64;
  options.delimiter_bytes = data[8] % 10;
  std::memcpy(options.delimiter, data + 9, 4);
  options.fixed_bytes = data[13];
  return options;
}

void check_scan(const Framing& framing, const uint8_t* stream, uint32_t stream_bytes,
                uint32_t cut_bytes) {
  const uint32_t limit_bytes = framing.frame_bytes_max();
  std::vector<uint8_t> part(stream, stream + cut_bytes);
  const ScanResult first = framing.scan(part.data(), cut_bytes, 0, limit_bytes);
  const std::vector<uint8_t> whole(stream, stream + stream_bytes);
  const ScanResult result = framing.scan(whole.data(), stream_bytes, 0, limit_bytes);
  if (result.status == ScanStatus::kFrame) {
    HR_ASSERT(result.frame_bytes > 0 && result.frame_bytes <= stream_bytes);
    HR_ASSERT(result.frame_bytes <= limit_bytes);
    HR_ASSERT(uint64_t{result.message_offset} + result.message_bytes <= result.frame_bytes);
  }
  if (first.status != ScanStatus::kNeedMore) {
    // What was decided early stays decided.
    HR_ASSERT(first.status == result.status && first.frame_bytes == result.frame_bytes);
    return;
  }
  HR_ASSERT(cut_bytes < limit_bytes);
  const ScanResult again = framing.scan(whole.data(), stream_bytes, cut_bytes, limit_bytes);
  HR_ASSERT(again.status == result.status && again.frame_bytes == result.frame_bytes);
  HR_ASSERT(again.message_bytes == result.message_bytes);
}

void check_seal(const Framing& framing, const uint8_t* message, uint32_t message_bytes) {
  const FrameRoom room = framing.room();
  if (message_bytes > room.message_bytes_max) message_bytes = room.message_bytes_max;
  std::vector<uint8_t> frame(room.head_bytes + message_bytes + room.tail_bytes);
  if (message_bytes > 0) std::memcpy(frame.data() + room.head_bytes, message, message_bytes);
  const uint32_t frame_bytes = framing.seal(frame.data(), message_bytes);
  if (frame_bytes == 0) return;
  HR_ASSERT(frame_bytes == frame.size());
  const ScanResult result = framing.scan(frame.data(), frame_bytes, 0, framing.frame_bytes_max());
  HR_ASSERT(result.status == ScanStatus::kFrame && result.frame_bytes == frame_bytes);
  HR_ASSERT(result.message_offset == room.head_bytes && result.message_bytes == message_bytes);
}

}  // namespace
}  // namespace hyperroute

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t* data,
                                                                             size_t data_bytes) {
  using namespace hyperroute;
  if (data_bytes < kOptionBytes) return 0;
  const uint32_t frame_bytes_max = 1 + (data[14] | uint32_t{data[15]} << 8) % 2048;
  const Result<Framing> framing = Framing::create(options_from(data), frame_bytes_max);
  if (!framing.ok()) return 0;
  const uint8_t* stream = data + kOptionBytes;
  const uint32_t stream_bytes = static_cast<uint32_t>(data_bytes - kOptionBytes);
  const uint32_t cut_bytes = stream_bytes == 0 ? 0 : stream[0] % (stream_bytes + 1);
  check_scan(framing.value(), stream, stream_bytes, cut_bytes);
  check_seal(framing.value(), stream, stream_bytes);
  return 0;
}
