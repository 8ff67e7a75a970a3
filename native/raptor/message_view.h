// How received messages are handed to whoever reads the stream.
// Thread: the session's. Data path: every message.
#pragma once

#include <cstdint>
#include <span>

namespace hyperroute::raptor {

struct MessageView {
  const uint8_t* data = nullptr;
  uint32_t bytes = 0;
  uint16_t stream = 0;
  uint32_t session = 0;
};

// As many as go into one call of deliver.
inline constexpr uint32_t kMessageViewsMax = 64;

// Returns how many of the views, from the front, it took; the others are kept and come again with
// the next poll. Views are good until deliver returns, or, where the driver passes unfragmented
// data that came in order straight from the datagram, until that datagram's buffer is reused.
// deliver must not call the stream or its session.
struct MessageSink {
  void* context = nullptr;
  uint32_t (*deliver)(void* context, std::span<const MessageView> views) = nullptr;
};

}  // namespace hyperroute::raptor
