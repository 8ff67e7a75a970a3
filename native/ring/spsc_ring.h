// The two ends of a single-producer single-consumer ring of byte records (layout: ring_layout.h).
// Thread: one producer thread and one consumer thread, each owning its end; an end may move to
// another thread only with an ordering of its user's making.
// Place on the data path: claim in destination → commit; worker to worker and to JavaScript.
// Nothing here allocates, locks, makes a system call or waits; a full ring is a nullptr.
//
// The orderings, each pair named where it is used:
//   R1/A1  header store → header load   publishes a record's payload (commit-word visibility)
//   R2/A2  tail store   → tail load     publishes every record before it (tail visibility)
//   R3/A3  head store   → head load     hands released bytes back to the producer
//   R4/A4  closed store → closed load   closes after the last record (or after the last read)
//   S1/S2  seq_cst tail or head store, then the parked word: the protocol of parker.h
#pragma once

#include <atomic>
#include <cstdint>

#include "base/assert.h"
#include "base/cpu.h"
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

class SpscProducer {
 public:
  SpscProducer() noexcept = default;

  // Goes on at the ring's published tail: a former producer must have called publish().
  explicit SpscProducer(const RingView& view) noexcept
      : header_(view.header),
        data_(view.data),
        capacity_bytes_(view.capacity_bytes),
        mask_(view.capacity_bytes - 1),
        // Relaxed: only producers store tail, and this is the only one.
        tail_(std::atomic_ref<uint32_t>(view.header->tail).load(std::memory_order_relaxed)) {
    refresh_free_end();
    // The 8 bytes at the tail are always free; a JavaScript producer before may have left others.
    // Relaxed: R1 of the first record publishes it, and no consumer waits here for a zero.
    ring_header_word(data_, tail_ & mask_).store(0, std::memory_order_relaxed);
  }

  bool attached() const noexcept { return header_ != nullptr; }
  uint32_t capacity_bytes() const noexcept { return capacity_bytes_; }
  uint32_t record_bytes_max() const noexcept { return ring_record_bytes_max(capacity_bytes_); }

  // Room for one record of up to `payload_bytes`, written in place; nullptr where the ring is full
  // or the record is longer than record_bytes_max(). One claim is open at a time and ends by
  // commit() or abort(). The pointer is 8-byte aligned and valid until then.
  [[nodiscard]] uint8_t* claim(uint32_t payload_bytes) noexcept {
    HR_DASSERT(!claim_open_);
    if (payload_bytes > record_bytes_max()) [[unlikely]]
      return nullptr;
    const uint32_t span_bytes = record_span_bytes(payload_bytes);
    const uint32_t padding_bytes = padding_before(span_bytes);
    const uint32_t wanted_bytes = span_bytes + padding_bytes + kRecordHeaderBytes;
    if (free_end_ - tail_ < wanted_bytes) [[unlikely]] {
      refresh_free_end();
      if (free_end_ - tail_ < wanted_bytes) return nullptr;
    }
    if (padding_bytes > 0) [[unlikely]]
      put(padding_bytes - kRecordHeaderBytes, kCommitPadding);
    claim_bytes_ = payload_bytes;
    claim_open_ = true;
    return data_ + (tail_ & mask_) + kRecordHeaderBytes;
  }

  // Ends the claim: the record becomes visible to a consumer of commit words, and to one of the
  // tail with the next publish().
  void commit() noexcept { commit(claim_bytes_); }

  // The same, keeping only the first `used_bytes` of the claim.
  void commit(uint32_t used_bytes) noexcept {
    HR_DASSERT(claim_open_ && used_bytes <= claim_bytes_);
    claim_open_ = false;
    put(used_bytes, kCommitRecord);
  }

  // Ends the claim without a record; its bytes are claimed again next.
  void abort() noexcept {
    HR_DASSERT(claim_open_);
    claim_open_ = false;
  }

  // Publishes everything committed, to every kind of consumer; once a batch. After it, and only
  // after it, the consumer's parked word decides about a wake (see parker.h).
  void publish() noexcept {
    HR_DASSERT(!claim_open_);
    // R2 release: the records before it; pairs with A2. S1: seq_cst, because the load of the
    // parked word that follows must not pass it.
    std::atomic_ref<uint32_t>(header_->tail).store(tail_, std::memory_order_seq_cst);
    prefetch_next_line();
  }

  // The same for a consumer that never parks (it spins, or polls): no full barrier.
  void publish_to_poller() noexcept {
    HR_DASSERT(!claim_open_);
    // R2 release: the records before it; pairs with A2.
    std::atomic_ref<uint32_t>(header_->tail).store(tail_, std::memory_order_release);
    prefetch_next_line();
  }

  // The ring's words of the parked protocol, for take_parked() and a Parker.
  uint32_t* consumer_parked_word() const noexcept { return &header_->consumer_parked; }
  uint32_t* producer_parked_word() const noexcept { return &header_->producer_parked; }

