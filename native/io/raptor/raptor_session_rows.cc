// What the counters file shows of a raptor endpoint's sessions: a row for each, as far as there are
// rows. Worker; a few times a second where something has happened, never beside a message; no
// allocation.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "base/clock.h"
#include "io/raptor/raptor.h"

namespace hyperroute {
namespace {

constexpr uint64_t kShowIntervalNs = 100'000'000;
// Peers looked at for one that has no row yet, each time that rows are shown.
constexpr uint32_t kListScanMax = 256;

constexpr uint32_t kCounterCount =
    static_cast<uint32_t>(std::size(raptor::kSessionCounterNames)) + 3;
static_assert(kCounterCount <= kSessionRowCountersMax);
static_assert(RaptorBackend::kSessionCounterNames.size() <= kSessionNamesBytesMax);

constexpr uint64_t state_of(raptor::SessionState state) {
  switch (state) {
    case raptor::SessionState::kOpen:
      return static_cast<uint64_t>(SessionRowState::kOpen);
    case raptor::SessionState::kDraining:
      return static_cast<uint64_t>(SessionRowState::kDraining);
    case raptor::SessionState::kClosed:
      break;
  }
  return static_cast<uint64_t>(SessionRowState::kClosed);
}

void write_address(const SocketAddress& from, SessionRowHead& to) {
  to.port = from.port();
  to.family = from.is_ipv6() ? 6 : 4;
  if (from.is_ipv6()) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(from.socket_address());
    std::memcpy(to.address, &v6->sin6_addr, sizeof v6->sin6_addr);
  } else {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(from.socket_address());
    std::memcpy(to.address, &v4->sin_addr, sizeof v4->sin_addr);
  }
}

}  // namespace

SessionRow RaptorBackend::row_of(const RaptorPeer& peer, raptor::Session& session) noexcept {
  SessionRowHead head{};
  head.state = state_of(session.state());
  head.session = peer.session.value;
  head.opened_ns = peer.opened_ns;
  const raptor::PathAddress* path = socket_.endpoint().path_of(peer.session);
  if (path != nullptr) write_address(socket_address_of(*path), head);
  const crypto::PublicKey* key = socket_.endpoint().peer_key_of(peer.session);
  if (key != nullptr) std::memcpy(head.key, key->data(), std::min(sizeof head.key, key->size()));
  SessionRow row{};
  std::memcpy(row.data(), &head, sizeof head);
  uint64_t* counter = row.data() + sizeof head / sizeof(uint64_t);
  const raptor::SessionCounters counted = session.counters();
  for (const auto& [name, value] : raptor::kSessionCounterNames) *counter++ = counted.*value;
  *counter++ = session.unsent_bytes(peer.stream) + peer.backlog.kept_bytes();
  *counter++ = session.unacked_bytes(peer.stream);
  *counter++ = peer.received.kept_bytes();
  return row;
}

// False: there is no row for it.
bool RaptorBackend::list_session(RaptorPeer& peer) noexcept {
  raptor::Session* session = session_of(peer);
  if (session == nullptr || listed_count_ == listed_.size()) return false;
  peer.row_index = counters_.sessions.take(row_of(peer, *session));
  if (peer.row_index == kNoSessionRow) return false;
  listed_[listed_count_++] = peer.peer.index;
  return true;
}

// Rows that sessions have left go to those that have none.
void RaptorBackend::list_more() noexcept {
  for (uint32_t count = 0; count < kListScanMax && listed_count_ < open_count_; ++count) {
    RaptorPeer& peer = peer_states_[list_cursor_];
    const bool wants_row = peer.state == RaptorPeerState::kOpen && peer.row_index == kNoSessionRow;
    if (wants_row && !list_session(peer)) return;
    list_cursor_ = (list_cursor_ + 1) % capacity_;
  }
}

void RaptorBackend::unlist_session(RaptorPeer& peer) noexcept {
  if (peer.row_index == kNoSessionRow) return;
  counters_.sessions.free(peer.row_index);
  peer.row_index = kNoSessionRow;
  uint16_t* const end = listed_.data() + listed_count_;
  listed_count_ =
      static_cast<uint32_t>(std::remove(listed_.data(), end, peer.peer.index) - listed_.data());
}

uint64_t RaptorBackend::show_sessions() noexcept {
  if (open_count_ == 0 || counters_.sessions.empty()) return UINT64_MAX;
  const RaptorSocketCounters& socket = socket_.counters();
  const uint64_t datagrams = socket.rx_datagrams + socket.tx_datagrams;
  if (!has_news_ && datagrams == shown_datagrams_) return UINT64_MAX;
  // Signs of life alone wake nobody: they are shown when somebody is awake.
  if (now_ns_ < show_ns_) return has_news_ ? show_ns_ : UINT64_MAX;
  show_ns_ = now_ns_ + kShowIntervalNs;
  shown_datagrams_ = datagrams;
  has_news_ = false;
  list_more();
  for (uint32_t i = 0; i < listed_count_; ++i) {
    const RaptorPeer& peer = peer_states_[listed_[i]];
    raptor::Session* session = session_of(peer);
    if (session == nullptr) continue;
    counters_.sessions.write(peer.row_index, row_of(peer, *session));
    // What is under way still changes.
    has_news_ = has_news_ || session->unacked_bytes(peer.stream) > 0;
  }
  return has_news_ ? show_ns_ : UINT64_MAX;
}

}  // namespace hyperroute
