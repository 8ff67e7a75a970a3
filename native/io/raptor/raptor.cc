// Set-up and tear-down of the raptor endpoint. Control thread, and the worker for what it asks.
#include "io/raptor/raptor.h"

#include <algorithm>
#include <bit>

#include "base/clock.h"

namespace hyperroute {
namespace {

constexpr size_t kSessionIndexes = 65'536;
// Beside what a session keeps, what its last datagrams held before the router was asked.
constexpr uint64_t kQueueSlackBytes = 2 * (kRaptorStagedBytesMax + raptor::kDatagramBytesMax);

}  // namespace

Status RaptorBackend::open(const RaptorOptions& options, const EndpointCounters& counters,
                           uint16_t generation_seed) {
  HR_ASSERT(!socket_.is_open());
  HR_TRY(check_raptor_options(options));
  options_ = options;
  options_.stream.message_bytes_max = options.message_bytes_max;
  opened_options_ = options_;
  counters_ = counters;
  capacity_ = raptor_peer_capacity(options);
  HR_TRY(peers_.create(capacity_, generation_seed));
  HR_TRY(allocate());
  now_ns_ = monotonic_ns();
  burst_ns_ = now_ns_;
  jitter_ = Prng(now_ns_);
  reconnect_delay_.reset(options.reconnect_min_ns);
  tx_blocked_ = options.mode == RaptorMode::kConnect;
  auto socket_options = this->socket_options();
  if (!socket_options.ok()) return socket_options.status();
  return socket_.open(now_ns_, socket_options.value());
}

Result<RaptorSocketOptions> RaptorBackend::socket_options() const {
  const bool is_listener = options_.mode == RaptorMode::kListen;
  RaptorSocketOptions socket;
  if (is_listener) {
    socket.local = options_.address;
    socket.exposed = options_.exposed;
    socket.reuses_port = options_.reuses_port;
  } else {
    // Whatever interface leads there; nobody is listened to but the server.
    auto local = SocketAddress::parse(options_.address.is_loopback()
                                          ? (options_.address.is_ipv6() ? "::1" : "127.0.0.1")
                                          : (options_.address.is_ipv6() ? "::" : "0.0.0.0"),
                                      0);
    if (!local.ok()) return local.status();
    socket.local = local.value();
    socket.exposed = true;
    socket.has_one_peer = true;
  }
  socket.receive_buffer_bytes = options_.receive_buffer_bytes;
  socket.send_buffer_bytes = options_.send_buffer_bytes;
  socket.key_log_path = options_.key_log_path;
  socket.lossy = options_.lossy;
  raptor::EndpointOptions& endpoint = socket.endpoint;
  endpoint.is_listener = is_listener;
  endpoint.insecure = options_.insecure;
  if (!options_.insecure) {
    HR_TRY(crypto::load());
    auto pair = options_.has_private_key ? crypto::key_pair_of(options_.private_key)
                                         : crypto::generate_key_pair();
    if (!pair.ok()) return pair.status();
    endpoint.static_keys = pair.take();
    endpoint.allow_list = options_.allow_list;
  }
  endpoint.sessions_max = is_listener ? options_.sessions_max : kConnectSessionsMax;
  endpoint.connect_timeout_ns = options_.connect_timeout_ns;
  endpoint.is_inline = options_.is_inline;
  endpoint.liveness_us = options_.liveness_us;
  endpoint.message_bytes_max = options_.message_bytes_max;
  endpoint.stream_window_bytes = options_.window_bytes;
  endpoint.uses_static_window = options_.uses_static_window;
  endpoint.static_window_bytes = options_.static_window_bytes;
  return socket;
}

Status RaptorBackend::allocate() {
  // All that a session may keep, and that of its datagrams which were opened meanwhile.
  const uint64_t window_bytes = std::max<uint64_t>(
      options_.window_bytes, raptor::stream_ring_bytes(options_.message_bytes_max, 0));
  queue_stride_bytes_ = static_cast<uint32_t>(
      MessageQueue::capacity_for(window_bytes / 2 + kQueueSlackBytes, options_.message_bytes_max));
  auto queues = MemoryRegion::anonymous(size_t{capacity_} * queue_stride_bytes_, Prefault::kNo);
  if (!queues.ok()) return queues.status();
  queue_memory_ = queues.take();
  if (options_.mode == RaptorMode::kListen) {
    const uint64_t wanted =
        MessageQueue::capacity_for(options_.backlog_bytes, options_.message_bytes_max);
    backlog_stride_bytes_ = static_cast<uint32_t>(wanted);
    auto backlogs =
        MemoryRegion::anonymous(size_t{capacity_} * backlog_stride_bytes_, Prefault::kNo);
    if (!backlogs.ok()) return backlogs.status();
    backlog_memory_ = backlogs.take();
  }
  auto indexes = MemoryRegion::anonymous(kSessionIndexes * sizeof(uint16_t), Prefault::kNo);
  if (!indexes.ok()) return indexes.status();
  peer_of_session_memory_ = indexes.take();
  peer_states_ = std::make_unique<RaptorPeer[]>(capacity_);
  queued_ = std::make_unique<uint16_t[]>(capacity_);
  // One that refuses again is written behind the list that is being read.
  refused_ = std::make_unique<uint16_t[]>(capacity_ + 1);
  backlogged_ = std::make_unique<uint16_t[]>(capacity_);
  finished_ = std::make_unique<std::atomic<uint32_t>[]>(size_t{capacity_} * kProducersMax);
  for (uint32_t index = 0; index < capacity_; ++index) {
    RaptorPeer& peer = peer_states_[index];
    peer.received.attach(queue_memory_.data() + size_t{index} * queue_stride_bytes_,
                         queue_stride_bytes_);
    if (backlog_memory_.empty()) continue;
    peer.backlog.attach(backlog_memory_.data() + size_t{index} * backlog_stride_bytes_,
                        backlog_stride_bytes_);
  }
  return Status::success();
}

void RaptorBackend::stop_accepting() noexcept {
  if (options_.mode == RaptorMode::kListen && socket_.is_open()) {
    socket_.endpoint().reject_new(true);
  }
}

void RaptorBackend::stop_reading() noexcept {
  if (is_stopped_ || !socket_.is_open()) return;
  stop_accepting();
  // What the socket gave is acknowledged as soon as it is opened, so it has been read.
  spill_staged(nullptr);
  while (socket_.deliver_next(now_ns_, sink())) {
    take_events();
    spill_staged(nullptr);
  }
  is_stopped_ = true;
  const uint64_t allowance_bytes = std::max<uint64_t>(
      options_.window_bytes, raptor::stream_ring_bytes(options_.message_bytes_max, 0));
  for (uint32_t i = 0; i < refused_count_; ++i) {
    peer_states_[refused_[i]].allowance_bytes = static_cast<uint32_t>(allowance_bytes);
  }
}

void RaptorBackend::reconfigure(const RaptorOptions& options) noexcept {
  if (!can_reconfigure(opened_options_, options)) return;
  options_.read_budget = options.read_budget;
  options_.backlog_bytes = options.backlog_bytes;
  options_.drop_oldest = options.drop_oldest;
  options_.reconnect_min_ns = options.reconnect_min_ns;
  options_.reconnect_max_ns = options.reconnect_max_ns;
  options_.allow_list = options.allow_list;
  socket_.endpoint().set_allow_list(options.allow_list);
}

bool RaptorBackend::tx_idle() const noexcept {
  if (backlogged_count_ > 0) return false;
  if (!is_stopped_ || open_count_ == 0) return true;
  for (uint32_t index = 0; index < capacity_; ++index) {
    const RaptorPeer& peer = peer_states_[index];
    const raptor::Session* session = session_of(peer);
    if (session != nullptr && session->unacked_bytes(peer.stream) > 0) return false;
  }
  return true;
}

uint32_t RaptorBackend::tx_backlog_bytes() const noexcept {
  if (connected_index_ == kNoPeer) return 0;
  const RaptorPeer& peer = peer_states_[connected_index_];
  const raptor::Session* session = session_of(peer);
  if (session == nullptr) return 0;
  return static_cast<uint32_t>(std::min<uint64_t>(session->unsent_bytes(peer.stream), UINT32_MAX));
}

uint32_t RaptorBackend::close() noexcept {
  if (!socket_.is_open()) return 0;
  uint32_t left_count = 0;
  for (uint32_t index = 0; index < capacity_; ++index) {
    RaptorPeer& peer = peer_states_[index];
    unlist_session(peer);
    left_count += discard_backlog(peer);
    const raptor::Session* session = session_of(peer);
    if (session == nullptr) continue;
    left_count += static_cast<uint32_t>(session->unacked_messages(peer.stream));
  }
  backlogged_count_ = 0;
  count_socket();
  socket_.close();
  // R4 release: pairs with R1 in is_live().
  is_connected_.store(false, std::memory_order_release);
  connected_index_ = kNoPeer;
  count(counters_.connections_closed, open_count_);
  open_count_ = 0;
  set_gauge();
  return left_count;
}

}  // namespace hyperroute
