// The conformance suite on the raptor endpoint: both modes, encrypted and not, both
// address families.
#include "conformance/message_backend_conformance.h"
#include "conformance/raptor_world.h"

namespace hyperroute {

using RaptorWorlds =
    ::testing::Types<RaptorWorld<RaptorMode::kListen>, RaptorWorld<RaptorMode::kConnect>,
                     RaptorWorld<RaptorMode::kListen, true>,
                     RaptorWorld<RaptorMode::kConnect, false, AF_INET6>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Raptor, MessageBackendConformance, RaptorWorlds);

}  // namespace hyperroute
