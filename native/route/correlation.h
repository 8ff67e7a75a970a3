// A correlation table: messages that wait for what belongs to them. The one kind of table that a
// router writes; it is allocated when an image is installed and never grows.
//
//   entries   capacity + 1 of them, of one size: header, words of the key, words kept beside it
//   links     of each entry the next older and newer one; apart, since closing changes those of the
//             neighbours, and nothing else of them
//   free      the entries that are free, the one used next last
//   index     open addressing over the keys' hashes, at most half full
//
// An entry is named by an id, its index and its generation: found by one load and a compare. All
// time out after the same time, so the order of opening is the order of timing out.
//
// Thread: made and freed by the control thread; used by one worker. Place on the data path:
// between the checks of a message and the match, and again when it has been sent.
#pragma once

#include <cstdint>
#include <memory>

#include "base/memory.h"
#include "base/status.h"
#include "route/image_format_correlation.h"

namespace hyperroute {

inline constexpr uint32_t kNoEntry = 0xFFFFFFFF;

// Tables up to this size stay near the worker without help.
inline constexpr uint64_t kNearTableBytesMax = 512u << 10;

// Its words follow: key, then what is kept.
struct CorrelationEntry {
  uint32_t generation;  // Odd while the entry is in use.
  uint32_t hash;
  uint64_t opened_at_ns;
  uint64_t source;       // Where the message came from, and where it went: addresses that only
  uint64_t destination;  // the engine reads.

  [[nodiscard]] const uint64_t* words() const noexcept {
    return reinterpret_cast<const uint64_t*>(this + 1);
  }
  [[nodiscard]] uint64_t* words() noexcept { return reinterpret_cast<uint64_t*>(this + 1); }
};
static_assert(sizeof(CorrelationEntry) == 32);

// Why entries came and went, since the table was made.
struct CorrelationCounts {
  uint64_t opened = 0;
  uint64_t closed = 0;
  uint64_t timed_out = 0;
  uint64_t evicted = 0;
  uint64_t not_found = 0;
  uint64_t refused = 0;  // Messages that found the table full.
};

enum class Removal : uint8_t { kClosed, kTimedOut, kEvicted };

class CorrelationTable {
 public:
  // Told of every entry that goes, and why. A plain function: nothing here allocates.
  using Removed = void (*)(void* context, uint64_t destination, Removal removal);

  // Control. `first_generation`: which ids come first; tables that follow one another have others,
  // so that an id of the former is not taken for one of the next. kSystem: no memory.
  static Result<std::unique_ptr<CorrelationTable>> create(const CorrelationRecord& record,
                                                          uint32_t first_generation);

  // The memory that create() takes, by a record that was verified.
  [[nodiscard]] static uint64_t bytes_of(const CorrelationRecord& record) noexcept;

  // Control, before the table is used.
  void listen(Removed removed, void* context) noexcept {
    removed_ = removed;
    context_ = context;
  }

  [[nodiscard]] const CorrelationRecord& record() const noexcept { return record_; }
  [[nodiscard]] const CorrelationCounts& counts() const noexcept { return counts_; }
  [[nodiscard]] uint32_t open_count() const noexcept { return open_count_; }
  [[nodiscard]] uint64_t bytes() const noexcept { return memory_.bytes(); }

  // The entry that an id names, or kNoEntry.
  [[nodiscard]] uint32_t find_id(uint64_t id) const noexcept;
  // The newest entry that was opened with a key, if it is still open, or kNoEntry.
  [[nodiscard]] uint32_t find_key(const uint64_t* key) const noexcept;
  void count_not_found() noexcept { ++counts_.not_found; }

  [[nodiscard]] CorrelationEntry& entry(uint32_t index) const noexcept {
    return *reinterpret_cast<CorrelationEntry*>(entries_ + uint64_t{index} * entry_bytes_);
  }
  // Of an open one.
  [[nodiscard]] uint64_t id_of(uint32_t index) const noexcept {
    return uint64_t{entry(index).generation} << 32 | index;
  }
  // What is kept beside the key.
  [[nodiscard]] const uint8_t* saved_of(uint32_t index) const noexcept {
    return reinterpret_cast<const uint8_t*>(entry(index).words() + record_.key_words);
  }

