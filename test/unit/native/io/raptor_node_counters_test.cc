// What a node says that it counted, of datagrams that never reach its sessions.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "io/unique_fd.h"
#include "raptor_nodes.h"

namespace hyperroute {
namespace {

TEST(RaptorNodeCounters, TellWhatTheKernelDroppedForWantOfRoom) {
  constexpr uint32_t kDatagrams = 4'000;
  constexpr uint32_t kTurnsMax = 10'000;
  NodeWorld world;
  RaptorNodeOptions options = world.options(true);
  options.socket.receive_buffer_bytes = 8 * 1024;
  TestNode& listener = world.listen(options);
  EXPECT_EQ(listener.node.socket_counters().kernel_drops, 0u);
  const SocketAddress to = listener.node.local_address();
  const UniqueFd sender(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(sender.is_open());
  const std::array<uint8_t, 100> datagram{};
  for (uint32_t count = 0; count < kDatagrams; ++count) {
    ASSERT_EQ(::sendto(sender.get(), datagram.data(), datagram.size(), 0, to.socket_address(),
                       to.socket_bytes()),
              static_cast<ssize_t>(datagram.size()));
  }
  // Each of them was either read or dropped.
  const auto counted = [&] {
    const uint64_t read = listener.node.endpoint_counters().malformed;
    return read + listener.node.socket_counters().kernel_drops;
  };
  for (uint32_t turn = 0; turn < kTurnsMax && counted() < kDatagrams; ++turn) world.turn();
  EXPECT_EQ(counted(), kDatagrams);
  EXPECT_GT(listener.node.socket_counters().kernel_drops, 0u);
  EXPECT_GT(listener.node.endpoint_counters().malformed, 0u);
}

}  // namespace
}  // namespace hyperroute
