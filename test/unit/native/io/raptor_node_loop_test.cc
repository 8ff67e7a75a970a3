// A node in an event loop that watches its two descriptors by itself.
#include <gtest/gtest.h>
#include <poll.h>

#include <iterator>

#include "base/clock.h"
#include "test/unit/native/io/raptor_nodes.h"

namespace hyperroute {
namespace {

TEST(RaptorNode, AnEventLoopThatWatchesItsTwoDescriptorsIsWokenByBoth) {
  NodeWorld world;
  TestNode& server = world.listen();
  TestNode& client = world.connect(server);
  const uint32_t publication = client.publish(1);
  server.subscribe(1);
  world.run_until([&] { return client.is_connected() && server.is_connected(); });
  ASSERT_GT(client.offer(publication, "x"), 0);
  bool was_woken_by_socket = false;
  bool was_woken_by_timer = false;
  // What the client has sent comes first; then nobody but the timer has anything to tell.
  while (server.got(1).empty() || !was_woken_by_timer) {
    if (server.node.prepare_timer(monotonic_ns())) {
      pollfd waiting[] = {{server.node.socket_fd(), POLLIN, 0},
                          {server.node.timer_fd(), POLLIN, 0}};
      ASSERT_GT(::poll(waiting, std::size(waiting), 5'000), 0) << "nothing woke it";
      was_woken_by_socket = was_woken_by_socket || waiting[0].revents == POLLIN;
      was_woken_by_timer = was_woken_by_timer || waiting[1].revents == POLLIN;
    }
    server.turn();
  }
  EXPECT_TRUE(was_woken_by_socket);
  EXPECT_FALSE(server.node.waits_for_room());
  while (!server.node.prepare_timer(monotonic_ns())) server.turn();
  server.node.wake_at_once();
  pollfd waiting{server.node.timer_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 5'000), 1);
}

}  // namespace
}  // namespace hyperroute