  // The entry that the next open() takes, whose words the caller writes first; kNoEntry: the
  // table is full. Without open() nothing has happened.
  [[nodiscard]] uint32_t reserve() noexcept;
  // The words of what reserve() returned have been written. Brings near what open() will need.
  void prepare(uint32_t index) noexcept;
  // The id of what reserve() returned, once it is open.
  [[nodiscard]] uint64_t reserved_id(uint32_t index) const noexcept {
    return uint64_t{entry(index).generation + 1} << 32 | index;
  }
  // Opens the reserved entry, which is prepared. An older one with the same key is found by its id
  // alone from now on. Beyond the capacity the oldest goes.
  void open(uint64_t source, uint64_t destination, uint64_t now_ns) noexcept;
  // Closes the entry that an id names, if it is still open.
  void close(uint64_t id) noexcept;
  // Closes what has waited too long, at most `count_max` entries. Returns how many.
  uint32_t sweep(uint64_t now_ns, uint32_t count_max) noexcept;
  // When the oldest entry times out, in monotonic ns; UINT64_MAX: there is none.
  [[nodiscard]] uint64_t deadline_ns() const noexcept;
  // Calls visit(destination) for each open entry, the oldest first.
  template <typename Visitor>
  void each_open(Visitor visit) const noexcept {
    for (uint32_t at = oldest_; at != kNoEntry; at = links_[at].newer) visit(entry(at).destination);
  }

  // Brings near what messages to come will need, in steps of which each needs the one before: the
  // place of a key in the index; the entry that stands there; what closing an entry changes.
  [[nodiscard]] uint32_t prefetch_slot(const uint64_t* key) const noexcept;
  [[nodiscard]] uint32_t prefetch_entry(uint32_t hash) const noexcept;
  [[nodiscard]] uint32_t prefetch_id(uint64_t id) const noexcept;
  void prefetch_close(uint32_t index) const noexcept;
  // The n-th entry that will be opened, from 0.
  void prefetch_free(uint32_t number) const noexcept;

 private:
  struct IndexSlot {
    uint32_t hash;
    uint32_t entry;  // kNoEntry: free.
  };

  // By the time of opening; kNoEntry: none.
  struct Links {
    uint32_t older;
    uint32_t newer;
  };

  CorrelationTable() = default;

  void set_sizes(const CorrelationRecord& record) noexcept;
  [[nodiscard]] uint64_t entries_bytes() const noexcept {
    return uint64_t{entry_bytes_} * entry_count_;
  }
  [[nodiscard]] uint64_t index_bytes() const noexcept {
    return sizeof(IndexSlot) * (uint64_t{index_mask_} + 1);
  }
  [[nodiscard]] uint64_t links_bytes() const noexcept {
    return sizeof(Links) * uint64_t{entry_count_};
  }
  [[nodiscard]] uint64_t free_bytes() const noexcept {
    return sizeof(uint32_t) * uint64_t{entry_count_};
  }

  [[nodiscard]] uint32_t hash_of(const uint64_t* key) const noexcept;
  [[nodiscard]] bool has_key(const CorrelationEntry& entry, const uint64_t* key) const noexcept;
  void index_insert(uint32_t index, const CorrelationEntry& opened) noexcept;
  void index_remove(uint32_t index, const CorrelationEntry& removed) noexcept;
  void remove(uint32_t index, Removal removal) noexcept;

  CorrelationRecord record_{};
  MemoryRegion memory_;
  uint8_t* entries_ = nullptr;
  IndexSlot* index_ = nullptr;
  Links* links_ = nullptr;
  uint32_t* free_ = nullptr;
  uint32_t entry_bytes_ = 0;
  uint32_t entry_count_ = 0;
  uint32_t index_mask_ = 0;
  uint32_t free_count_ = 0;
  uint32_t open_count_ = 0;
  uint32_t oldest_ = kNoEntry;
  uint32_t newest_ = kNoEntry;
  uint64_t hash_seed_ = 0;
  uint64_t timeout_ns_ = 0;
  Removed removed_ = nullptr;
  void* context_ = nullptr;
  CorrelationCounts counts_;
};

}  // namespace hyperroute
