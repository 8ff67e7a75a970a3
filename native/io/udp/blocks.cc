// Checking of the options of blocks. Control thread; the data path is blocks_datapath.cc.
#include "io/udp/blocks.h"

namespace hyperroute {
namespace {

bool is_width(uint8_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4; }

Status check_options(const BlocksOptions& options, uint32_t datagram_bytes_max) {
  if (options.header_bytes < 1 || options.header_bytes > kBlocksHeaderBytesMax ||
      options.header_bytes > datagram_bytes_max) {
    return Status::error(StatusCode::kConfig,
                         "framing.headerBytes: expected 1 to %u within maxDatagramBytes, got %u",
                         kBlocksHeaderBytesMax, options.header_bytes);
  }
  if (!is_width(options.count_bytes) || options.count_bytes > options.header_bytes ||
      options.count_offset > options.header_bytes - options.count_bytes) {
    return Status::error(StatusCode::kConfig,
                         "framing.count: expected 1, 2 or 4 bytes within the header, got %u at %u",
                         options.count_bytes, options.count_offset);
  }
  if (!is_width(options.length_bytes)) {
    return Status::error(StatusCode::kConfig, "framing.length: expected 1, 2 or 4 bytes, got %u",
                         options.length_bytes);
  }
  if (options.empty_count_count > kEmptyCountsMax) {
    return Status::error(StatusCode::kConfig, "framing.emptyCounts: expected up to %u, got %u",
                         kEmptyCountsMax, options.empty_count_count);
  }
  return Status::success();
}

}  // namespace

Result<Blocks> Blocks::create(const BlocksOptions& options, uint32_t datagram_bytes_max) {
  HR_TRY(check_options(options, datagram_bytes_max));
  Blocks blocks;
  blocks.options_ = options;
  return blocks;
}

}  // namespace hyperroute
