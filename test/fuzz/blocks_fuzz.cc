// Fuzzes the splitting of datagrams: whatever the rule and the bytes, nothing outside the datagram
// is read, and the blocks of one that is accepted fill it exactly.
//
// Input: 8 bytes of options, then the datagram. The bytes handed over are a heap block of exactly
// their size, so that the address sanitizer sees a read beyond either end.
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "io/udp/blocks.h"

namespace hyperroute {
namespace {

constexpr size_t kOptionBytes = 8;
constexpr uint32_t kDatagramBytesMax = 65'507;

BlocksOptions options_from(const uint8_t* data) {
  BlocksOptions options;
  options.header_bytes = data[0] % 40;
  options.count_offset = data[1] % 40;
  options.count_bytes = data[2] % 6;
  options.length_bytes = data[3] % 6;
  options.count_big_endian = (data[4] & 1) != 0;
  options.length_big_endian = (data[4] & 2) != 0;
  options.includes_length = (data[4] & 4) != 0;
  options.empty_count_count = data[5] % (kEmptyCountsMax + 2);
  options.empty_counts = {data[6], data[7], 0xFFFF, 0xFF};
  return options;
}

void check(const Blocks& blocks, uint32_t length_bytes, const std::vector<uint8_t>& datagram) {
  const uint32_t datagram_bytes = static_cast<uint32_t>(datagram.size());
  const Blocks::Verdict verdict = blocks.judge(datagram.data(), datagram_bytes);
  if (!verdict.is_good) return;
  const uint64_t overhead_bytes = uint64_t{verdict.message_count} * length_bytes;
  HR_ASSERT(blocks.first_offset() + overhead_bytes + verdict.message_bytes == datagram_bytes);
  uint32_t offset = blocks.first_offset();
  for (uint32_t i = 0; i < verdict.message_count; ++i) {
    const Blocks::Block block = blocks.block_at(datagram.data(), datagram_bytes, offset);
    HR_ASSERT(block.offset == offset + length_bytes);
    HR_ASSERT(block.offset <= datagram_bytes && block.bytes <= datagram_bytes - block.offset);
    offset = block.offset + block.bytes;
  }
  HR_ASSERT(offset == datagram_bytes);
}

}  // namespace
}  // namespace hyperroute

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t* data,
                                                                             size_t data_bytes) {
  using namespace hyperroute;
  if (data_bytes < kOptionBytes) return 0;
  const BlocksOptions options = options_from(data);
  const Result<Blocks> blocks = Blocks::create(options, kDatagramBytesMax);
  if (!blocks.ok()) return 0;
  const std::vector<uint8_t> datagram(data + kOptionBytes, data + data_bytes);
  check(blocks.value(), options.length_bytes, datagram);
  return 0;
}
