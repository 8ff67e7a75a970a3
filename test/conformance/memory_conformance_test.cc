// The conformance suite on the memory endpoint.
#include "conformance/memory_world.h"
#include "conformance/message_backend_conformance.h"

namespace hyperroute {

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, MessageBackendConformance, MemoryWorld);

}  // namespace hyperroute
