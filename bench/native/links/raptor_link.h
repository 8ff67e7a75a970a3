// Raptor with its defaults: one session, one reliable ordered stream each way, encrypted unless
// the subject says otherwise.
// Thread: main.
#pragma once

#include <array>
#include <cstdlib>

#include "base/clock.h"
#include "bench/native/links/link.h"
#include "bench/native/options.h"
#include "bench/native/pair.h"
#include "bench/native/raptor/socket_loop.h"

namespace hyperroute::links {

template <bool kIsInsecure>
class RaptorLink {
 public:
  explicit RaptorLink(const LinkOptions& options) : is_server_(options.is_server) {
    if (const Status status = crypto::load(); !kIsInsecure && !status.ok()) {
      fail(1, "Raptor: %s", status.context);
    }
    // Fixed keys: nobody but the other end of the bench is to be kept out.
    const crypto::KeyPair server_keys = key_pair(kServerKeyByte);
    RaptorSocketOptions socket_options;
    socket_options.local =
        take_or_fail(SocketAddress::parse("127.0.0.1", is_server_ ? options.port : 0));
    socket_options.lossy.loss_share = options.loss_permille * (kLossyShareMax / 1000);
    socket_options.lossy.drops_sent = false;  // The other end loses those.
    socket_options.lossy.seed = options.seed;
    socket_options.has_one_peer = !is_server_;
    socket_options.endpoint.is_listener = is_server_;
    // A host that gives an end no time for a while slows the bench down, and does not end it.
    socket_options.endpoint.liveness_us = kLivenessUs;
    socket_options.endpoint.insecure = kIsInsecure;
    socket_options.endpoint.static_keys = is_server_ ? server_keys : key_pair(kClientKeyByte);
    const Status status = loop_.open(socket_options);
    if (!status.ok()) fail(1, "Raptor: %s", status.context);
    if (is_server_) return;
    const SocketAddress server = take_or_fail(SocketAddress::parse("127.0.0.1", options.port));
    const auto session = loop_.socket().connect(loop_.now_ns(), server, server_keys.public_key);
    if (!session.ok()) fail(1, "Raptor: %s", session.status().context);
  }
  RaptorLink(const RaptorLink&) = delete;
  RaptorLink& operator=(const RaptorLink&) = delete;

  bool send(const uint8_t* bytes, uint32_t byte_count) {
    if (session_ == nullptr) return false;
    if (session_->offer(loop_.now_ns(), stream_, {bytes, byte_count}) < 0) return false;
    has_offered_ = true;
    return true;
  }

  template <class OnMessage>
  void poll(OnMessage&& on_message) {
    if (loop_.spin({&on_message, deliver<std::remove_reference_t<OnMessage>>})) take_events();
  }

  void flush() {
    if (has_offered_) {
      loop_.refresh();
      loop_.endpoint().touch(ref_);
      has_offered_ = false;
    }
    loop_.flush();
  }

  void wait() { loop_.wait(monotonic_ns() + kPatienceNs); }
  void rest(uint64_t until_ns) {
    while (monotonic_ns() < until_ns) {
      loop_.wait(until_ns);
      poll(DiscardMessage{});
      flush();
    }
  }

 private:
  static constexpr uint8_t kServerKeyByte = 0x51;
  static constexpr uint8_t kClientKeyByte = 0x52;
  static constexpr uint32_t kLivenessUs = 5'000'000;
  static constexpr uint64_t kPatienceNs = 10'000'000;

  static crypto::KeyPair key_pair(uint8_t byte) {
    if (kIsInsecure) return {};
    std::array<uint8_t, 32> private_key;
    private_key.fill(byte);
    return take_or_fail(crypto::key_pair_of(private_key));
  }

  template <class OnMessage>
  static uint32_t deliver(void* context, std::span<const raptor::MessageView> views) {
    for (const raptor::MessageView& view : views) {
      (*static_cast<OnMessage*>(context))(view.data, view.bytes);
    }
    return static_cast<uint32_t>(views.size());
  }

  void take_events() {
    raptor::SessionEvent event;
    while (loop_.endpoint().next_event(event)) {
      if (event.kind == raptor::SessionEventKind::kEnded) {
        if (is_server_ && event.reason == raptor::CloseReason::kPeerClosed) std::exit(0);
        fail(1, "Raptor: the session ended, reason %u", static_cast<unsigned>(event.reason));
      }
      ref_ = event.session;
      session_ = loop_.endpoint().session(ref_);
      stream_ = take_or_fail(session_->open_stream(raptor::StreamOptions{}));
    }
  }

  SocketLoop loop_;
  bool is_server_;
  bool has_offered_ = false;
  raptor::SessionRef ref_;
  raptor::Session* session_ = nullptr;
  uint16_t stream_ = 0;
};

static_assert(Link<RaptorLink<false>>);

}  // namespace hyperroute::links
