// The slots of an endpoint: attempts, half-open handshakes and sessions, by the index that is in
// the low 16 bits of their session id.
//
// Finding a session by the id of a packet is one look-up and one compare. A slot's generation
// changes whenever it is taken, so that a stale reference is recognised. Lists of slots run through
// the slots themselves: being in one costs no memory, and leaving one is done lazily by whoever
// takes from it.
// Owner: the endpoint. Data path: find() and the lists.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/memory.h"
#include "crypto/noise.h"
#include "raptor/cookies.h"
#include "raptor/handshake.h"
#include "raptor/key_log.h"
#include "raptor/path_address.h"
#include "raptor/session.h"

namespace hyperroute::raptor {

inline constexpr uint16_t kNoSlot = 0xFFFF;

enum class SlotState : uint8_t {
  kFree,
  kAttempt,   // connect() waits for the answer
  kHalfOpen,  // answered, the initiator's first packet has not come
  kOpen,      // a session
  kEnded,     // its end is or will be told; a session may still have its CLOSE to send
};

// An attempt of connect().
struct Attempt {
  InitiatorHandshake handshake;
  uint64_t expires_ns = 0;
  uint64_t send_ns = 0;  // when to send (again)
  uint64_t interval_ns = kInitiateIntervalNs;
  uint64_t sent_ns = 0;  // when it was sent last
  uint32_t sent_count = 0;
  uint32_t retry_count = 0;  // of those that were answered at once
  RateWindow responds = {};  // that were worked on
};

// An answered handshake. `session` is made when the first packet that may confirm it comes.
struct HalfOpen {
  SessionKeys keys;
  Parameters remote;
  uint64_t answered_ns = 0;  // when it was answered; 0 once it was answered again
  uint32_t respond_bytes = 0;
  uint8_t respond[kRespondBytesMax] = {};
  std::unique_ptr<Session> session;
};

enum SlotEvent : uint8_t { kEventEstablished = 1, kEventEnded = 2 };

// What every packet looks at is one cache line.
struct alignas(kCacheLineBytes) SessionSlot {
  SlotState state = SlotState::kFree;
  uint8_t events = 0;  // SlotEvent bits that are to be told
  bool is_initiator = false;
  bool is_end_told = false;
  bool is_working = false;   // in the list of slots that may have something to send
  bool is_eventful = false;  // in the list of slots that have an event
  uint16_t generation = 0;
  uint16_t work_next = kNoSlot;
  uint16_t event_next = kNoSlot;
  CloseReason reason = CloseReason::kNone;
  HandshakeStatus refusal = HandshakeStatus::kAccepted;
  uint64_t id = 0;                   // ours; 0 in a free slot
  std::unique_ptr<Session> session;  // of kOpen and kEnded
  PathAddress address;
  uint64_t remote_id = 0;  // the peer's, once known
  crypto::PublicKey peer_key{};
  std::unique_ptr<Attempt> attempt;     // of kAttempt
  std::unique_ptr<HalfOpen> half_open;  // of kHalfOpen
  std::unique_ptr<KeyTrail> key_trail;  // where there is a key log
};

// First in, first out, through one of the slots' links.
struct SlotList {
  uint16_t head = kNoSlot;
  uint16_t tail = kNoSlot;
};

class SessionTable {
 public:
  // `capacity` is below kNoSlot.
  explicit SessionTable(uint32_t capacity);

  [[nodiscard]] uint32_t capacity() const noexcept { return static_cast<uint32_t>(slots_.size()); }
  [[nodiscard]] uint32_t taken_count() const noexcept { return capacity() - free_count_; }
  SessionSlot& operator[](uint16_t index) noexcept { return slots_[index]; }
  const SessionSlot& operator[](uint16_t index) const noexcept { return slots_[index]; }

  // The index that has been free for longest, so that a generation lives as long as possible;
  // kNoSlot where there is none. `random` becomes the id, but for its low bits.
  [[nodiscard]] uint16_t take(uint64_t random, const PathAddress& address) noexcept;
  void free(uint16_t index) noexcept;

  // The slot is half open for a host that has proven its address (0: for nobody who has), until it
  // is free or open.
  void hold(uint16_t index, uint64_t host) noexcept {
    half_open_hosts_[index] = host;
    if (host != 0) ++held_count_;
  }
  void unhold(uint16_t index) noexcept {
    if (half_open_hosts_[index] != 0) --held_count_;
    half_open_hosts_[index] = 0;
  }
  // Slots that are held by a host.
  [[nodiscard]] uint32_t held_count() const noexcept { return held_count_; }
  // How many of them by this one. Looks at every slot's host: some microseconds, beside a
  // Diffie-Hellman.
  [[nodiscard]] uint32_t held_by(uint64_t host) const noexcept;

  // The slot that a packet's session id names, or kNoSlot.
  [[nodiscard]] uint16_t find(uint64_t id) const noexcept {
    const uint16_t index = static_cast<uint16_t>(id & 0xFFFF);
    if (index >= slots_.size() || slots_[index].id != id || id == 0) return kNoSlot;
    return index;
  }
  // The slot that answered this initiator's attempt, whatever became of it; else kNoSlot. Looks at
  // every slot's hash: some microseconds, beside a Diffie-Hellman.
  [[nodiscard]] uint16_t find_remote(const PathAddress& address, uint64_t remote_id) const noexcept;
  // The session of the same peer from the same address, or kNoSlot.
  [[nodiscard]] uint16_t find_peer(const PathAddress& address,
                                   const crypto::PublicKey& peer_key) const noexcept;

 private:
  std::vector<SessionSlot> slots_;
  std::vector<uint64_t> address_hashes_;  // 0 of a free slot
  std::vector<uint64_t> half_open_hosts_;
  std::vector<uint16_t> free_;  // a ring of free indexes
  uint32_t free_head_ = 0;
  uint32_t free_count_ = 0;
  uint32_t held_count_ = 0;
};

}  // namespace hyperroute::raptor
