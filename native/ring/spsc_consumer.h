// The consumer's end of a single-producer single-consumer ring of byte records. The orderings and
// their names are listed in spsc_ring.h, which has the producer's end.
// Thread: one consumer thread; the end may move to another only with an ordering of its user's
// making. Place on the data path: the owner of a queue takes frames out.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/assert.h"
#include "ring/ring_layout.h"

namespace hyperroute {

// How a consumer learns of records; a ring's set-up decides once, from who produces into it.
enum class RingVisibility : uint8_t { kCommitWord, kTail };

// A record as its consumer sees it; `data` is valid until the record is released.
struct RingRecord {
  const uint8_t* data = nullptr;
  uint32_t bytes = 0;
  // The position after the record: release(end_position) frees it and all before it.
  uint32_t end_position = 0;
};

inline std::atomic_ref<uint64_t> ring_header_word(uint8_t* data, uint32_t offset) noexcept {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(data + offset));
}

class SpscConsumer {
 public:
  SpscConsumer() noexcept = default;

  // Goes on at the ring's head: records a former consumer did not release come again.
  SpscConsumer(const RingView& view, RingVisibility visibility) noexcept
      : header_(view.header),
        data_(view.data),
        capacity_bytes_(view.capacity_bytes),
        mask_(view.capacity_bytes - 1),
        tail_mode_(visibility == RingVisibility::kTail),
        // Relaxed: only consumers store head, and this is the only one.
        head_(std::atomic_ref<uint32_t>(view.header->head).load(std::memory_order_relaxed)),
        read_position_(head_),
        tail_seen_(head_) {}

  bool attached() const noexcept { return header_ != nullptr; }
  uint32_t capacity_bytes() const noexcept { return capacity_bytes_; }

  // The next record in order, without freeing it: call on to collect a batch, then release.
  // False where there is none, or where the ring is corrupt().
  [[nodiscard]] bool next(RingRecord& out) noexcept {
    // A padding record is followed by a record, so the second round is the last.
    for (int round = 0; round < 2; ++round) {
      if (tail_mode_ && !tail_covers_next()) return false;
      const uint32_t offset = read_position_ & mask_;
      // A1 acquire: the payload is in place once the header shows; pairs with R1 in put(). In
      // tail mode A2 has already ordered it.
      const uint64_t word = ring_header_word(data_, offset).load(std::memory_order_acquire);
      const uint32_t commit_word = static_cast<uint32_t>(word >> 32);
      const uint32_t payload_bytes = static_cast<uint32_t>(word);
      if (commit_word == kCommitNone && !tail_mode_) return false;
      if (!fits(payload_bytes, commit_word, offset)) [[unlikely]]
        return fail();
      const uint32_t end_position = read_position_ + record_span_bytes(payload_bytes);
      read_position_ = end_position;
      if (commit_word == kCommitRecord) [[likely]] {
        out = RingRecord{data_ + offset + kRecordHeaderBytes, payload_bytes, end_position};
        return true;
      }
    }
    return fail();
  }

  // Frees every record up to `position`, the end_position of one that next() gave; once a batch.
  void release(uint32_t position) noexcept {
    HR_DASSERT(position - head_ <= read_position_ - head_);
    head_ = position;
    // R3 release: after the last read of the freed bytes; pairs with A3.
    std::atomic_ref<uint32_t>(header_->head).store(position, std::memory_order_release);
  }
  void release_all() noexcept { release(read_position_); }

  // The same where the producer may sleep until there is room: afterwards its parked word decides
  // about a wake (see parker.h).
  void release_to_parkable(uint32_t position) noexcept {
    HR_DASSERT(position - head_ <= read_position_ - head_);
    head_ = position;
    // R3, and S1: seq_cst, because the load of the parked word that follows must not pass it.
    std::atomic_ref<uint32_t>(header_->head).store(position, std::memory_order_seq_cst);
  }

  // Back to the first unreleased record: next() gives them all again.
  void rewind() noexcept { read_position_ = head_; }

  // Discards whole records, oldest first, until at most `bound_bytes` are occupied; returns how
  // many. Records peeked at and not released count as unread, and are discarded too.
  uint32_t drop_oldest(uint32_t bound_bytes) noexcept {
    uint32_t dropped_count = 0;
    rewind();
    RingRecord record;
    // Bounded: each round passes at least 8 bytes, and the tail is read anew only at its end.
    while (occupied_bytes() > bound_bytes && next(record)) {
      head_ = record.end_position;
      ++dropped_count;
      if (dropped_count >= capacity_bytes_ / kRecordHeaderBytes) break;
    }
    if (dropped_count > 0) release(head_);
    return dropped_count;
  }

