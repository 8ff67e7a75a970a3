// The two ends of a single-producer single-consumer ring of byte records (layout: ring_layout.h):
// here the producer's, in spsc_consumer.h the consumer's.
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
#include "ring/spsc_consumer.h"

namespace hyperroute {

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
    claim_bytes_ = payload_bytes;
    claim_padding_bytes_ = padding_bytes;
    claim_open_ = true;
    return data_ + ((tail_ + padding_bytes) & mask_) + kRecordHeaderBytes;
  }

  // Ends the claim: the record becomes visible to a consumer of commit words, and to one of the
  // tail with the next publish().
  void commit() noexcept { commit(claim_bytes_); }

  // The same, keeping only the first `used_bytes` of the claim.
  void commit(uint32_t used_bytes) noexcept {
    HR_DASSERT(claim_open_ && used_bytes <= claim_bytes_);
    claim_open_ = false;
    if (claim_padding_bytes_ > 0) [[unlikely]]
      put(claim_padding_bytes_ - kRecordHeaderBytes, kCommitPadding);
    put(used_bytes, kCommitRecord);
  }

  // Ends the claim without a record; its bytes are claimed again next.
  void abort() noexcept {
    HR_DASSERT(claim_open_);
    claim_open_ = false;
  }

  // Ends the claim with a record that stays invisible, to every kind of consumer, until
  // commit_staged(); further claims may follow. What is committed or published before that is
  // what was committed before the first staged record.
  void stage(uint32_t used_bytes) noexcept {
    HR_DASSERT(claim_open_ && used_bytes <= claim_bytes_);
    claim_open_ = false;
    if (claim_padding_bytes_ > 0) [[unlikely]]
      put_staged(claim_padding_bytes_ - kRecordHeaderBytes, kCommitPadding);
    put_staged(used_bytes, kCommitRecord);
  }

  // Makes what was staged visible, all at once. Nothing happens where nothing is staged.
  void commit_staged() noexcept {
    if (!has_staged_) return;
    has_staged_ = false;
    // R1 release: publishes every staged payload and header; pairs with A1 in next().
    ring_header_word(data_, staged_position_ & mask_)
        .store(staged_header_, std::memory_order_release);
  }

  // Forgets what was staged; its bytes are claimed again next. No claim may be open.
  void abort_staged() noexcept {
    HR_DASSERT(!claim_open_);
    if (!has_staged_) return;
    has_staged_ = false;
    tail_ = staged_position_;
  }

  // Publishes everything committed, to every kind of consumer; once a batch. After it, and only
  // after it, the consumer's parked word decides about a wake (see parker.h).
  void publish() noexcept {
    HR_DASSERT(!claim_open_ && !has_staged_);
    // R2 release: the records before it; pairs with A2. S1: seq_cst, because the load of the
    // parked word that follows must not pass it.
    std::atomic_ref<uint32_t>(header_->tail).store(tail_, std::memory_order_seq_cst);
    prefetch_next_line();
  }

  // The same for a consumer that never parks (it spins, or polls): no full barrier.
  void publish_to_poller() noexcept {
    HR_DASSERT(!claim_open_ && !has_staged_);
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

  // The same, unseen: the header of the first one stays 0, so no consumer comes to those behind it.
  void put_staged(uint32_t payload_bytes, uint32_t commit_word) noexcept {
    if (has_staged_) return put(payload_bytes, commit_word);
    has_staged_ = true;
    staged_position_ = tail_;
    staged_header_ = record_header(payload_bytes, commit_word);
    tail_ += record_span_bytes(payload_bytes);
    // What follows must read as nothing too, until it is written.
    ring_header_word(data_, tail_ & mask_).store(0, std::memory_order_relaxed);
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
  uint32_t claim_padding_bytes_ = 0;  // Before it; written with it, or not at all.
  bool claim_open_ = false;
  // Where the first staged record (or padding) is, if there is one, and its header.
  bool has_staged_ = false;
  uint32_t staged_position_ = 0;
  uint64_t staged_header_ = 0;
};

}  // namespace hyperroute