  // For a producer that has set its parked word: whether there is room for the record by now.
  // `payload_bytes` is at most record_bytes_max(), or there never would be.
  [[nodiscard]] bool has_space_after_park(uint32_t payload_bytes) noexcept {
    HR_DASSERT(payload_bytes <= record_bytes_max());
    // S2 seq_cst: ordered after the parked word's store; pairs with release_to_parkable().
    accept_head(std::atomic_ref<uint32_t>(header_->head).load(std::memory_order_seq_cst));
    const uint32_t span_bytes = record_span_bytes(payload_bytes);
    return free_end_ - tail_ >= span_bytes + padding_before(span_bytes) + kRecordHeaderBytes;
  }

  // Bytes committed and not yet released, headers and padding included.
  [[nodiscard]] uint32_t occupied_bytes() noexcept {
    refresh_free_end();
    return capacity_bytes_ - (free_end_ - tail_);
  }

  // The same without reading the consumer's line: at least what is occupied, by the head last
  // seen. Enough to stay below a bound; refresh with occupied_bytes() before giving up at it.
  [[nodiscard]] uint32_t occupied_bytes_last_seen() const noexcept {
    return capacity_bytes_ - (free_end_ - tail_);
  }

  // Any thread: bytes published and not yet released, about now.
  [[nodiscard]] uint32_t published_bytes() const noexcept {
    // Relaxed: two words of two writers, no data is read by them. A consumer of commit words may
    // be ahead of the tail.
    const uint32_t head = std::atomic_ref<uint32_t>(header_->head).load(std::memory_order_relaxed);
    const uint32_t tail = std::atomic_ref<uint32_t>(header_->tail).load(std::memory_order_relaxed);
    const int32_t occupied = static_cast<int32_t>(tail - head);
    return occupied > 0 ? static_cast<uint32_t>(occupied) : 0;
  }

  // Position after the last committed record.
  uint32_t position() const noexcept { return tail_; }

  // Publishes, then says that no record will follow. Idempotent.
  void close() noexcept {
    publish();
    // R4 release: after the last record; pairs with A4 in producer_closed().
    std::atomic_ref<uint32_t>(header_->producer_closed).store(1, std::memory_order_release);
  }

  // Whether the consumer will read no more; records may be dropped.
  [[nodiscard]] bool consumer_closed() const noexcept {
    // A4 acquire: pairs with R4 in SpscConsumer::close().
    return std::atomic_ref<uint32_t>(header_->consumer_closed).load(std::memory_order_acquire) != 0;
  }

 private:
  // What is left of the data area where a record of this span does not fit before its end, else 0.
  // Both callers ask for 8 bytes more than the record and the padding: the header after the
  // record is zeroed before the record shows, so it must be free too.
  uint32_t padding_before(uint32_t span_bytes) const noexcept {
    const uint32_t contiguous_bytes = capacity_bytes_ - (tail_ & mask_);
    return span_bytes > contiguous_bytes ? contiguous_bytes : 0;
  }

  // Writes the record at the tail (its payload is in place) and moves the tail past it.
  void put(uint32_t payload_bytes, uint32_t commit_word) noexcept {
    const uint32_t next = tail_ + record_span_bytes(payload_bytes);
    // Relaxed: R1 below orders it; the consumer looks here only after it has seen this record.
    ring_header_word(data_, next & mask_).store(0, std::memory_order_relaxed);
    // R1 release: publishes the payload and the zero after it; pairs with A1 in next().
    ring_header_word(data_, tail_ & mask_)
        .store(record_header(payload_bytes, commit_word), std::memory_order_release);
    tail_ = next;
  }

  void refresh_free_end() noexcept {
    // A3 acquire: the consumer has done reading what it released; pairs with R3.
    accept_head(std::atomic_ref<uint32_t>(header_->head).load(std::memory_order_acquire));
  }

  // A head outside [tail − capacity, tail] can only come from a broken peer; ignoring it leaves
  // the ring full for ever, which the owner sees, and no byte is written that should not be.
  void accept_head(uint32_t head) noexcept {
    if (tail_ - head <= capacity_bytes_) [[likely]]
      free_end_ = head + capacity_bytes_;
  }

  // The line after the one in use is still in the consumer's cache from the last lap. Fetching it
  // for writing now keeps that transfer out of the next record's way.
  void prefetch_next_line() const noexcept {
    prefetch_for_write(data_ + ((tail_ + kCacheLineBytes) & mask_));
  }

  // Shared, constant after set-up.
  RingHeader* header_ = nullptr;
  uint8_t* data_ = nullptr;
  uint32_t capacity_bytes_ = 0;
  uint32_t mask_ = 0;
  // The producer's own: position of the next record; where the free bytes end (the cached head
  // plus the capacity), which can only have moved on since it was read; the open claim.
  uint32_t tail_ = 0;
  uint32_t free_end_ = 0;
  uint32_t claim_bytes_ = 0;
  bool claim_open_ = false;
};

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
