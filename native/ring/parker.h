// The parked wake-up protocol: how a store to shared memory wakes a thread that sleeps in the
// kernel, at the cost of one load where nobody sleeps.
// Thread: one consumer parks and unparks; any number of producers wake.
// Place on the data path: the consumer before it blocks; a producer after publish(), once a batch.
//
//   producer                                    consumer
//   --------                                    --------
//   S1 store ring tail        (seq_cst)         P1 store parked = 1          (seq_cst)
//   P2 load parked            (seq_cst)         S2 load every ring's tail    (seq_cst)
//   if set: exchange it with 0;                 if any has records: unpark, work
//           if it was 1: write the eventfd      else block on the eventfd; on waking: unpark
//
// All four are seq_cst, so they have one order for everybody. Were P2 to read 0 from before P1 and
// S2 to read the tail from before S1, then P2 < P1 < S2 < S1 in that order, yet S1 precedes P2 in
// its own thread: a contradiction. So one side always sees the other and no wake is lost. A
// release store in place of S1 is not enough: the CPU may execute the load P2 before it.
// The exchange makes it one write a park, however many producers see the word set.
//
// A wake may be spurious (a producer took the word while the consumer was waking up already);
// the consumer only looks at its rings once more.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/memory.h"
#include "base/status.h"

namespace hyperroute {

// The producer's half for any parked word (a ring's line, or a Parker's own): true exactly once a
// park, to the producer that must now wake the sleeper by whatever wakes it (an eventfd, a
// uv_async). The caller has published seq_cst before.
[[nodiscard]] inline bool take_parked(uint32_t* parked_word) noexcept {
  std::atomic_ref<uint32_t> parked(*parked_word);
  // P2 seq_cst: not before the publish S1 of this thread; pairs with P1.
  if (parked.load(std::memory_order_seq_cst) == 0) [[likely]]
    return false;
  // P2 seq_cst: the one producer that finds 1 here wakes; pairs with P1.
  return parked.exchange(0, std::memory_order_seq_cst) != 0;
}

// The consumer's half for any parked word: P1 before the re-check of the rings, and its end.
inline void set_parked(uint32_t* parked_word) noexcept {
  // P1 seq_cst: before the re-check S2 of this thread; pairs with P2.
  std::atomic_ref<uint32_t>(*parked_word).store(1, std::memory_order_seq_cst);
}
inline void clear_parked(uint32_t* parked_word) noexcept {
  // Relaxed: a producer that still finds 1 wakes a thread that is awake, which costs one system
  // call and nothing else; no data depends on it.
  std::atomic_ref<uint32_t>(*parked_word).store(0, std::memory_order_relaxed);
}

// A parked word with the eventfd that wakes its owner. A thread that consumes several rings has
// one Parker. Where producers cannot reach its word (JavaScript sees only its own buffer), a word
// of the ring does the same with set_parked() and take_parked(), and whoever takes it wakes by
// wake() or an eventfd of its own.
class Parker {
 public:
  Parker() noexcept = default;
  Parker(const Parker&) = delete;  // Producers hold its address.
  Parker& operator=(const Parker&) = delete;
  ~Parker() { close(); }

  // Makes the eventfd. Set-up, before any other thread uses the object.
  Status open();
  // Set-up; no producer may use the object any more. Idempotent.
  void close() noexcept;

  // Consumer thread, in this order: prepare_park(); re-check every ring with
  // has_records_after_park(); if there is nothing, block until fd() is readable; always
  // unpark_self() afterwards.
  void prepare_park() noexcept { set_parked(&parked_); }
  void unpark_self() noexcept;

  // Any thread, after a seq_cst publish to a ring of this consumer. Costs one load unless the
  // consumer sleeps; then one system call, once a park. True if this call woke it.
  bool wake_if_parked() noexcept {
    if (!take_parked(&parked_)) [[likely]]
      return false;
    wake();
    return true;
  }

  // Any thread. Wakes whether parked or not: for stop and for commands outside any ring. Called
  // while the consumer is awake, it makes the next sleep end at once.
  void wake() noexcept;

  // Readable from a wake until unpark_self(); for an epoll set.
  int fd() const noexcept { return fd_; }

 private:
  // The word producers load after every batch, on a line of its own: it changes only around a
  // sleep, so it stays in their caches.
  alignas(kCacheLineBytes) uint32_t parked_ = 0;
  // Set-up, then constant.
  alignas(kCacheLineBytes) int fd_ = -1;
};

}  // namespace hyperroute
