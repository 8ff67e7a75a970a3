// The endpoint's set-up, its events, and how sessions end. Owner: the endpoint's worker; not on the
// data path.
#include "raptor/endpoint.h"

#include <algorithm>

#include "base/bits.h"

namespace hyperroute::raptor {
namespace {

// A liveness below this would take a scheduling delay for a death.
constexpr uint32_t kLivenessUsMin = 5'000;

// What a peer would believe: RttEstimator::kPeerAckDelayNsMax.
constexpr uint32_t kAckDelayUsMax = RttEstimator::kPeerAckDelayNsMax / 1'000;

void fill_from_kernel(void*, uint8_t* to, size_t bytes) {
  // Fails on kernels without getrandom alone, which Node does not run on.
  HR_ASSERT(crypto::random_bytes({to, bytes}).ok());
}

Status check(const EndpointOptions& options) {
  const auto is_in = [](uint64_t value, uint64_t low, uint64_t high) {
    return value >= low && value <= high;
  };
  const auto error = [](const char* name, uint64_t low, uint64_t high, uint64_t value) {
    return Status::error(StatusCode::kConfig, "raptor: %s: expected %llu to %llu, received %llu",
                         name, static_cast<unsigned long long>(low),
                         static_cast<unsigned long long>(high),
                         static_cast<unsigned long long>(value));
  };
  const struct {
    const char* name;
    uint64_t value, low, high;
  } bounds[] = {
      {"sessions_max", options.sessions_max, 1, kSessionsMax},
      {"half_open_max", options.half_open_max, 1, kHalfOpenMax},
      {"cookie_threshold", options.cookie_threshold, 0, kHalfOpenMax},
      {"connect_timeout_ns", options.connect_timeout_ns, 1, kConnectTimeoutNsMax},
      {"liveness_us", options.liveness_us, kLivenessUsMin, kLivenessUsMax},
      {"ack_delay_us", options.ack_delay_us, 0, kAckDelayUsMax},
      {"in_flight_bytes_max", options.in_flight_bytes_max, kDatagramBytesMin, UINT32_MAX},
      {"datagram_bytes_max", options.datagram_bytes_max, kDatagramBytesMin, kDatagramBytesMax},
      {"message_bytes_max", options.message_bytes_max, 1, kMessageBytesLimit},
      {"stream_window_bytes", options.stream_window_bytes, 1, kStreamRingBytesMax},
      {"streams_max", options.streams_max, 1, UINT16_MAX},
  };
  for (const auto& [name, value, low, high] : bounds) {
    if (!is_in(value, low, high)) return error(name, low, high, value);
  }
  if (options.insecure && !options.allow_list.empty()) {
    return Status::error(StatusCode::kConfig,
                         "raptor: allow_list: insecure peers have no key to look for");
  }
  return Status::success();
}

}  // namespace

Result<std::unique_ptr<Endpoint>> Endpoint::create(uint64_t now_ns,
                                                   const EndpointOptions& options) {
  HR_TRY(check(options));
  EndpointOptions chosen = options;
  if (chosen.random.fill == nullptr) chosen.random = {nullptr, fill_from_kernel};
  if (chosen.is_inline) chosen.liveness_us = std::max(chosen.liveness_us, kInlineLivenessUs);
  if (!chosen.insecure) {
    HR_TRY(crypto::load());
    if (!chosen.cipher.has_value()) {
      chosen.cipher =
          crypto::has_aes() ? crypto::AeadKind::kAes256Gcm : crypto::AeadKind::kChaCha20Poly1305;
    }
    const Result<crypto::PublicKey> own = crypto::derive_public(chosen.static_keys.private_key);
    if (!own.ok()) return own.status();
    if (own.value() != chosen.static_keys.public_key) {
      return Status::error(StatusCode::kConfig,
                           "raptor: static_keys: the public key is not the private key's");
    }
  }
  crypto::Secret<crypto::kKeyBytes> cookie_secret;
  chosen.random.fill(chosen.random.context, cookie_secret.data(), cookie_secret.size());
  return std::unique_ptr<Endpoint>(new Endpoint(now_ns, chosen, cookie_secret));
}

Endpoint::Endpoint(uint64_t now_ns, const EndpointOptions& options,
                   const crypto::Secret<crypto::kKeyBytes>& cookie_secret)
    : has_key_log_(options.key_log != nullptr),
      slots_(options.sessions_max + options.half_open_max),
      deadlines_(options.sessions_max + options.half_open_max),
      cookies_(cookie_secret),
      pressure_(now_ns, cookies_.host_key()),
      options_(options),
      mac_key_(initiate_mac_key(options.insecure ? crypto::PublicKey{}
                                                 : options.static_keys.public_key)) {}

Endpoint::~Endpoint() = default;

Parameters Endpoint::parameters(uint64_t session_id) const noexcept {
  Parameters parameters;
  parameters.flags = options_.is_inline ? kParameterInline : uint16_t{0};
  parameters.session = session_id;
  parameters.liveness_us = options_.liveness_us;
  parameters.ack_delay_us_max = options_.ack_delay_us;
  parameters.in_flight_bytes_max = options_.in_flight_bytes_max;
  parameters.message_bytes_max = options_.message_bytes_max;
  parameters.stream_window_bytes = options_.stream_window_bytes;
  parameters.streams_max = options_.streams_max;
  parameters.datagram_bytes_max = static_cast<uint16_t>(options_.datagram_bytes_max);
  return parameters;
}

void Endpoint::fill_random(std::span<uint8_t> to) {
  options_.random.fill(options_.random.context, to.data(), to.size());
}

uint16_t Endpoint::take_slot(const PathAddress& address) {
  uint8_t random[8];
  fill_random(random);
  return slots_.take(load_u64_le(random), address);
}

bool Endpoint::next_event(SessionEvent& event) {
  if (ended_index_ != kNoSlot) {
    // Whoever took the event has seen the session's last state.
    const uint16_t index = ended_index_;
    ended_index_ = kNoSlot;
    slots_[index].is_end_told = true;
    release_if_done(index);
  }
  // A slot is in the list once, so the list is no longer than the table.
  while (events_.head != kNoSlot) {
    const uint16_t index = events_.head;
    SessionSlot& slot = slots_[index];
    event = SessionEvent{.session = ref_of(index), .is_initiator = slot.is_initiator};
    if ((slot.events & kEventEstablished) != 0) {
      // It stays at the head: if it ended meanwhile, that is told next.
      slot.events &= static_cast<uint8_t>(~kEventEstablished);
      event.kind = SessionEventKind::kEstablished;
      return true;
    }
    events_.head = slot.event_next;
    slot.is_eventful = false;
    if ((slot.events & kEventEnded) == 0) continue;
    slot.events = 0;
    event.kind = SessionEventKind::kEnded;
    event.reason = slot.reason;
    event.refusal = slot.refusal;
    ended_index_ = index;
    return true;
  }
  return false;
}

void Endpoint::event_push(uint16_t index, SlotEvent event) noexcept {
  SessionSlot& slot = slots_[index];
  slot.events |= event;
  if (slot.is_eventful) return;
  slot.is_eventful = true;
  slot.event_next = kNoSlot;
  if (events_.head == kNoSlot) {
    events_.head = index;
  } else {
    slots_[events_.tail].event_next = index;
  }
  events_.tail = index;
}

void Endpoint::end(uint16_t index, CloseReason reason) noexcept {
  SessionSlot& slot = slots_[index];
  HR_ASSERT(slot.state == SlotState::kAttempt || slot.state == SlotState::kOpen);
  if (slot.state == SlotState::kOpen) {
    counters_.sessions_open -= 1;
    counters_.sessions_ended += 1;
  } else {
    attempt_count_ -= 1;
    slot.attempt.reset();
    deadlines_.set(index, kNeverNs);
  }
  slot.state = SlotState::kEnded;
  slot.reason = reason;
  event_push(index, kEventEnded);
}

void Endpoint::release(uint16_t index) noexcept {
  SessionSlot& slot = slots_[index];
  if (slot.state == SlotState::kHalfOpen) counters_.half_open -= 1;
  if (slot.state == SlotState::kAttempt) attempt_count_ -= 1;
  deadlines_.set(index, kNeverNs);
  slots_.free(index);
}

void Endpoint::release_if_done(uint16_t index) noexcept {
  const SessionSlot& slot = slots_[index];
  if (slot.state != SlotState::kEnded || !slot.is_end_told) return;
  if (slot.session == nullptr || slot.session->is_finished()) release(index);
}

SessionSlot* Endpoint::slot_of(SessionRef ref) noexcept {
  const uint16_t index = static_cast<uint16_t>(ref.value & 0xFFFF);
  if (index >= slots_.capacity()) return nullptr;
  SessionSlot& slot = slots_[index];
  const bool is_same = slot.state != SlotState::kFree && slot.generation == ref.value >> 16;
  return is_same ? &slot : nullptr;
}

Session* Endpoint::session(SessionRef ref) noexcept {
  SessionSlot* const slot = slot_of(ref);
  return slot != nullptr && !slot->is_end_told ? slot->session.get() : nullptr;
}

const PathAddress* Endpoint::path_of(SessionRef ref) noexcept {
  return session(ref) != nullptr ? &slot_of(ref)->address : nullptr;
}

const crypto::PublicKey* Endpoint::peer_key_of(SessionRef ref) noexcept {
  return session(ref) != nullptr ? &slot_of(ref)->peer_key : nullptr;
}

void Endpoint::on_too_large(uint64_t now_ns, SessionRef ref, uint32_t bytes) {
  Session* const sender = session(ref);
  if (sender == nullptr) return;
  sender->on_too_large(now_ns, bytes);
  touch(ref);
}

void Endpoint::cancel(SessionRef ref) noexcept {
  const SessionSlot* const slot = slot_of(ref);
  if (slot == nullptr || slot->state != SlotState::kAttempt) return;
  release(static_cast<uint16_t>(ref.value & 0xFFFF));
}

void Endpoint::close_all(uint64_t now_ns, CloseReason reason) {
  for (uint32_t at = 0; at < slots_.capacity(); ++at) {
    const uint16_t index = static_cast<uint16_t>(at);
    SessionSlot& slot = slots_[index];
    if (slot.state == SlotState::kHalfOpen) {
      release(index);
    } else if (slot.state == SlotState::kAttempt) {
      end(index, reason);
    } else if (slot.state == SlotState::kOpen) {
      slot.session->close(now_ns, reason);
      refresh(index);
    }
  }
}

}  // namespace hyperroute::raptor
