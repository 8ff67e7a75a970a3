// Nodes over real loopback sockets on one thread, for the tests of RaptorNode.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "io/raptor/raptor_node.h"

namespace hyperroute {

inline constexpr uint64_t kNodeTestNsMax = 20'000'000'000;

class TestNode {
 public:
  TestNode(const RaptorNodeOptions& options) {
    const Status status = node.open(monotonic_ns(), options);
    EXPECT_TRUE(status.ok()) << status.context;
  }
  ~TestNode() { node.close(); }

  uint32_t publish(uint64_t label, SlowReceivers slow = SlowReceivers::kWait,
                   raptor::StreamMode mode = raptor::StreamMode::kReliableOrdered) {
    RaptorPublicationOptions options;
    options.stream.label = label;
    options.stream.mode = mode;
    options.stream.deadline_us = mode == raptor::StreamMode::kDeadline ? 1'000 : 0;
    options.slow_receivers = slow;
    return publish(options);
  }
  uint32_t publish(const RaptorPublicationOptions& options) {
    const auto id = node.add_publication(options);
    EXPECT_TRUE(id.ok()) << id.status().context;
    return id.ok() ? id.value() : 0;
  }
  uint32_t subscribe(uint64_t label) {
    inboxes_.push_back(std::make_unique<Inbox>());
    Inbox& inbox = *inboxes_.back();
    inbox.label = label;
    inbox.node = this;
    const auto id = node.add_subscription({label, {&inbox, &TestNode::take}});
    EXPECT_TRUE(id.ok()) << id.status().context;
    return id.ok() ? id.value() : 0;
  }
  int64_t offer(uint32_t publication, const std::string& text) {
    const int64_t position = node.offer(
        monotonic_ns(), publication, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    static_cast<void>(node.transmit(monotonic_ns()));
    return position;
  }
  void turn() {
    const uint64_t now_ns = monotonic_ns();
    static_cast<void>(node.poll(now_ns));
    static_cast<void>(node.transmit(now_ns));
    RaptorNodeEvent event;
    while (node.next_event(event)) events.push_back(event);
  }
  [[nodiscard]] bool is_connected() const { return node.session_count() > 0; }
  std::vector<std::string>& got(uint64_t label) { return got_[label]; }
  uint32_t count_of(RaptorNodeEventKind kind) const {
    return static_cast<uint32_t>(
        std::ranges::count_if(events, [&](const auto& event) { return event.kind == kind; }));
  }

  RaptorNode node;
  std::vector<RaptorNodeEvent> events;
  uint32_t takes_max = UINT32_MAX;  // Messages that its sinks take, in all.

 private:
  struct Inbox {
    uint64_t label = 0;
    TestNode* node = nullptr;
  };
  static uint32_t take(void* context, std::span<const raptor::MessageView> views) {
    const Inbox& inbox = *static_cast<Inbox*>(context);
    uint32_t taken = 0;
    for (const raptor::MessageView& view : views) {
      if (inbox.node->takes_max == 0) break;
      --inbox.node->takes_max;
      inbox.node->got_[inbox.label].emplace_back(reinterpret_cast<const char*>(view.data),
                                                 view.bytes);
      ++taken;
    }
    return taken;
  }

  std::map<uint64_t, std::vector<std::string>> got_;
  std::vector<std::unique_ptr<Inbox>> inboxes_;
};

class NodeWorld {
 public:
  NodeWorld() {
    EXPECT_TRUE(crypto::load().ok());
    server_keys_ = crypto::generate_key_pair().take();
  }

  RaptorNodeOptions options(bool is_listener, uint16_t port = 0) {
    RaptorNodeOptions options;
    options.socket.local = SocketAddress::parse("127.0.0.1", port).value();
    options.socket.endpoint.is_listener = is_listener;
    options.socket.endpoint.static_keys =
        is_listener ? server_keys_ : crypto::generate_key_pair().take();
    options.socket.lossy = lossy;
    return options;
  }
  const crypto::PublicKey& server_key() const { return server_keys_.public_key; }
  TestNode& listen() { return listen(options(true)); }
  TestNode& listen(const RaptorNodeOptions& options) { return add(options); }
  TestNode& connect(TestNode& server) { return connect(server, options(false)); }
  TestNode& connect(TestNode& server, const RaptorNodeOptions& options) {
    return connect(server, options, server_keys_.public_key);
  }
  TestNode& connect(TestNode& server, const RaptorNodeOptions& options,
                    const crypto::PublicKey& key) {
    TestNode& client = add(options);
    link(client, server.node.local_address(), key);
    return client;
  }
  uint32_t link(TestNode& client, const SocketAddress& to, const crypto::PublicKey& key) {
    RaptorLinkOptions link;
    link.to = to;
    link.key = key;
    link.reconnect_ns_min = 5'000'000;
    const auto id = client.node.connect(monotonic_ns(), link);
    EXPECT_TRUE(id.ok()) << id.status().context;
    return id.ok() ? id.value() : 0;
  }
  void remove(TestNode& node) {
    std::erase_if(nodes_, [&](const auto& each) { return each.get() == &node; });
  }
  void turn() {
    for (const auto& node : nodes_) node->turn();
  }
  void run_until(const std::function<bool()>& is_done) {
    const uint64_t begin_ns = monotonic_ns();
    while (!is_done()) {
      ASSERT_LT(monotonic_ns() - begin_ns, kNodeTestNsMax) << "nothing happens any more";
      turn();
    }
  }
  void run_for(uint64_t ns) {
    const uint64_t begin_ns = monotonic_ns();
    while (monotonic_ns() - begin_ns < ns) turn();
  }

  LossyOptions lossy;

 private:
  TestNode& add(const RaptorNodeOptions& options) {
    nodes_.push_back(std::make_unique<TestNode>(options));
    return *nodes_.back();
  }

  crypto::KeyPair server_keys_;
  std::vector<std::unique_ptr<TestNode>> nodes_;
};

}  // namespace hyperroute
