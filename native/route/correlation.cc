// A correlation table: set-up. Its use is in correlation_datapath.cc.
// Thread: control.
#include "route/correlation.h"

#include <sys/mman.h>

#include <bit>
#include <new>

#include "base/assert.h"
#include "base/clock.h"

namespace hyperroute {

void CorrelationTable::set_sizes(const CorrelationRecord& record) noexcept {
  record_ = record;
  const uint32_t word_bytes = 8u * (uint32_t{record.key_words} + record.saved_words);
  entry_bytes_ =
      (static_cast<uint32_t>(sizeof(CorrelationEntry)) + word_bytes + kCacheLineBytes - 1) /
      kCacheLineBytes * kCacheLineBytes;
  // One more than may be open: the message that evicts the oldest has written its own by then.
  entry_count_ = record.capacity + 1;
  index_mask_ = (record.key_words == 0 ? 1 : std::bit_ceil(2 * entry_count_)) - 1;
}

uint64_t CorrelationTable::bytes_of(const CorrelationRecord& record) noexcept {
  CorrelationTable sizes;
  sizes.set_sizes(record);
  return sizes.entries_bytes() + sizes.index_bytes() + sizes.links_bytes() + sizes.free_bytes();
}

Result<std::unique_ptr<CorrelationTable>> CorrelationTable::create(const CorrelationRecord& record,
                                                                   uint32_t first_generation) {
  constexpr uint64_t kNsPerMs = 1'000'000;
  HR_ASSERT(record.capacity >= 1 && record.capacity <= kCorrelationCapacityMax);
  std::unique_ptr<CorrelationTable> table(new (std::nothrow) CorrelationTable());
  if (!table) return Status::error(StatusCode::kSystem, "no memory for a correlation");
  table->set_sizes(record);
  table->timeout_ns_ = record.timeout_ms * kNsPerMs;
  // Every page is touched below.
  auto memory = MemoryRegion::anonymous(bytes_of(record), Prefault::kNo);
  if (!memory.ok()) return memory.status();
  table->memory_ = memory.take();
  // Read at random: larger pages, if the kernel has any, are found faster. It may refuse.
  (void)::madvise(table->memory_.data(), table->memory_.bytes(), MADV_HUGEPAGE);
  table->entries_ = table->memory_.data();
  table->index_ = reinterpret_cast<IndexSlot*>(table->entries_ + table->entries_bytes());
  uint8_t* const behind_index = reinterpret_cast<uint8_t*>(table->index_) + table->index_bytes();
  table->links_ = reinterpret_cast<Links*>(behind_index);
  table->free_ = reinterpret_cast<uint32_t*>(behind_index + table->links_bytes());
  for (uint32_t slot = 0; slot <= table->index_mask_; ++slot) table->index_[slot] = {0, kNoEntry};
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
