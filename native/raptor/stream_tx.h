// The sending end of a stream: messages as records in a ring, as they go on the wire, kept until
// they are acknowledged or given up.
// Thread: one, the session's. Data path: offer, claim, commit, next_run, on_run_acked
// (stream_tx_datapath.cc); nothing but create() allocates.
//
//        head_            next_                tail_
//   ------|----------------|--------------------|------------- position
//   done  | sent:          | not sent,          | free, up to head_ + ring_bytes
//         | in flight,     | at most to limit_  |
//         | acked_, lost_  |                    |
//
// Acknowledgements and losses in order move head_ alone. Others are bits, one for 8 bytes.
// Ranges that come in lie on record borders: they are runs that next_run() gave out, or cuts of
// runs that were given out again.
#pragma once

#include <cstdint>
#include <span>

#include "base/memory.h"
#include "base/mirrored_region.h"
#include "base/status.h"
#include "raptor/position_bitmap.h"
#include "raptor/stream_mode.h"

namespace hyperroute::raptor {

// As many messages of 8 bytes as the ring of a stream by default holds.
inline constexpr uint32_t kCountedRecordsMax = 65'536;

struct StreamTxCounters {
  uint64_t messages = 0;       // committed
  uint64_t bytes = 0;          // of their payload
  uint64_t back_pressure = 0;  // offers and claims that found no room
  uint64_t abandoned = 0;      // messages given up before they were acknowledged
  uint64_t retransmit_bytes = 0;
};

class StreamTx {
 public:
  struct Run {
    uint64_t position = 0;
    uint32_t bytes = 0;
    const uint8_t* data = nullptr;  // Until the next call that changes the stream.
    bool is_retransmit = false;
  };

  // kConfig for options that cannot be. The peer's window is closed until on_window().
  static Result<StreamTx> create(const StreamOptions& options);
  StreamTx(StreamTx&&) noexcept = default;
  StreamTx& operator=(StreamTx&&) noexcept = default;

  // Takes the whole message or nothing. Returns the position behind it or an OfferCode:
  // BACK_PRESSURE where the ring is full (the peer's window moves it on), TOO_LARGE, CLOSED.
  [[nodiscard]] int64_t offer(uint64_t now_ns, std::span<const uint8_t> message) noexcept;
  // Whether offer() would take a message of so many bytes now.
  [[nodiscard]] bool would_take(uint32_t message_bytes) const noexcept;

  // Room for a message of one record, to be written by the caller; null: back-pressure, too large
  // for a record, or ended. Then commit() or abort(); an offer or another claim drops it.
  [[nodiscard]] uint8_t* claim(uint32_t message_bytes) noexcept;
  int64_t commit(uint64_t now_ns) noexcept;
  void abort() noexcept { claim_bytes_ = kNoClaim; }

  // The next whole records to send, of at most `run_bytes_max`: what was lost first, then what is
  // new within the peer's window. False where there is nothing, or the first record is larger.
  [[nodiscard]] bool next_run(uint64_t now_ns, uint32_t run_bytes_max, Run& out) noexcept;

  void on_run_acked(uint64_t position, uint32_t run_bytes) noexcept;
  // To be sent again; of an unreliable stream given up, and of abandoned messages forgotten.
  void on_run_lost(uint64_t position, uint32_t run_bytes) noexcept;
  void on_window(uint64_t limit) noexcept;

  // Abandons what is older than the deadline (kDeadline; else nothing). A message is given up
  // between its deadline and a sixteenth of it later.
  void expire(uint64_t now_ns) noexcept;
  // When expire() is due; UINT64_MAX for never.
  [[nodiscard]] uint64_t next_deadline() const noexcept;

  // The position of a SKIP that is to be sent now, else kNoPosition. Then on_skip_sent(), and one
  // of the others once its packet's fate is known.
  [[nodiscard]] uint64_t skip_position() const noexcept {
    return abandoned_ > skip_sent_ ? due_skip_position() : kNoPosition;
  }
  void on_skip_sent(uint64_t position) noexcept { skip_sent_ = position; }
  void on_skip_acked(uint64_t position) noexcept;
  void on_skip_lost(uint64_t position) noexcept;

  // No more offers; a claim not committed is dropped. Idempotent.
  void end() noexcept;
  [[nodiscard]] bool is_ended() const noexcept { return is_ended_; }
  // The final position, where an END is to be sent now, else kNoPosition. As for SKIP.
  [[nodiscard]] uint64_t end_position() const noexcept {
    return end_state_ == FrameState::kDue ? tail_ : kNoPosition;
  }
  void on_end_sent() noexcept { end_state_ = FrameState::kSent; }
  void on_end_acked() noexcept { end_state_ = FrameState::kAcked; }
  void on_end_lost() noexcept {
    if (end_state_ == FrameState::kSent) end_state_ = FrameState::kDue;
  }

