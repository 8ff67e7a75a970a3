// RaptorNode over loopback sockets: publications, subscriptions, sessions.
#include "io/raptor/raptor_node.h"

#include <gtest/gtest.h>

#include "test/unit/native/io/raptor_nodes.h"

namespace hyperroute {
namespace {

TEST(RaptorNode, CarriesMessagesBothWaysUnderTheirLabels) {
  NodeWorld world;
  TestNode& server = world.listen();
  TestNode& client = world.connect(server);
  const uint32_t to_server = client.publish(1);
  const uint32_t to_client = server.publish(2);
  server.subscribe(1);
  client.subscribe(2);
  world.run_until([&] { return client.is_connected() && server.is_connected(); });
  for (uint32_t i = 0; i < 100; ++i) {
    ASSERT_GT(client.offer(to_server, "to server " + std::to_string(i)), 0);
    ASSERT_GT(server.offer(to_client, "to client " + std::to_string(i)), 0);
  }
  world.run_until([&] { return server.got(1).size() == 100 && client.got(2).size() == 100; });
  EXPECT_EQ(server.got(1).back(), "to server 99");
  EXPECT_EQ(client.got(2).front(), "to client 0");
}

}  // namespace
}  // namespace hyperroute