  // Published bytes not yet released. A consumer of commit words may be ahead of the published
  // tail; that counts as 0.
  [[nodiscard]] uint32_t occupied_bytes() const noexcept {
    // A2 acquire: pairs with R2; the value is a bound, next() decides what may be read.
    const uint32_t tail = std::atomic_ref<uint32_t>(header_->tail).load(std::memory_order_acquire);
    const int32_t occupied = static_cast<int32_t>(tail - head_);
    return occupied > 0 ? static_cast<uint32_t>(occupied) : 0;
  }

  // For a consumer that has set its parked word: whether a record was published meanwhile.
  [[nodiscard]] bool has_records_after_park() const noexcept {
    // S2 seq_cst: ordered after the parked word's store; pairs with S1 in publish().
    const uint32_t tail = std::atomic_ref<uint32_t>(header_->tail).load(std::memory_order_seq_cst);
    return static_cast<int32_t>(tail - read_position_) > 0;
  }

  // The ring's words of the parked protocol, for take_parked() and a Parker.
  uint32_t* consumer_parked_word() const noexcept { return &header_->consumer_parked; }
  uint32_t* producer_parked_word() const noexcept { return &header_->producer_parked; }

  // A header that no producer writes was found: the ring cannot be read any further. Only memory
  // shared with JavaScript or another process can get there.
  bool corrupt() const noexcept { return corrupt_; }

  // Position of the next record, and of the first unreleased one.
  uint32_t position() const noexcept { return read_position_; }
  uint32_t released_position() const noexcept { return head_; }

  // Whether the producer has closed; if so, one more round of next() gets the last records.
  [[nodiscard]] bool producer_closed() const noexcept {
    // A4 acquire: pairs with R4 in SpscProducer::close().
    return std::atomic_ref<uint32_t>(header_->producer_closed).load(std::memory_order_acquire) != 0;
  }

  // Says that nothing will be read any more. Idempotent.
  void close() noexcept {
    // R4 release: after the last read; pairs with A4 in consumer_closed().
    std::atomic_ref<uint32_t>(header_->consumer_closed).store(1, std::memory_order_release);
  }

 private:
  // Tail mode: whether the tail last seen, or a fresh one, is beyond the read position.
  bool tail_covers_next() noexcept {
    if (tail_seen_ - read_position_ - 1 < capacity_bytes_) [[likely]]
      return true;
    // A2 acquire: every record before the tail is in place; pairs with R2 and JavaScript's
    // Atomics.store.
    const uint32_t tail = std::atomic_ref<uint32_t>(header_->tail).load(std::memory_order_acquire);
    if (tail == read_position_) return false;
    if (tail - head_ > capacity_bytes_ || tail % kRecordAlignment != 0) [[unlikely]]
      return fail();
    tail_seen_ = tail;
    return tail_seen_ - read_position_ - 1 < capacity_bytes_;
  }

  // Whether a header describes something that lies inside the data area, and in tail mode before
  // the tail: lengths come from memory others write, so they are checked before use.
  bool fits(uint32_t payload_bytes, uint32_t commit_word, uint32_t offset) const noexcept {
    if (payload_bytes > capacity_bytes_ - kRecordHeaderBytes) return false;
    const uint32_t span_bytes = record_span_bytes(payload_bytes);
    if (span_bytes > capacity_bytes_ - offset) return false;
    if (tail_mode_ && span_bytes > tail_seen_ - read_position_) return false;
    if (commit_word == kCommitRecord)
      return payload_bytes <= ring_record_bytes_max(capacity_bytes_);
    return commit_word == kCommitPadding && offset + span_bytes == capacity_bytes_;
  }

  bool fail() noexcept {
    corrupt_ = true;
    return false;
  }

  // Shared, constant after set-up.
  RingHeader* header_ = nullptr;
  uint8_t* data_ = nullptr;
  uint32_t capacity_bytes_ = 0;
  uint32_t mask_ = 0;
  bool tail_mode_ = false;
  bool corrupt_ = false;
  // The consumer's own: first unreleased record; next record to read; the tail last seen.
  uint32_t head_ = 0;
  uint32_t read_position_ = 0;
  uint32_t tail_seen_ = 0;
};

}  // namespace hyperroute
