// Several messages in one datagram: a header with a count, then so many blocks, each a length and
// the bytes of a message.
//
// Thread: any; a rule is a plain value, fixed after create(). Data path: judge() for each received
// datagram, block_at() for each of its messages, both on the endpoint's worker. A datagram is
// judged whole before any of it is handed out: its blocks fill it exactly or none of them counts.
#pragma once

#include <array>
#include <cstdint>

#include "base/status.h"

namespace hyperroute {

inline constexpr uint32_t kBlocksHeaderBytesMax = 4096;
inline constexpr uint32_t kEmptyCountsMax = 4;

struct BlocksOptions {
  // Bytes before the first block. 0: no blocks, a datagram is one message.
  uint32_t header_bytes = 0;
  // Where the header says how many blocks follow: 1, 2 or 4 bytes.
  uint32_t count_offset = 0;
  uint8_t count_bytes = 2;
  bool count_big_endian = false;
  // Before each message: its bytes, in 1, 2 or 4 bytes that the value may include.
  uint8_t length_bytes = 2;
  bool length_big_endian = false;
  bool includes_length = false;
  // Counts that say something else than a number of blocks: no block follows them.
  uint8_t empty_count_count = 0;
  std::array<uint32_t, kEmptyCountsMax> empty_counts{};

  friend bool operator==(const BlocksOptions&, const BlocksOptions&) = default;
};

class Blocks {
 public:
  // The rule of an endpoint whose datagrams are one message each.
  Blocks() = default;

  // kConfig names the option that cannot be.
  static Result<Blocks> create(const BlocksOptions& options, uint32_t datagram_bytes_max);

  struct Verdict {
    bool is_good;
    uint32_t message_count;
    uint32_t message_bytes;  // Of all messages together.
  };
  [[nodiscard]] Verdict judge(const uint8_t* datagram, uint32_t datagram_bytes) const noexcept {
    if (options_.header_bytes == 0) return {true, 1, datagram_bytes};
    return judge_blocks(datagram, datagram_bytes);
  }

  // The message whose block starts at `offset` of a datagram that judge() found good, and where
  // the next block starts: at the datagram's end there is none.
  struct Block {
    uint32_t offset;
    uint32_t bytes;
  };
  [[nodiscard]] Block block_at(const uint8_t* datagram, uint32_t datagram_bytes,
                               uint32_t offset) const noexcept {
    if (options_.header_bytes == 0) return {0, datagram_bytes};
    return find_block(datagram, datagram_bytes, offset);
  }
  [[nodiscard]] uint32_t first_offset() const noexcept { return options_.header_bytes; }

 private:
  [[nodiscard]] Verdict judge_blocks(const uint8_t* datagram,
                                     uint32_t datagram_bytes) const noexcept;
  [[nodiscard]] Block find_block(const uint8_t* datagram, uint32_t datagram_bytes,
                                 uint32_t offset) const noexcept;
  [[nodiscard]] bool is_empty_count(uint32_t count) const noexcept;

  BlocksOptions options_;
};

}  // namespace hyperroute
