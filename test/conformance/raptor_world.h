// The conformance suite's world around a raptor endpoint, in either mode: the peers are endpoints
// of the protocol with sockets of their own, driven by the test.
#pragma once

#include <memory>

#include "base/clock.h"
#include "conformance/backend_harness.h"
#include "conformance/stream_codecs.h"
#include "io/raptor/raptor.h"

namespace hyperroute {

// One end of a session, with a stream to the other. Listens or connects; not at the same time.
class RaptorEnd {
 public:
  Status open(RaptorSocketOptions options, int family = AF_INET) {
    options.local = loopback(family);
    // The test does not drive it all the time.
    options.endpoint.liveness_us = 60'000'000;
    return socket_.open(monotonic_ns(), options);
  }
  RaptorSocket& socket() { return socket_; }
  void connect(const SocketAddress& to, const crypto::PublicKey& key) {
    ASSERT_TRUE(socket_.connect(monotonic_ns(), to, key).ok());
    drive();
  }
  // Reads, sends, keeps time.
  void drive() {
    const uint64_t now_ns = monotonic_ns();
    socket_.receive(now_ns, {this, &RaptorEnd::deliver});
    take_events();
    socket_.run_timers(now_ns);
    take_events();
    while (socket_.transmit(now_ns)) {
    }
  }
  [[nodiscard]] bool is_open() const { return session_.value != 0; }
  raptor::Session* session() { return is_open() ? socket_.endpoint().session(session_) : nullptr; }
  raptor::SessionRef ref() const { return session_; }
  // False: there is no room for it now.
  bool offer(const Bytes& message) {
    if (session() == nullptr) return false;
    const int64_t position = session()->offer(monotonic_ns(), stream_, message);
    socket_.endpoint().touch(session_);
    drive();
    return position >= 0;
  }
  bool is_acknowledged() { return session() == nullptr || session()->unacked_bytes(stream_) == 0; }
  void receive(std::vector<Bytes>& messages) {
    drive();
    messages.insert(messages.end(), received_.begin(), received_.end());
    received_.clear();
  }
  // Messages it takes before it refuses the rest.
  uint32_t take_max = UINT32_MAX;
  raptor::SessionEvent last_event;
  uint32_t ended_count = 0;

  void poll() {
    if (session() == nullptr) return;
    session()->poll({this, &RaptorEnd::deliver});
    socket_.endpoint().touch(session_);
    drive();
  }
  void close() {
    if (session() == nullptr) return;
    session()->close(monotonic_ns(), raptor::CloseReason::kClosed);
    socket_.endpoint().touch(session_);
    drive();
  }

 private:
  static uint32_t deliver(void* self, std::span<const raptor::MessageView> views) {
    auto* end = static_cast<RaptorEnd*>(self);
    uint32_t taken_count = 0;
    for (const raptor::MessageView& view : views) {
      if (end->take_max == 0) break;
      --end->take_max;
      end->received_.emplace_back(view.data, view.data + view.bytes);
      ++taken_count;
    }
    return taken_count;
  }
  void take_events() {
    raptor::SessionEvent event;
    while (socket_.endpoint().next_event(event)) {
      last_event = event;
      if (event.kind == raptor::SessionEventKind::kEnded) {
        ++ended_count;
        if (event.session == session_) session_ = {};
        continue;
      }
      session_ = event.session;
      raptor::StreamOptions options;
      options.message_bytes_max = socket_.endpoint().options().message_bytes_max;
      auto stream = socket_.endpoint().session(session_)->open_stream(options);
      ASSERT_TRUE(stream.ok()) << stream.status().context;
      stream_ = stream.value();
      socket_.endpoint().touch(session_);
    }
  }

