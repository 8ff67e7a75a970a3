// Quiescent-state-based reclamation: when may the image that workers ran a moment ago be freed?
//
// Each worker owns one word: 0 while it is offline (it sleeps, or nobody polls it), else the
// newest epoch it has seen between two cycles. The control thread stores the new image, begins an
// epoch and waits until every worker is offline or has seen it. A worker looks once a cycle, which
// costs two loads while nothing is swapped; one that is offline never holds up a swap.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/memory.h"

namespace hyperroute {

inline constexpr uint32_t kWorkerCountMax = 16;

class Qsbr {
 public:
  // Control. Call after the new pointer was stored seq_cst; the old one may be freed once
  // passed(epoch) is true.
  uint64_t begin_grace() {
    // Q1 seq_cst: the pointer's store comes before it in the total order; pairs with Q2 and Q3.
    return epoch_.fetch_add(1, std::memory_order_seq_cst) + 1;
  }

  // Control. Whether no worker can still use what was current before `epoch` began.
  [[nodiscard]] bool passed(uint64_t epoch) const {
    for (const Slot& slot : slots_) {
      // Q4 seq_cst: if it reads "offline" although the worker is waking, then the worker's Q3
      // store comes later in the total order, and so does its load of the pointer: it gets the
      // new one. Acquire: what the worker did with the old image happened before.
      const uint64_t seen = slot.seen_epoch.load(std::memory_order_seq_cst);
      if (seen != kOffline && seen < epoch) return false;
    }
    return true;
  }

  // Worker, between two cycles. True: there was a swap, so the image pointer must be loaded
  // (acquire) after it, and what was kept of the former image dropped. Comparing pointers instead
  // would not do: the next image may stand where a freed one stood.
  [[nodiscard]] bool quiescent(uint32_t worker) {
    std::atomic<uint64_t>& seen_epoch = slots_[worker].seen_epoch;
    // Q2 acquire: seeing the new epoch means seeing the pointer stored before it.
    const uint64_t epoch = epoch_.load(std::memory_order_acquire);
    // Relaxed: this worker is the only writer.
    if (epoch == seen_epoch.load(std::memory_order_relaxed)) return false;
    // Q5 release: everything read from the old image happens before it; pairs with Q4.
    seen_epoch.store(epoch, std::memory_order_release);
    return true;
  }

  // Worker, before its first cycle after being offline. The caller's next load of the image
  // pointer must be seq_cst.
  void online(uint32_t worker) {
    // Q2 acquire, as in quiescent().
    const uint64_t epoch = epoch_.load(std::memory_order_acquire);
    // Q3 seq_cst: ordered before the following pointer load; pairs with Q4.
    slots_[worker].seen_epoch.store(epoch, std::memory_order_seq_cst);
  }

  // Worker. It holds no reference to an image from here until online().
  void offline(uint32_t worker) {
    // Q5 release, as in quiescent().
    slots_[worker].seen_epoch.store(kOffline, std::memory_order_release);
  }

 private:
  static constexpr uint64_t kOffline = 0;

  struct alignas(kCacheLineBytes) Slot {
    std::atomic<uint64_t> seen_epoch{kOffline};
  };

  alignas(kCacheLineBytes) std::atomic<uint64_t> epoch_{1};
  std::array<Slot, kWorkerCountMax> slots_;
};

}  // namespace hyperroute
