// The endpoint's handshakes: whom it answers, what it remembers of them, and when they become
// sessions. Owner: the endpoint's worker; not on the data path.
#include <algorithm>
#include <cstring>

#include "raptor/endpoint.h"

namespace hyperroute::raptor {
namespace {

// What a session that is not confirmed may hand out: nothing. It keeps its messages for later.
uint32_t deliver_nothing(void*, std::span<const MessageView>) { return 0; }
constexpr MessageSink kNoSink{nullptr, deliver_nothing};

}  // namespace

Result<HandshakeIdentity> Endpoint::identity() {
  HandshakeIdentity identity;
  identity.is_insecure = options_.insecure;
  if (options_.insecure) return identity;
  identity.cipher = *options_.cipher;
  identity.static_pair = options_.static_keys;
  crypto::PrivateKey ephemeral;
  fill_random(ephemeral);
  const Result<crypto::KeyPair> pair = crypto::key_pair_of(ephemeral);
  if (!pair.ok()) return pair.status();
  identity.ephemeral_pair = pair.value();
  return identity;
}

Result<SessionRef> Endpoint::connect(uint64_t now_ns, const PathAddress& to,
                                     const crypto::PublicKey& remote) {
  if (taken_sessions() >= options_.sessions_max) {
    return Status::error(StatusCode::kLimit, "raptor: all %u sessions are taken",
                         options_.sessions_max);
  }
  const Result<HandshakeIdentity> own = identity();
  if (!own.ok()) return own.status();
  const uint16_t index = take_slot(to);
  if (index == kNoSlot) {
    return Status::error(StatusCode::kLimit, "raptor: ended sessions wait for next_event()");
  }
  SessionSlot& slot = slots_[index];
  slot.state = SlotState::kAttempt;
  slot.is_initiator = true;
  slot.peer_key = options_.insecure ? crypto::PublicKey{} : remote;
  attempt_count_ += 1;
  Result<InitiatorHandshake> handshake =
      InitiatorHandshake::create(own.value(), remote, parameters(slot.id));
  if (!handshake.ok()) {
    release(index);
    return handshake.status();
  }
  slot.attempt =
      std::make_unique<Attempt>(Attempt{.handshake = handshake.take(),
                                        .expires_ns = now_ns + options_.connect_timeout_ns,
                                        .send_ns = now_ns});
  counters_.handshakes_started += 1;
  run_attempt(now_ns, index);
  return ref_of(index);
}

// The attempt's timer: it is over, or it asks again.
void Endpoint::run_attempt(uint64_t now_ns, uint16_t index) noexcept {
  const Attempt& attempt = *slots_[index].attempt;
  if (now_ns >= attempt.expires_ns) {
    counters_.handshakes_expired += 1;
    end(index, CloseReason::kHandshakeTimeout);
    return;
  }
  if (now_ns >= attempt.send_ns) {
    // The INITIATE is written, and its next time is set, when there is room to send it.
    work_push(index);
    deadlines_.set(index, attempt.expires_ns);
  } else {
    deadlines_.set(index, std::min(attempt.send_ns, attempt.expires_ns));
  }
}

uint32_t Endpoint::write_attempt(uint64_t now_ns, uint16_t index, uint8_t* to) noexcept {
  Attempt& attempt = *slots_[index].attempt;
  attempt.sent_ns = now_ns;
  attempt.sent_count += 1;
  attempt.send_ns = now_ns + attempt.interval_ns;
  attempt.interval_ns = std::min(2 * attempt.interval_ns, kInitiateIntervalNsMax);
  deadlines_.set(index, std::min(attempt.send_ns, attempt.expires_ns));
  return attempt.handshake.write(to);
}

void Endpoint::on_initiate(uint64_t now_ns, uint8_t* datagram, uint32_t bytes,
                           const PathAddress& from) {
  if (!options_.is_listener) {
    counters_.not_listening += 1;
    return;
  }
  uint8_t header[kHandshakeHeaderBytes];
  if (bytes != kInitiateBytes) {
    counters_.malformed += 1;
    return;
  }
  std::memcpy(header, datagram, sizeof header);
  if (((header[offsetof(HandshakeHeader, flags)] & kHandshakeInsecure) != 0) != options_.insecure) {
    counters_.mode_mismatch += 1;
    return;
  }
  if (!is_initiate_mac_valid(mac_key_, datagram)) {
    counters_.bad_mac += 1;
    return;
  }
  // Another version is read as if it were ours: where it has the same handshake, as told by its
  // tags, its sender learns why it is refused.
  datagram[offsetof(HandshakeHeader, version)] = kProtocolVersion;
  InitiatePacket packet;
  if (read_initiate(datagram, bytes, packet) != nullptr) {
    counters_.malformed += 1;
    return;
  }
  const std::span<const uint8_t, kCookieBytes> cookie{packet.cookie, kCookieBytes};
  const bool is_proven =
      packet.has_cookie() && cookies_.is_valid(now_ns, from, packet.header.session, cookie);
  if (!admit(now_ns, packet, from, is_proven)) return;
  const uint16_t known = slots_.find_remote(from, packet.header.session);
  if (known == kNoSlot) return answer(now_ns, packet, header, from, is_proven ? host_of(from) : 0);
  counters_.duplicate_handshakes += 1;
  SessionSlot& slot = slots_[known];
  if (slot.state != SlotState::kHalfOpen) return;
  slot.half_open->answered_ns = 0;
  reply(from, {slot.half_open->respond, slot.half_open->respond_bytes});
}

// Whether an INITIATE may cost anything; else its sender has to prove first that it can receive.
bool Endpoint::admit(uint64_t now_ns, const InitiatePacket& packet, const PathAddress& from,
                     bool is_proven) {
  if (is_proven) return true;
  pressure_.add_unproven(now_ns);
  const uint64_t unproven = counters_.half_open - slots_.held_count();
  // If all of them are confirmed there is no session left for this one.
  const bool may_be_full = unproven != 0 && taken_sessions() + unproven >= options_.sessions_max;
  const bool is_crowded = counters_.half_open >= options_.cookie_threshold ||
                          counters_.half_open >= options_.half_open_max || may_be_full;
  if (!is_crowded && !pressure_.is_pressed(now_ns)) return true;
  if (packet.has_cookie()) counters_.bad_cookie += 1;
  RetryPacket retry;
  retry.session = packet.header.session;
  cookies_.issue(now_ns, from, packet.header.session, retry.cookie);
  uint8_t datagram[kRetryBytes];
  write_retry(datagram, retry);
  counters_.retries_sent += 1;
  reply(from, datagram);
  return false;
}

uint64_t Endpoint::host_of(const PathAddress& address) const noexcept {
  return options_.host_of != nullptr ? options_.host_of(address) : hash_of(address) | 1;
}

// Whether there is an entry and time for an INITIATE. `host`: of an address that is proven, else 0.
// Only those are bounded each by itself: whoever can write any address into a packet would else
// use up what a host has, and before addresses are proven there are few entries for all.
bool Endpoint::may_answer(uint64_t now_ns, uint64_t host) noexcept {
  const uint32_t host_max =
      std::max(options_.half_open_max / kHalfOpenHostDivisor, kHalfOpenPerHostMin);
  if (counters_.half_open >= options_.half_open_max ||
      (host != 0 && slots_.held_by(host) >= host_max)) {
    counters_.half_open_full += 1;
    return false;
  }
  if (host == 0 || pressure_.take_proven(now_ns, host)) return true;
  counters_.handshakes_deferred += 1;
  return false;
}

void Endpoint::answer(uint64_t now_ns, const InitiatePacket& packet, const uint8_t* header,
                      const PathAddress& from, uint64_t host) {
  if (!may_answer(now_ns, host)) return;
  const Result<HandshakeIdentity> own = identity();
  if (!own.ok()) return;
  std::optional<ResponderHandshake> handshake =
      ResponderHandshake::read(own.value(), packet, header);
  if (!handshake.has_value()) {
    counters_.bad_handshake += 1;
    return;
  }
  const uint8_t version = header[offsetof(HandshakeHeader, version)];
  HandshakeStatus status = judge(*handshake, version, from);
  if (status != HandshakeStatus::kAccepted) return refuse(*handshake, status, version, from);
  const uint16_t index = take_slot(from);
  if (index == kNoSlot) return refuse(*handshake, HandshakeStatus::kBusy, version, from);
  SessionSlot& slot = slots_[index];
  slot.state = SlotState::kHalfOpen;
  counters_.half_open += 1;
  slots_.hold(index, host);
  slot.half_open = std::make_unique<HalfOpen>();
  HalfOpen& half = *slot.half_open;
  half.remote = handshake->remote();
  half.answered_ns = now_ns;
  half.respond_bytes = handshake->write(parameters(slot.id), half.respond, half.keys);
  if (half.respond_bytes == 0) return release(index);
  slot.remote_id = half.remote.session;
  slot.peer_key = handshake->remote_key();
  deadlines_.set(index, now_ns + kHalfOpenNs);
  counters_.handshakes_started += 1;
  reply(from, {half.respond, half.respond_bytes});
}

HandshakeStatus Endpoint::judge(const ResponderHandshake& handshake, uint8_t version,
                                const PathAddress& from) const noexcept {
  const auto& allowed = options_.allow_list;
  const bool is_allowed = allowed.empty() || std::find(allowed.begin(), allowed.end(),
                                                       handshake.remote_key()) != allowed.end();
  if (!is_allowed) return HandshakeStatus::kKeyNotAllowed;
  if (version != kProtocolVersion) return HandshakeStatus::kVersion;
  if (is_rejecting_) return HandshakeStatus::kShuttingDown;
  if (taken_sessions() < options_.sessions_max) return HandshakeStatus::kAccepted;
  // A peer that has started again takes the place of its own earlier session.
  const bool replaces = slots_.find_peer(from, handshake.remote_key()) != kNoSlot;
  return replaces ? HandshakeStatus::kAccepted : HandshakeStatus::kBusy;
}

void Endpoint::count_refusal(HandshakeStatus status) noexcept {
  counters_.handshakes_refused += 1;
  if (status == HandshakeStatus::kKeyNotAllowed) counters_.refused_key += 1;
  if (status == HandshakeStatus::kVersion) counters_.refused_version += 1;
  if (status == HandshakeStatus::kBusy) counters_.refused_busy += 1;
  if (status == HandshakeStatus::kShuttingDown) counters_.refused_shutdown += 1;
}

// Tells why, and remembers nothing.
void Endpoint::refuse(ResponderHandshake& handshake, HandshakeStatus status, uint8_t version,
                      const PathAddress& from) {
  count_refusal(status);
  if (status == HandshakeStatus::kVersion) counters_.version_mismatch += 1;
  Parameters refusal;
  refusal.status = status;
  uint8_t datagram[kRespondBytesMax];
  SessionKeys keys;
  const uint32_t bytes = handshake.write(refusal, datagram, keys);
  if (bytes == 0) return;
  // In the initiator's version, so that it can read the answer.
  datagram[offsetof(HandshakeHeader, version)] = version;
  reply(from, {datagram, bytes});
}

void Endpoint::reply(const PathAddress& to, std::span<const uint8_t> datagram) noexcept {
  if (!replies_.push(to, datagram)) counters_.replies_dropped += 1;
}

void Endpoint::on_retry(uint64_t now_ns, const uint8_t* datagram, uint32_t bytes,
                        const PathAddress& from) {
  RetryPacket packet;
  if (read_retry(datagram, bytes, packet) != nullptr) {
    counters_.malformed += 1;
    return;
  }
  const uint16_t index = slots_.find(packet.session);
  if (index == kNoSlot || slots_[index].state != SlotState::kAttempt) {
    counters_.unknown_session += 1;
    return;
  }
  if (!(slots_[index].address == from)) {
    counters_.wrong_address += 1;
    return;
  }
  Attempt& attempt = *slots_[index].attempt;
  attempt.handshake.set_cookie(packet.cookie);
  if (attempt.retry_count == kRetriesAtOnceMax) return;
  attempt.retry_count += 1;
  attempt.send_ns = now_ns;
  run_attempt(now_ns, index);
}

void Endpoint::on_respond(uint64_t now_ns, const uint8_t* datagram, uint32_t bytes,
                          const PathAddress& from) {
  RespondPacket packet;
  if (read_respond(datagram, bytes, packet) != nullptr) {
    counters_.malformed += 1;
    return;
  }
  const uint16_t index = slots_.find(packet.header.session);
  if (index == kNoSlot || slots_[index].state != SlotState::kAttempt) {
    counters_.unknown_session += 1;
    return;
  }
  SessionSlot& slot = slots_[index];
  if (!(slot.address == from)) {
    counters_.wrong_address += 1;
    return;
  }
  if (!slot.attempt->responds.take(now_ns, kRespondWindowNs, kRespondsPerWindowMax)) {
    counters_.handshakes_deferred += 1;
    return;
  }
  Parameters remote;
  SessionKeys keys;
  if (!slot.attempt->handshake.read_respond(packet, remote, keys)) {
    counters_.bad_handshake += 1;
    return;
  }
  if (remote.status != HandshakeStatus::kAccepted) {
    count_refusal(remote.status);
    slot.refusal = remote.status;
    return end(index, CloseReason::kRefused);
  }
  slot.remote_id = remote.session;
  // Where it was sent more than once, nobody knows which was answered (RFC 6298, section 3).
  const Attempt& attempt = *slot.attempt;
  const bool is_sample = attempt.sent_count == attempt.retry_count + 1;
  const uint64_t rtt_ns = is_sample ? elapsed_ns(now_ns, attempt.sent_ns) : 0;
  std::unique_ptr<Session> session = make_session(now_ns, index, keys, remote, rtt_ns);
  if (session == nullptr) return end(index, CloseReason::kLocalLimit);
  slot.attempt.reset();
  attempt_count_ -= 1;
  open(index, std::move(session), keys);
  refresh(index);
}

std::unique_ptr<Session> Endpoint::make_session(uint64_t now_ns, uint16_t index,
                                                const SessionKeys& keys, const Parameters& remote,
                                                uint64_t rtt_ns) {
  const SessionSlot& slot = slots_[index];
  SessionOptions options;
  options.keys = keys;
  options.local = parameters(slot.id);
  options.remote = remote;
  options.session_ref = ref_of(index).value;
  options.sends_first = slot.is_initiator;
  options.uses_static_window = options_.uses_static_window;
  options.static_window_bytes = options_.static_window_bytes;
  options.handshake_rtt_ns = rtt_ns;
  Result<std::unique_ptr<Session>> session = Session::create(now_ns, options);
  return session.ok() ? session.take() : nullptr;
}

void Endpoint::open(uint16_t index, std::unique_ptr<Session> session, const SessionKeys& keys) {
  SessionSlot& slot = slots_[index];
  slot.session = std::move(session);
  slot.state = SlotState::kOpen;
  counters_.sessions_open += 1;
  counters_.handshakes_completed += 1;
  event_push(index, kEventEstablished);
  const KeyLog* const log = options_.key_log;
  if (log == nullptr || log->line == nullptr || keys.is_insecure) return;
  slot.key_trail = std::make_unique<KeyTrail>(*log, keys, slot.id, slot.remote_id);
}

// A peer that was let in without a session of its own, for its address was not proven or it was to
// replace one that has ended meanwhile, and others came first. It is told so, once.
void Endpoint::turn_away(uint64_t now_ns, uint16_t index) {
  count_refusal(HandshakeStatus::kBusy);
  Session& session = *slots_[index].half_open->session;
  session.close(now_ns, CloseReason::kLocalLimit);
  uint8_t datagram[kDatagramBytesMin];
  const uint32_t bytes = session.next_datagram(now_ns, datagram);
  if (bytes != 0 && bytes <= kReplyBytesMax) reply(slots_[index].address, {datagram, bytes});
  release(index);
}

// A packet for a half-open handshake: the first authentic one makes it a session.
void Endpoint::confirm(uint64_t now_ns, uint16_t index, const DataHeader& header, uint8_t* datagram,
                       uint32_t bytes, const MessageSink& sink) {
  SessionSlot& slot = slots_[index];
  HalfOpen& half = *slot.half_open;
  if (half.session == nullptr) {
    half.session = make_session(now_ns, index, half.keys, half.remote, 0);
  }
  if (half.session == nullptr) return release(index);
  if (!half.session->on_packet(now_ns, header, datagram, bytes, kNoSink)) {
    counters_.unconfirmed += 1;
    return;
  }
  // From now on it is known who answered; the time of a forged packet would mean nothing.
  if (half.answered_ns != 0) {
    half.session->set_handshake_rtt(now_ns, elapsed_ns(now_ns, half.answered_ns));
  }
  const uint16_t earlier = slots_.find_peer(slot.address, slot.peer_key);
  if (earlier != kNoSlot) {
    slots_[earlier].session->close(now_ns, CloseReason::kReplaced);
    counters_.sessions_replaced += 1;
    refresh(earlier);
  } else if (counters_.sessions_open + attempt_count_ >= options_.sessions_max) {
    return turn_away(now_ns, index);
  }
  counters_.half_open -= 1;
  slots_.unhold(index);
  open(index, std::move(half.session), half.keys);
  slot.half_open.reset();
  // Now that the session is told of, what it got may be handed out.
  slot.session->poll(sink);
  refresh(index);
}

}  // namespace hyperroute::raptor
