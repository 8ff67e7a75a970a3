// Finding the blocks of a datagram. Bytes from the network are judged here: a length is compared
// with what is left before it is used, and every block takes one byte of the datagram at least,
// which bounds the loop whatever the count says.
#include "base/bits.h"
#include "io/udp/blocks.h"

namespace hyperroute {
namespace {

uint32_t load_width(const uint8_t* from, uint8_t bytes, bool big_endian) noexcept {
  if (bytes == 2) return big_endian ? load_u16_be(from) : load_u16_le(from);
  if (bytes == 1) return load_u8(from);
  return big_endian ? load_u32_be(from) : load_u32_le(from);
}

constexpr Blocks::Verdict kBad{false, 0, 0};

}  // namespace

bool Blocks::is_empty_count(uint32_t count) const noexcept {
  for (uint32_t index = 0; index < options_.empty_count_count; ++index) {
    if (options_.empty_counts[index] == count) return true;
  }
  return false;
}

Blocks::Verdict Blocks::judge_blocks(const uint8_t* datagram,
                                     uint32_t datagram_bytes) const noexcept {
  const BlocksOptions& rule = options_;
  if (datagram_bytes < rule.header_bytes) return kBad;
  uint32_t count =
      load_width(datagram + rule.count_offset, rule.count_bytes, rule.count_big_endian);
  if (is_empty_count(count)) count = 0;
  const uint32_t overhead_bytes = rule.includes_length ? rule.length_bytes : 0u;
  uint32_t left_bytes = datagram_bytes - rule.header_bytes;
  uint32_t message_bytes = 0;
  for (uint32_t index = 0; index < count; ++index) {
    if (left_bytes < rule.length_bytes) return kBad;
    const uint32_t value = load_width(datagram + datagram_bytes - left_bytes, rule.length_bytes,
                                      rule.length_big_endian);
    left_bytes -= rule.length_bytes;
    if (value < overhead_bytes || value - overhead_bytes > left_bytes) return kBad;
    left_bytes -= value - overhead_bytes;
    message_bytes += value - overhead_bytes;
  }
  if (left_bytes != 0) return kBad;
  return {true, count, message_bytes};
}

Blocks::Block Blocks::find_block(const uint8_t* datagram, uint32_t datagram_bytes,
                                 uint32_t offset) const noexcept {
  const BlocksOptions& rule = options_;
  HR_DASSERT(offset >= rule.header_bytes && offset + rule.length_bytes <= datagram_bytes);
  const uint32_t value = load_width(datagram + offset, rule.length_bytes, rule.length_big_endian);
  const Block block{offset + rule.length_bytes,
                    value - (rule.includes_length ? rule.length_bytes : 0u)};
  HR_DASSERT(block.bytes <= datagram_bytes - block.offset);
  return block;
}

}  // namespace hyperroute
