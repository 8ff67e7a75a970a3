// A correlation table: finding, opening, closing, timing out.
// Thread: the worker that has the table. Data path: lookups in the step, openings and closings
// when the message has been sent. Bounded: the index is at most half full.
#include "base/assert.h"
#include "base/cpu.h"
#include "route/correlation.h"

namespace hyperroute {

__extension__ typedef unsigned __int128 UnsignedWide;

uint32_t CorrelationTable::hash_of(const uint64_t* key) const noexcept {
  uint64_t hash = hash_seed_;
  for (uint32_t word = 0; word < record_.key_words; ++word) {
    // Both halves of the product: each bit of the key reaches every bit of the hash.
    const UnsignedWide product = static_cast<UnsignedWide>(hash ^ key[word]) * 0x9E3779B97F4A7C15;
    hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^ hash_seed_;
  }
  return static_cast<uint32_t>(hash ^ hash >> 32);
}

bool CorrelationTable::has_key(const CorrelationEntry& entry, const uint64_t* key) const noexcept {
  for (uint32_t word = 0; word < record_.key_words; ++word) {
    if (entry.words()[word] != key[word]) return false;
  }
  return true;
}

uint32_t CorrelationTable::find_id(uint64_t id) const noexcept {
  const auto index = static_cast<uint32_t>(id);
  if (index >= entry_count_) return kNoEntry;
  const auto generation = static_cast<uint32_t>(id >> 32);
  // A free entry's generation is even, and no id that was given out has one.
  return entry(index).generation == generation && (generation & 1) != 0 ? index : kNoEntry;
}

uint32_t CorrelationTable::find_key(const uint64_t* key) const noexcept {
  const uint32_t hash = hash_of(key);
  for (uint32_t slot = hash & index_mask_; index_[slot].entry != kNoEntry;
       slot = (slot + 1) & index_mask_) {
    if (index_[slot].hash == hash && has_key(entry(index_[slot].entry), key)) {
      return index_[slot].entry;
    }
  }
  return kNoEntry;
}

uint32_t CorrelationTable::reserve() noexcept {
  if (open_count_ == record_.capacity && record_.evicts == 0) {
    ++counts_.refused;
    return kNoEntry;
  }
  HR_DASSERT(free_count_ > 0);
  return free_[free_count_ - 1];
}

void CorrelationTable::prepare(uint32_t index) noexcept {
  CorrelationEntry& prepared = entry(index);
  prepared.hash = hash_of(prepared.words());
  prefetch_for_write(index_ + (prepared.hash & index_mask_));
}

void CorrelationTable::open(uint64_t source, uint64_t destination, uint64_t now_ns) noexcept {
  HR_DASSERT(free_count_ > 0);
  const uint32_t index = free_[--free_count_];
  CorrelationEntry& opened = entry(index);
  // The next one to be opened, long before it is.
  if (free_count_ > 0) prefetch_for_write(&entry(free_[free_count_ - 1]));
  ++opened.generation;
  opened.opened_at_ns = now_ns;
  opened.source = source;
  opened.destination = destination;
  links_[index] = {.older = newest_, .newer = kNoEntry};
  if (newest_ != kNoEntry) {
    links_[newest_].newer = index;
  } else {
    oldest_ = index;
  }
  newest_ = index;
  index_insert(index, opened);
  ++counts_.opened;
  if (++open_count_ > record_.capacity) {
    ++counts_.evicted;
    remove(oldest_, Removal::kEvicted);
  }
}

void CorrelationTable::close(uint64_t id) noexcept {
  const uint32_t index = find_id(id);
  if (index == kNoEntry) return;
  ++counts_.closed;
  remove(index, Removal::kClosed);
}

uint32_t CorrelationTable::sweep(uint64_t now_ns, uint32_t count_max) noexcept {
  uint32_t count = 0;
  while (count < count_max && oldest_ != kNoEntry && deadline_ns() <= now_ns) {
    ++counts_.timed_out;
    remove(oldest_, Removal::kTimedOut);
    ++count;
  }
  return count;
}

uint64_t CorrelationTable::deadline_ns() const noexcept {
  return oldest_ == kNoEntry ? UINT64_MAX : entry(oldest_).opened_at_ns + timeout_ns_;
}

// At the first free place from the hash on, or in place of an older entry with the same key.
void CorrelationTable::index_insert(uint32_t index, const CorrelationEntry& opened) noexcept {
  if (record_.key_words == 0) return;
  uint32_t slot = opened.hash & index_mask_;
  for (; index_[slot].entry != kNoEntry; slot = (slot + 1) & index_mask_) {
    if (index_[slot].hash == opened.hash && has_key(entry(index_[slot].entry), opened.words())) {
      break;
    }
  }
  index_[slot] = {opened.hash, index};
}

// What stands behind the freed place moves up, so that every search still ends where it should.
void CorrelationTable::index_remove(uint32_t index, const CorrelationEntry& removed) noexcept {
  if (record_.key_words == 0) return;
  uint32_t hole = removed.hash & index_mask_;
  for (; index_[hole].entry != index; hole = (hole + 1) & index_mask_) {
    // A newer one has taken its key.
    if (index_[hole].entry == kNoEntry) return;
  }
  for (uint32_t next = (hole + 1) & index_mask_; index_[next].entry != kNoEntry;
       next = (next + 1) & index_mask_) {
    const uint32_t home = index_[next].hash & index_mask_;
    // It may move to the hole unless its home lies between the two.
    if (((next - home) & index_mask_) < ((next - hole) & index_mask_)) continue;
    index_[hole] = index_[next];
    hole = next;
  }
  index_[hole].entry = kNoEntry;
}

void CorrelationTable::remove(uint32_t index, Removal removal) noexcept {
  CorrelationEntry& removed = entry(index);
  index_remove(index, removed);
  const Links links = links_[index];
  if (links.older == kNoEntry) {
    oldest_ = links.newer;
  } else {
    links_[links.older].newer = links.newer;
  }
  if (links.newer == kNoEntry) {
    newest_ = links.older;
  } else {
    links_[links.newer].older = links.older;
  }
  ++removed.generation;
  --open_count_;
  free_[free_count_++] = index;
  if (removed_ != nullptr) removed_(context_, removed.destination, removal);
}

uint32_t CorrelationTable::prefetch_slot(const uint64_t* key) const noexcept {
  const uint32_t hash = hash_of(key);
  prefetch_for_write(index_ + (hash & index_mask_));
  return hash;
}

// The first of those whose hash leads here; another one is found without help.
uint32_t CorrelationTable::prefetch_entry(uint32_t hash) const noexcept {
  const IndexSlot& slot = index_[hash & index_mask_];
  if (slot.entry == kNoEntry || slot.hash != hash) return kNoEntry;
  prefetch_for_write(&entry(slot.entry));
  prefetch_for_write(links_ + slot.entry);
  return slot.entry;
}

uint32_t CorrelationTable::prefetch_id(uint64_t id) const noexcept {
  const auto index = static_cast<uint32_t>(id);
  if (index >= entry_count_) return kNoEntry;
  prefetch_for_write(&entry(index));
  prefetch_for_write(links_ + index);
  return index;
}

void CorrelationTable::prefetch_close(uint32_t index) const noexcept {
  const Links links = links_[index];
  if (links.older != kNoEntry) prefetch_for_write(links_ + links.older);
  if (links.newer != kNoEntry) prefetch_for_write(links_ + links.newer);
  if (record_.key_words != 0) prefetch_for_write(index_ + (entry(index).hash & index_mask_));
}

void CorrelationTable::prefetch_free(uint32_t number) const noexcept {
  if (number < free_count_) prefetch_for_write(&entry(free_[free_count_ - 1 - number]));
}

}  // namespace hyperroute
