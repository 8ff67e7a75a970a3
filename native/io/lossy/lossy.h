// A seeded decorator on what a datagram socket sends and receives: it loses, repeats and delays.
//
// For `perf --loss`, benches and tests, where the kernel has no netem and a proxy of its own would
// take a CPU from what is measured. Owner: the thread of the socket. Data path: one look at a
// pseudo-random number a datagram, and only where a socket has one of these; memory is allocated by
// create() alone, and what finds no room in it is delivered at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/memory.h"
#include "base/prng.h"
#include "base/status.h"
#include "io/address.h"

namespace hyperroute {

// Datagrams that wait at a time, and the largest that can.
inline constexpr uint32_t kLossyKeptMax = 64;
inline constexpr uint32_t kLossyDatagramBytesMax = 9 * 1024;
// Shares are parts of a million.
inline constexpr uint32_t kLossyShareMax = 1'000'000;

struct LossyOptions {
  uint64_t seed = 1;
  uint32_t loss_share = 0;
  uint32_t duplicate_share = 0;
  uint32_t reorder_share = 0;
  uint64_t reorder_ns_max = 1'000'000;  // A datagram out of order comes up to this later.
  bool drops_sent = true;               // Loss applies to what is sent as well.

  bool is_active() const noexcept {
    return loss_share > 0 || duplicate_share > 0 || reorder_share > 0;
  }
};

class Lossy {
 public:
  // kConfig: a share above a million.
  static Result<std::unique_ptr<Lossy>> create(const LossyOptions& options);

  // Whether a datagram that is sent is lost.
  [[nodiscard]] bool loses_sent() noexcept {
    return options_.drops_sent && happens(options_.loss_share);
  }

  // What happens to one that arrived. kPass: it is delivered now; a copy may follow later. kTaken:
  // it is lost, or waits here.
  enum class Fate : uint8_t { kPass, kTaken };
  [[nodiscard]] Fate arrived(uint64_t now_ns, std::span<const uint8_t> datagram,
                             const SocketAddress& from) noexcept;

  struct Kept {
    uint8_t* data = nullptr;  // 8-aligned, the caller's until release_due().
    uint32_t bytes = 0;
    const SocketAddress* from = nullptr;
  };
  // One whose time has come; data is null if there is none.
  [[nodiscard]] Kept next_due(uint64_t now_ns) noexcept;
  // The buffers of everything that next_due() gave out are free again.
  void release_due() noexcept;
  [[nodiscard]] bool owns(const uint8_t* data) const noexcept {
    return data >= memory_.data() && data < memory_.data() + memory_.bytes();
  }
  [[nodiscard]] uint64_t next_due_ns() const noexcept { return next_due_ns_; }

 private:
  enum class State : uint8_t { kFree, kWaiting, kGiven };
  struct Slot {
    State state = State::kFree;
    uint32_t bytes = 0;
    uint64_t due_ns = 0;
    SocketAddress from;
  };

  explicit Lossy(const LossyOptions& options) noexcept : options_(options), prng_(options.seed) {}
  bool happens(uint32_t share) noexcept { return share > 0 && prng_.below(kLossyShareMax) < share; }
  bool keep(uint64_t due_ns, std::span<const uint8_t> datagram, const SocketAddress& from) noexcept;
  uint8_t* buffer(uint32_t slot) noexcept {
    return memory_.data() + size_t{slot} * kLossyDatagramBytesMax;
  }
  void find_next_due() noexcept;

  const LossyOptions options_;
  Prng prng_;
  Slot slots_[kLossyKeptMax];
  uint64_t next_due_ns_ = UINT64_MAX;
  uint32_t given_count_ = 0;
  MemoryRegion memory_;
};

}  // namespace hyperroute
