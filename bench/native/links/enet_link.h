// ENet: reliable ordered packets on one channel.
// Thread: main.
#pragma once

#include <enet/enet.h>

#include "base/prng.h"
#include "bench/native/links/link.h"
#include "bench/native/options.h"

namespace hyperroute::links {

class EnetLink {
 public:
  explicit EnetLink(const LinkOptions& options) : is_server_(options.is_server) {
    ENetAddress address{};
    address.host = ENET_HOST_TO_NET_32(0x7F000001u);
    address.port = options.port;
    if (enet_initialize() != 0) fail(1, "ENet: cannot start");
    host_ = enet_host_create(is_server_ ? &address : nullptr, 1, 1, 0, 0);
    if (host_ == nullptr) fail(1, "ENet: no socket");
    if (options.loss_permille > 0) {
      loss_permille = options.loss_permille;
      loss_prng = Prng(options.seed);
      host_->intercept = lose_some;
    }
    if (!is_server_) peer_ = enet_host_connect(host_, &address, 1, 0);
  }
  ~EnetLink() { enet_host_destroy(host_); }
  EnetLink(const EnetLink&) = delete;
  EnetLink& operator=(const EnetLink&) = delete;

  bool send(const uint8_t* bytes, uint32_t byte_count) {
    if (peer_ == nullptr || peer_->state != ENET_PEER_STATE_CONNECTED) return false;
    // Its queue has no bound of its own, and counting it takes a walk.
    if (++unchecked_count_ >= kCheckEvery) {
      unchecked_count_ = 0;
      if (enet_list_size(&peer_->outgoingCommands) > kQueuedCountMax) {
        unchecked_count_ = kCheckEvery;
        return false;
      }
    }
    ENetPacket* packet = enet_packet_create(bytes, byte_count, ENET_PACKET_FLAG_RELIABLE);
    return enet_peer_send(peer_, 0, packet) == 0;
  }

  template <class OnMessage>
  void poll(OnMessage&& on_message) {
    ENetEvent event;
    for (uint32_t count = 0; count < kEventCountMax && enet_host_service(host_, &event, 0) > 0;
         ++count) {
      if (event.type == ENET_EVENT_TYPE_CONNECT) peer_ = event.peer;
      if (event.type == ENET_EVENT_TYPE_RECEIVE) {
        on_message(event.packet->data, static_cast<uint32_t>(event.packet->dataLength));
        enet_packet_destroy(event.packet);
      }
    }
  }

  void flush() { enet_host_flush(host_); }
  void wait() {
    enet_uint32 condition = ENET_SOCKET_WAIT_RECEIVE;
    enet_socket_wait(host_->socket, &condition, kPatienceMs);
  }
  void rest(uint64_t until_ns) { rest_serving(*this, until_ns); }

 private:
  static constexpr uint32_t kCheckEvery = 64;
  static constexpr size_t kQueuedCountMax = 1024;
  static constexpr uint32_t kEventCountMax = 256;
  static constexpr enet_uint32 kPatienceMs = 10;

  static int ENET_CALLBACK lose_some(ENetHost*, ENetEvent*) {
    return loss_prng.below(1000) < loss_permille ? 1 : 0;
  }

  static inline uint32_t loss_permille = 0;
  static inline Prng loss_prng{1};

  ENetHost* host_ = nullptr;
  ENetPeer* peer_ = nullptr;
  bool is_server_;
  uint32_t unchecked_count_ = 0;
};

static_assert(Link<EnetLink>);

}  // namespace hyperroute::links
