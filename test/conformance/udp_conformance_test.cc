// The conformance suite on the udp endpoint, over both address families.
#include "conformance/message_backend_conformance.h"
#include "conformance/udp_world.h"

namespace hyperroute {

using UdpWorlds = ::testing::Types<UdpWorld<AF_INET>, UdpWorld<AF_INET6>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Udp, MessageBackendConformance, UdpWorlds);

}  // namespace hyperroute
