// The conformance suite on the raptor endpoint: both modes, encrypted and not.
#include "conformance/message_backend_conformance.h"
#include "conformance/raptor_world.h"

namespace hyperroute {

using RaptorWorlds =
    ::testing::Types<RaptorWorld<RaptorMode::kListen>, RaptorWorld<RaptorMode::kConnect>,
                     RaptorWorld<RaptorMode::kListen, true>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Raptor, MessageBackendConformance, RaptorWorlds);

}  // namespace hyperroute
