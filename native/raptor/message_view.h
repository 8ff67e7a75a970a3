// How received messages are handed to whoever reads the stream.
// Thread: the session's. Data path: every message.
#pragma once

#include <cstdint>
#include <span>

namespace hyperroute::raptor {

// No defaults: batches of them are filled on the data path, and only as far as they are used.
struct MessageView {
  const uint8_t* data;
  uint32_t bytes;
  uint16_t stream;
  uint32_t session;
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