  RaptorSocket socket_;
  raptor::SessionRef session_;
  uint16_t stream_ = 0;
  std::vector<Bytes> received_;
};

inline crypto::KeyPair raptor_keys() {
  EXPECT_TRUE(crypto::load().ok());
  return crypto::generate_key_pair().take();
}

template <RaptorMode kMode, bool kInsecure = false, int kFamily = AF_INET>
class RaptorWorld {
 public:
  using Backend = RaptorBackend;
  using Harness = BackendHarness<Backend>;
  static constexpr bool kHoldsWholeEndpoint = false;
  static constexpr bool kPeersCanGo = true;
  static constexpr bool kHasEmptyMessage = true;
  static constexpr bool kHasOversize = false;
  static constexpr uint32_t kPeersAtOnce = kMode == RaptorMode::kListen ? 3 : 1;
  static constexpr uint32_t kMessageBytesMax = 256 * 1024;

  struct Peer {
    std::shared_ptr<RaptorEnd> end;

    bool send(const Bytes& message) { return end->offer(message); }
    void receive(std::vector<Bytes>& messages) { end->receive(messages); }
  };

  RaptorOptions options() {
    RaptorOptions options;
    options.mode = kMode;
    options.insecure = kInsecure;
    options.liveness_us = 60'000'000;
    if (kMode == RaptorMode::kListen) {
      options.address = loopback(kFamily);
      options.private_key = keys_.private_key;
      options.has_private_key = !kInsecure;
      return options;
    }
    options.reconnect_min_ns = 1'000'000;
    options.reconnect_max_ns = 10'000'000;
    if (!server_->socket().is_open()) {
      RaptorSocketOptions server;
      server.endpoint.is_listener = true;
      server.endpoint.insecure = kInsecure;
      server.endpoint.static_keys = keys_;
      EXPECT_TRUE(server_->open(server, kFamily).ok());
    }
    options.address = server_->socket().local_address();
    options.server_key = keys_.public_key;
    return options;
  }

  Status open(Harness& harness, uint16_t generation_seed = 0) {
    harness.drive_peers = [this] { drive(); };
    return harness.backend.open(options(), harness.counters.pointers(), generation_seed);
  }

  void drive() {
    for (const auto& end : ends_) {
      if (const auto held = end.lock()) held->drive();
    }
  }
  const crypto::KeyPair& keys() const { return keys_; }

  // Both ends know of the session, and have nothing more to say about it.
  std::unique_ptr<Peer> join(Harness& harness, uint32_t message_bytes_max = kMessageBytesMax) {
    auto peer = std::make_unique<Peer>(Peer{server_});
    const uint32_t open_before = harness.backend.peer_count();
    if (kMode == RaptorMode::kListen) {
      peer->end = std::make_shared<RaptorEnd>();
      RaptorSocketOptions client;
      client.endpoint.insecure = kInsecure;
      client.endpoint.message_bytes_max = message_bytes_max;
      if (!kInsecure) client.endpoint.static_keys = raptor_keys();
      EXPECT_TRUE(peer->end->open(client, kFamily).ok());
      peer->end->connect(harness.backend.local_address(), keys_.public_key);
    }
    ends_.push_back(peer->end);
    EXPECT_TRUE(harness.run_until([&] {
      return peer->end->is_open() && harness.backend.peer_count() > 0 &&
             (kMode == RaptorMode::kConnect || harness.backend.peer_count() > open_before);
    }));
    settle(harness, *peer);
    return peer;
  }
  // Until probes of the path and acknowledgements have passed.
  void settle(Harness& harness, Peer& peer) {
    const uint64_t end_ns = monotonic_ns() + 5'000'000;
    while (monotonic_ns() < end_ns) {
      peer.end->drive();
      harness.cycle();
    }
  }
  void forget(Harness& harness, std::unique_ptr<Peer>& peer) {
    const uint64_t before = harness.counters.connections_closed;
    peer->end->close();
    ASSERT_TRUE(harness.run_until([&] { return harness.counters.connections_closed > before; }));
    peer.reset();
  }
  static Bytes message(uint32_t tag, uint32_t text_bytes) { return text_of(tag, text_bytes); }
  static void send_oversize(Peer&) {}
  static uint64_t oversize_count(const CounterBlock&) { return 0; }

 private:
  crypto::KeyPair keys_ = raptor_keys();
  std::shared_ptr<RaptorEnd> server_ = std::make_shared<RaptorEnd>();
  std::vector<std::weak_ptr<RaptorEnd>> ends_;
};

}  // namespace hyperroute
