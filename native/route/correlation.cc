// A correlation table: set-up. Its use is in correlation_datapath.cc.
// Thread: control.
#include "route/correlation.h"

#include <sys/mman.h>

#include <bit>
#include <new>

#include "base/assert.h"
#include "base/clock.h"

namespace hyperroute {

Result<std::unique_ptr<CorrelationTable>> CorrelationTable::create(const CorrelationRecord& record,
                                                                   uint32_t first_generation) {
  constexpr uint64_t kNsPerMs = 1'000'000;
  HR_ASSERT(record.capacity >= 1 && record.capacity <= kCorrelationCapacityMax);
  std::unique_ptr<CorrelationTable> table(new (std::nothrow) CorrelationTable());
  if (!table) return Status::error(StatusCode::kSystem, "no memory for a correlation");
  const uint32_t word_bytes = 8u * (uint32_t{record.key_words} + record.saved_words);
  table->record_ = record;
  table->timeout_ns_ = record.timeout_ms * kNsPerMs;
  table->entry_bytes_ =
      (static_cast<uint32_t>(sizeof(CorrelationEntry)) + word_bytes + kCacheLineBytes - 1) /
      kCacheLineBytes * kCacheLineBytes;
  // One more than may be open: the message that evicts the oldest has written its own by then.
  table->entry_count_ = record.capacity + 1;
  const uint32_t slot_count = record.key_words == 0 ? 1 : std::bit_ceil(2 * table->entry_count_);
  table->index_mask_ = slot_count - 1;
  const uint64_t entries_bytes = uint64_t{table->entry_bytes_} * table->entry_count_;
  const uint64_t index_bytes = sizeof(IndexSlot) * uint64_t{slot_count};
  const uint64_t free_bytes = sizeof(uint32_t) * uint64_t{table->entry_count_};
  // Every page is touched below.
  auto memory = MemoryRegion::anonymous(entries_bytes + index_bytes + free_bytes, Prefault::kNo);
  if (!memory.ok()) return memory.status();
  table->memory_ = memory.take();
  // Read at random: larger pages, if the kernel has any, are found faster. It may refuse.
  (void)::madvise(table->memory_.data(), table->memory_.bytes(), MADV_HUGEPAGE);
  table->entries_ = table->memory_.data();
  table->index_ = reinterpret_cast<IndexSlot*>(table->entries_ + entries_bytes);
  table->free_ = reinterpret_cast<uint32_t*>(table->entries_ + entries_bytes + index_bytes);
  for (uint32_t slot = 0; slot < slot_count; ++slot) table->index_[slot] = {0, kNoEntry};
  // The entries are used from the first on, and again the latest freed one first: it is in the
  // cache.
  for (uint32_t place = 0; place < table->entry_count_; ++place) {
    table->free_[place] = table->entry_count_ - 1 - place;
    table->entry(place).generation = first_generation & ~1u;
  }
  table->free_count_ = table->entry_count_;
  // Keeps strangers from choosing keys that meet in the index; what a router decides does not
  // depend on it.
  table->hash_seed_ =
      monotonic_ns() * 0x9E3779B97F4A7C15 ^ reinterpret_cast<uintptr_t>(table.get());
  return table;
}

}  // namespace hyperroute
