// Checking of framing options. Control thread; the data path is framing_datapath.cc.
#include "io/tcp/framing.h"

#include <limits>

namespace hyperroute {
namespace {

// A value this far off zero could only be a mistake, and keeps the arithmetic inside 64 bits.
constexpr int64_t kAdjustMax = std::numeric_limits<int32_t>::max();

Status check_prefix(const FramingOptions& options, uint32_t frame_bytes_max) {
  if (options.prefix_bytes < 1 || options.prefix_bytes > 8) {
    return Status::error(StatusCode::kConfig, "framing.bytes: expected 1 to 8, got %u",
                         options.prefix_bytes);
  }
  if (options.prefix_offset > kPrefixOffsetMax) {
    return Status::error(StatusCode::kConfig, "framing.offset: expected 0 to %u, got %u",
                         kPrefixOffsetMax, options.prefix_offset);
  }
  if (options.adjust < -kAdjustMax || options.adjust > kAdjustMax) {
    return Status::error(StatusCode::kConfig, "framing.adjust: expected 32 bits, got %lld",
                         static_cast<long long>(options.adjust));
  }
  const uint32_t header_bytes = options.prefix_offset + options.prefix_bytes;
  if (frame_bytes_max < header_bytes) {
    return Status::error(StatusCode::kConfig,
                         "maxFrameBytes: expected the framing's %u header bytes at least, got %u",
                         header_bytes, frame_bytes_max);
  }
  return Status::success();
}

Status check_options(const FramingOptions& options, uint32_t frame_bytes_max) {
  if (frame_bytes_max == 0 || frame_bytes_max > kFrameBytesMax) {
    return Status::error(StatusCode::kConfig, "maxFrameBytes: expected 1 to %u, got %u",
                         kFrameBytesMax, frame_bytes_max);
  }
  switch (options.kind) {
    case FramingKind::kLengthPrefix:
      return check_prefix(options, frame_bytes_max);
    case FramingKind::kDelimiter:
      if (options.delimiter_bytes >= 1 && options.delimiter_bytes <= kDelimiterBytesMax &&
          options.delimiter_bytes <= frame_bytes_max) {
        return Status::success();
      }
      return Status::error(StatusCode::kConfig,
                           "framing.delimiter: expected 1 to %u bytes within maxFrameBytes, got %u",
                           kDelimiterBytesMax, options.delimiter_bytes);
    case FramingKind::kFixed:
      if (options.fixed_bytes >= 1 && options.fixed_bytes <= frame_bytes_max) {
        return Status::success();
      }
      return Status::error(StatusCode::kConfig,
                           "framing.bytes: expected 1 to maxFrameBytes (%u), got %u",
                           frame_bytes_max, options.fixed_bytes);
  }
  return Status::error(StatusCode::kConfig, "framing.kind: unknown");
}

}  // namespace

Result<Framing> Framing::create(const FramingOptions& options, uint32_t frame_bytes_max) {
  HR_TRY(check_options(options, frame_bytes_max));
  Framing framing;
  framing.options_ = options;
  framing.frame_bytes_max_ = frame_bytes_max;
  switch (options.kind) {
    case FramingKind::kLengthPrefix: {
      framing.header_bytes_ = options.prefix_offset + options.prefix_bytes;
      framing.addend_bytes_ =
          options.adjust + (options.includes_header ? 0 : int64_t{framing.header_bytes_});
      const uint32_t head_bytes = options.strip ? framing.header_bytes_ : 0;
      framing.room_ = FrameRoom{head_bytes, 0, frame_bytes_max - head_bytes};
      break;
    }
    case FramingKind::kDelimiter:
      framing.room_ =
          FrameRoom{0, options.delimiter_bytes, frame_bytes_max - options.delimiter_bytes};
      break;
    case FramingKind::kFixed:
      framing.room_ = FrameRoom{0, 0, options.fixed_bytes};
      break;
  }
  return framing;
}

}  // namespace hyperroute
