// Endpoints on a network of one virtual clock without delay, for the tests of native/raptor.
//
// Everything is deterministic: randomness comes from seeded generators. A datagram can be looked
// at, changed, dropped or kept for later by the filter, and any datagram can be injected.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "raptor/endpoint.h"
#include "raptor/message_view.h"

namespace hyperroute::raptor {

inline constexpr uint64_t kMs = 1'000'000;

inline PathAddress address_of(uint32_t number) {
  uint8_t bytes[4];
  store_u32_le(bytes, number);
  return PathAddress::of(bytes);
}

inline uint32_t number_of(const PathAddress& address) { return load_u32_le(address.bytes); }

struct TestRandom {
  explicit TestRandom(uint64_t seed) : prng(seed) {}
  static void fill(void* context, uint8_t* to, size_t bytes) {
    auto* const random = static_cast<TestRandom*>(context);
    random->fill_count += 1;
    for (size_t at = 0; at < bytes; ++at) to[at] = static_cast<uint8_t>(random->prng.next_u32());
  }
  RandomSource source() { return {this, fill}; }
  Prng prng;
  uint64_t fill_count = 0;
};

inline crypto::KeyPair keys_of(uint8_t owner) {
  crypto::PrivateKey key;
  key.fill(owner);
  EXPECT_TRUE(crypto::load().ok());
  return crypto::key_pair_of(key).take();
}

struct Datagram {
  uint32_t from = 0;
  uint32_t to = 0;
  std::vector<uint8_t> bytes;
  PacketKind kind() const { return static_cast<PacketKind>(bytes.at(0)); }
};

// The listener has the address and the key 1 unless a test says otherwise, clients any others.
inline constexpr uint32_t kListener = 1;
inline constexpr uint32_t kClient = 2;

class TestNetwork {
 public:
  struct Message {
    uint32_t session;
    std::string text;
  };
  struct Node {
    uint32_t number = 0;
    std::unique_ptr<TestRandom> random;
    std::unique_ptr<Endpoint> endpoint;
    std::vector<SessionEvent> events;
    std::vector<Message> messages;
  };

  explicit TestNetwork(uint64_t seed) : seed_(seed) {}

  EndpointOptions options(uint32_t number) const {
    EndpointOptions options;
    options.is_listener = number == kListener;
    options.static_keys = keys_of(static_cast<uint8_t>(number));
    return options;
  }

