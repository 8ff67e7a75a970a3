// A verified layout image: a message type, ready for binding, reading and writing.
//
// Thread: loaded by the control thread; immutable afterwards, read by every worker without
// synchronisation. Not on the data path itself; what it gives out is.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/memory.h"
#include "base/status.h"
#include "include/hyperroute/layout.h"

namespace hyperroute {

class LayoutImage {
 public:
  LayoutImage() noexcept = default;

  // Copies the image into memory of its own and verifies every offset, count, name and place in
  // it. On failure (kImageCorrupt with the reason, kSystem without memory) `image` is unchanged.
  [[nodiscard]] static Status load(std::span<const uint8_t> image_bytes, LayoutImage& image);

  // Of a loaded image. It, handles and fallbacks live as long as this; moving this is fine.
  const MessageLayout& layout() const noexcept { return layout_; }

  // As MessageLayout::find. kNotFound or kSchema, with the path.
  template <typename Handle>
  [[nodiscard]] Status find(std::string_view path, Handle& field) const noexcept {
    return status_of(path, layout_.find(path, field));
  }

 private:
  static Status status_of(std::string_view path, FieldFault fault) noexcept;

  MemoryRegion memory_;
  MessageLayout layout_;
};

}  // namespace hyperroute
