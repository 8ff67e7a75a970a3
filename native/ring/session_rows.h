// Rows about the sessions of an endpoint in the counters file: who the peer is, how the session
// stands, what it counts (type 4 of counters_layout.h). A row is read whole or not at all.
// Thread: made by the control thread; take, write and free belong to the endpoint's worker.
// Place on the data path: beside it, a few times a second; nothing here allocates.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "ring/counters_layout.h"

namespace hyperroute {

// A row in words, as it lies in the file from its `state` on; word 0 is the sequence.
using SessionRow = std::array<uint64_t, kSessionRowBytes / sizeof(uint64_t)>;

inline constexpr uint32_t kNoSessionRow = kSessionRowCount;

class SessionRows {
 public:
  // None: what is taken is not there, what is written goes nowhere.
  SessionRows() noexcept = default;
  // `table` is kSessionTableBytes of zeros; `names` as long as kSessionNamesBytesMax at most.
  static void format(uint8_t* table, std::string_view names) noexcept;
  // Of a table that was formatted and outlives this.
  explicit SessionRows(uint8_t* table) noexcept : table_(table) {}

  [[nodiscard]] bool empty() const noexcept { return table_ == nullptr; }

  // A free row, which is the caller's from here on; kNoSessionRow where there is none. `row` has
  // a state that is not 0.
  [[nodiscard]] uint32_t take(const SessionRow& row) noexcept;
  // Nothing is written where all of it is as it was.
  void write(uint32_t index, const SessionRow& row) noexcept;
  void free(uint32_t index) noexcept { write(index, SessionRow{}); }

 private:
  std::atomic<uint64_t>* words(uint32_t index) const noexcept {
    uint8_t* const row = table_ + kSessionRowsOffset + size_t{index} * kSessionRowBytes;
    return reinterpret_cast<std::atomic<uint64_t>*>(row);
  }

  uint8_t* table_ = nullptr;
};

}  // namespace hyperroute