  // Ended, the END acknowledged, and everything acknowledged or abandoned.
  [[nodiscard]] bool is_finished() const noexcept {
    return end_state_ == FrameState::kAcked && head_ == tail_ && !needs_skip();
  }
  // Whether next_run(), skip_position() or end_position() has something.
  [[nodiscard]] bool has_work() const noexcept { return has_run() || has_control(); }
  // Whether next_run() with room for a full record has something.
  [[nodiscard]] bool has_run() const noexcept {
    return lost_bytes_ != 0 || (next_ != tail_ && !is_blocked());
  }
  // Whether there is something new to send that the peer's window does not allow.
  [[nodiscard]] bool is_blocked() const noexcept { return tail_ > limit_ && is_beyond_limit(); }
  // Nothing is lost, nothing was given up: an ACK then moves the head and changes nothing else.
  [[nodiscard]] bool is_plain() const noexcept { return (lost_bytes_ | abandoned_) == 0; }
  // Whether skip_position() or end_position() has something.
  [[nodiscard]] bool has_control() const noexcept {
    return end_state_ == FrameState::kDue || skip_position() != kNoPosition;
  }

  // Committed and neither acknowledged nor abandoned.
  [[nodiscard]] uint64_t unacked_bytes() const noexcept { return tail_ - head_ - acked_bytes_; }
  [[nodiscard]] uint64_t unsent_bytes() const noexcept { return tail_ - next_; }
  // The messages that unacked_bytes() are of. Reads kCountedRecordsMax records at most and takes
  // the rest to be like those.
  [[nodiscard]] uint64_t unacked_messages() const noexcept;
  [[nodiscard]] uint64_t position() const noexcept { return tail_; }
  [[nodiscard]] uint64_t limit() const noexcept { return limit_; }
  [[nodiscard]] const StreamOptions& options() const noexcept { return options_; }
  [[nodiscard]] const StreamTxCounters& counters() const noexcept { return counters_; }

 private:
  enum class FrameState : uint8_t { kNone, kDue, kSent, kAcked };
  static constexpr uint32_t kNoClaim = UINT32_MAX;
  // Marks of a deadline that can be open at once; a deadline spans sixteen and the rest is slack.
  static constexpr uint32_t kMarksMax = 32;
  static constexpr uint32_t kMarksPerDeadline = 16;

  // Messages that are given up together: they end at `end_position`.
  struct Mark {
    uint64_t end_position = 0;
    uint64_t first_ns = 0;
    uint64_t last_ns = 0;
  };

  StreamTx() noexcept = default;

  uint8_t* at(uint64_t position) const noexcept { return ring_.data() + (position & mask_); }
  [[nodiscard]] bool has_room(uint64_t begin, uint64_t bytes) const noexcept {
    return bytes <= mask_ + 1 - (begin - head_);
  }
  uint64_t write_position() const noexcept;
  void wrote_record(uint64_t begin, uint32_t bytes) noexcept;
  void write_fragments(uint64_t begin, std::span<const uint8_t> message) noexcept;
  void committed(uint64_t now_ns, uint64_t begin, uint64_t end, uint32_t message_bytes) noexcept;

  uint64_t cut_run(uint64_t begin, uint64_t end, uint32_t run_bytes_max) const noexcept;
  [[nodiscard]] bool next_lost(uint32_t run_bytes_max, Run& out) noexcept;
  void settle(uint64_t begin, uint64_t end) noexcept;
  void move_head(uint64_t position) noexcept;

  uint64_t count_open_messages(uint64_t begin, uint64_t end) const noexcept;
  void abandon_below(uint64_t position) noexcept;
  void supersede(uint64_t begin) noexcept;
  void mark_deadline(uint64_t now_ns) noexcept;
  void drop_mark() noexcept;
  [[nodiscard]] bool needs_skip() const noexcept;
  [[nodiscard]] uint64_t due_skip_position() const noexcept;
  [[nodiscard]] bool is_beyond_limit() const noexcept;

  // Read and written by each message and each packet.
  uint64_t tail_ = 0;
  uint64_t head_ = 0;
  uint64_t next_ = 0;
  uint64_t limit_ = 0;
  uint64_t mask_ = 0;
  MirroredRegion ring_;
  uint32_t claim_bytes_ = kNoClaim;
  bool is_ended_ = false;
  FrameState end_state_ = FrameState::kNone;
  // All records from here to tail_ take uniform_bytes_: a run of them is cut without reading them.
  uint64_t uniform_from_ = 0;
  uint32_t uniform_bytes_ = 0;
  uint32_t mark_count_ = 0;  // of marks_
  StreamOptions options_;
  uint64_t acked_bytes_ = 0;  // of set bits, all above head_
  uint64_t lost_bytes_ = 0;
  // SKIP: everything below abandoned_ is given up, as far as the peer has not got it.
  uint64_t abandoned_ = 0;
  uint64_t skip_sent_ = 0;
  StreamTxCounters counters_;

  // Used only with losses.
  uint64_t skip_acked_ = 0;
  uint64_t lost_from_ = 0;  // No lost bit is below.
  MemoryRegion words_;
  PositionBitmap acked_;
  PositionBitmap lost_;

  // Used only with deadlines.
  uint64_t deadline_ns_ = 0;
  uint32_t mark_first_ = 0;
  Mark marks_[kMarksMax];
};

}  // namespace hyperroute::raptor