  // Starts an endpoint at an address, in place of the one that was there.
  Endpoint& start(uint32_t number, EndpointOptions options) {
    Node& node = nodes_[number];
    node.number = number;
    node.endpoint.reset();
    node.random = std::make_unique<TestRandom>(seed_ + ++starts_ * 1'000 + number);
    if (options.random.fill == nullptr) options.random = node.random->source();
    Result<std::unique_ptr<Endpoint>> created = Endpoint::create(now_ns, options);
    EXPECT_TRUE(created.ok()) << created.status().context;
    node.endpoint = created.take();
    return *node.endpoint;
  }
  Endpoint& start(uint32_t number) { return start(number, options(number)); }
  void stop(uint32_t number) { nodes_[number].endpoint.reset(); }
  Node& node(uint32_t number) { return nodes_[number]; }
  Endpoint& at(uint32_t number) { return *nodes_[number].endpoint; }

  SessionRef connect(uint32_t from, uint32_t to = kListener, uint8_t key = 1) {
    Result<SessionRef> ref = at(from).connect(now_ns, address_of(to), keys_of(key).public_key);
    EXPECT_TRUE(ref.ok()) << ref.status().context;
    return ref.ok() ? ref.value() : SessionRef{};
  }

  // Hands one datagram over, whatever the filter says of it.
  void deliver(const Datagram& datagram) {
    const auto found = nodes_.find(datagram.to);
    if (found == nodes_.end() || found->second.endpoint == nullptr) return;
    alignas(8) static uint8_t buffer[kDatagramBytesMax];
    ASSERT_LE(datagram.bytes.size(), sizeof buffer);
    std::copy(datagram.bytes.begin(), datagram.bytes.end(), buffer);
    Node& node = found->second;
    const MessageSink sink{&node, take};
    node.endpoint->on_datagram(now_ns, buffer, static_cast<uint32_t>(datagram.bytes.size()),
                               address_of(datagram.from), sink);
    take_events(node);
  }

  // Lets every endpoint send and receive until nobody has anything more.
  void run() {
    for (int turn = 0; turn < kTurnsMax; ++turn) {
      bool is_quiet = true;
      for (auto& [number, node] : nodes_) {
        if (node.endpoint != nullptr && collect(node)) is_quiet = false;
      }
      while (!wire_.empty()) {
        Datagram datagram = std::move(wire_.front());
        wire_.pop_front();
        if (is_recording) recorded.push_back(datagram);
        if (filter == nullptr || filter(datagram)) deliver(datagram);
      }
      if (is_quiet) return;
    }
    FAIL() << "endpoints talk without end";
  }

  // Lets time pass, deadline by deadline.
  void advance(uint64_t by_ns) {
    const uint64_t end_ns = now_ns + by_ns;
    run();
    for (int step = 0; step < kStepsMax; ++step) {
      uint64_t next_ns = kNeverNs;
      for (auto& [number, node] : nodes_) {
        if (node.endpoint != nullptr) {
          next_ns = std::min(next_ns, node.endpoint->next_deadline_ns());
        }
      }
      if (next_ns > end_ns) break;
      now_ns = std::max(now_ns, next_ns);
      for (auto& [number, node] : nodes_) {
        if (node.endpoint == nullptr) continue;
        node.endpoint->on_deadline(now_ns);
        take_events(node);
      }
      run();
    }
    now_ns = end_ns;
  }

  // The events of one kind that an endpoint told.
  std::vector<SessionEvent> events(uint32_t number, SessionEventKind kind) {
    std::vector<SessionEvent> chosen;
    for (const SessionEvent& event : nodes_[number].events) {
      if (event.kind == kind) chosen.push_back(event);
    }
    return chosen;
  }
  std::vector<SessionEvent> ended(uint32_t number) {
    return events(number, SessionEventKind::kEnded);
  }
  std::vector<SessionEvent> established(uint32_t number) {
    return events(number, SessionEventKind::kEstablished);
  }

  // Connects a client and gives its session.
  SessionRef establish(uint32_t client = kClient) {
    const SessionRef ref = connect(client);
    run();
    EXPECT_NE(at(client).session(ref), nullptr);
    return ref;
  }

  std::vector<Datagram> recorded_of(PacketKind kind) const {
    std::vector<Datagram> chosen;
    for (const Datagram& datagram : recorded) {
      if (datagram.kind() == kind) chosen.push_back(datagram);
    }
    return chosen;
  }

  uint64_t now_ns = 1'000'000'000;
  // False: the datagram is lost.
  std::function<bool(Datagram&)> filter;
  bool is_recording = false;
  std::vector<Datagram> recorded;

 private:
  static constexpr int kTurnsMax = 10'000;
  static constexpr int kStepsMax = 1'000'000;

  static uint32_t take(void* context, std::span<const MessageView> views) {
    Node& node = *static_cast<Node*>(context);
    take_events(node);
    for (const MessageView& view : views) {
      const bool is_told =
          std::any_of(node.events.begin(), node.events.end(), [&](const SessionEvent& event) {
            return event.session.value == view.session &&
                   event.kind == SessionEventKind::kEstablished;
          });
      EXPECT_TRUE(is_told) << "a message before its session";
      const std::string text(reinterpret_cast<const char*>(view.data), view.bytes);
      node.messages.push_back({view.session, text});
    }
    return static_cast<uint32_t>(views.size());
  }

  static void take_events(Node& node) {
    SessionEvent event;
    while (node.endpoint->next_event(event)) node.events.push_back(event);
  }

  bool collect(Node& node) {
    uint8_t buffer[kDatagramBytesMax];
    bool is_any = false;
    for (int count = 0; count < kTurnsMax; ++count) {
      const Endpoint::Transmit transmit = node.endpoint->next_transmit(now_ns, buffer);
      take_events(node);
      if (transmit.bytes == 0) return is_any;
      is_any = true;
      wire_.push_back({node.number, number_of(*transmit.to), {buffer, buffer + transmit.bytes}});
    }
    ADD_FAILURE() << "an endpoint sends without end";
    return false;
  }

  uint64_t seed_;
  uint64_t starts_ = 0;
  std::map<uint32_t, Node> nodes_;
  std::deque<Datagram> wire_;
};

}  // namespace hyperroute::raptor
