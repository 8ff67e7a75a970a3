// The conformance suite on the udp endpoint, over both address families, and with blocks.
#include "conformance/message_backend_conformance.h"
#include "conformance/udp_blocks_world.h"
#include "conformance/udp_world.h"

namespace hyperroute {

using UdpWorlds = ::testing::Types<UdpWorld<AF_INET>, UdpWorld<AF_INET6>, UdpBlocksWorld<AF_INET>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Udp, MessageBackendConformance, UdpWorlds);

}  // namespace hyperroute
