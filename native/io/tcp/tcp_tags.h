// What an epoll event of a tcp endpoint is about: its data word. Worker.
#pragma once

#include <cstdint>

#include "io/endpoint.h"

namespace hyperroute {

inline constexpr uint64_t kListenerTag = uint64_t{1} << 32;
inline constexpr uint64_t kConnectingTag = uint64_t{2} << 32;

// A connection; the generation tells an event of the index's last holder from the present one.
inline constexpr uint64_t connection_tag(PeerRef peer) {
  return uint64_t{peer.generation} << 16 | peer.index;
}

}  // namespace hyperroute
