// Writing rows that are read while they are written. The endpoint's worker; no allocation.
#include "ring/session_rows.h"

#include <cstring>

#include "base/assert.h"

namespace hyperroute {
namespace {

constexpr uint32_t kSequenceWord = 0;
constexpr uint32_t kStateWord = offsetof(SessionRowHead, state) / sizeof(uint64_t);

// Relaxed: the writer is the only one that stores, and a reader goes by the sequence.
uint64_t load(const std::atomic<uint64_t>& word) { return word.load(std::memory_order_relaxed); }

}  // namespace

void SessionRows::format(uint8_t* table, std::string_view names) noexcept {
  HR_ASSERT(names.size() <= kSessionNamesBytesMax);
  const SessionTableHead head{kSessionRowCount, kSessionRowBytes, kSessionRowsOffset,
                              static_cast<uint32_t>(names.size())};
  std::memcpy(table, &head, sizeof head);
  std::memcpy(table + sizeof head, names.data(), names.size());
}

uint32_t SessionRows::take(const SessionRow& row) noexcept {
  HR_DASSERT(row[kStateWord] != 0);
  if (empty()) return kNoSessionRow;
  for (uint32_t index = 0; index < kSessionRowCount; ++index) {
    if (load(words(index)[kStateWord]) != 0) continue;
    write(index, row);
    return index;
  }
  return kNoSessionRow;
}

void SessionRows::write(uint32_t index, const SessionRow& row) noexcept {
  if (empty() || index >= kSessionRowCount) return;
  std::atomic<uint64_t>* const to = words(index);
  bool is_new = false;
  for (uint32_t word = kSequenceWord + 1; word < row.size(); ++word) {
    is_new = is_new || load(to[word]) != row[word];
  }
  if (!is_new) return;
  const uint64_t sequence = load(to[kSequenceWord]);
  // Relaxed: S1 publishes it.
  to[kSequenceWord].store(sequence + 1, std::memory_order_relaxed);
  for (uint32_t word = kSequenceWord + 1; word < row.size(); ++word) {
    // S1 release: whoever sees the word sees that the sequence is odd, or newer; pairs with the
    // reader's load of the word.
    to[word].store(row[word], std::memory_order_release);
  }
  // S2 release: even again behind every word; pairs with the reader's first load.
  to[kSequenceWord].store(sequence + 2, std::memory_order_release);
}

}  // namespace hyperroute
