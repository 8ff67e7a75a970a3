// The fixture of the conformance suite: one backend in its world, and peers that it knows.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "conformance/backend_harness.h"

namespace hyperroute {

template <class World>
class MessageBackendConformance : public ::testing::Test {
 protected:
  using Peer = typename World::Peer;
  using Harness = typename World::Harness;

  void SetUp() override {
    const Status status = world_.open(harness_);
    ASSERT_TRUE(status.ok()) << status.context;
  }
  void TearDown() override { harness_.backend.close(); }

  struct Known {
    std::unique_ptr<Peer> peer;
    PeerRef ref;
  };
  // A peer that the backend has heard of.
  Known join_known() {
    Known known{world_.join(harness_), {}};
    const size_t before = harness_.received.size();
    EXPECT_TRUE(known.peer->send(World::message(0xfeed, 8)));
    EXPECT_TRUE(harness_.run_until_received(before + 1));
    if (harness_.received.size() > before) known.ref = harness_.received.back().peer;
    harness_.received.clear();
    return known;
  }
  std::vector<Bytes> receive(Peer& peer, size_t message_count) {
    std::vector<Bytes> messages;
    harness_.run_until([&] {
      peer.receive(messages);
      return messages.size() >= message_count;
    });
    return messages;
  }

  World world_;
  Harness harness_;
};

}  // namespace hyperroute
