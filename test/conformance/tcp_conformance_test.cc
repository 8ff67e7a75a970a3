// The conformance suite on the tcp endpoint: both modes, each framing.
#include "conformance/message_backend_conformance.h"
#include "conformance/tcp_world.h"

namespace hyperroute {

using TcpListenWorlds = ::testing::Types<TcpWorld<InnerPrefixCodec, TcpMode::kListen>,
                                         TcpWorld<InnerPrefixCodec, TcpMode::kListen, AF_INET6>,
                                         TcpWorld<StrippedPrefixCodec, TcpMode::kListen>,
                                         TcpWorld<DelimiterCodec, TcpMode::kListen>,
                                         TcpWorld<FixedCodec, TcpMode::kListen>>;
INSTANTIATE_TYPED_TEST_SUITE_P(TcpListen, MessageBackendConformance, TcpListenWorlds);

using TcpConnectWorlds = ::testing::Types<
    TcpWorld<InnerPrefixCodec, TcpMode::kConnect>, TcpWorld<StrippedPrefixCodec, TcpMode::kConnect>,
    TcpWorld<DelimiterCodec, TcpMode::kConnect>, TcpWorld<FixedCodec, TcpMode::kConnect>>;
INSTANTIATE_TYPED_TEST_SUITE_P(TcpConnect, MessageBackendConformance, TcpConnectWorlds);

}  // namespace hyperroute
