// The receiving end of a stream: runs of records in, messages out, as its mode promises.
// Thread: one, the session's. Data path: on_run and poll (stream_rx_datapath.cc,
// stream_rx_scattered_datapath.cc). Nothing but create() and the first record that has to be kept
// allocates: a stream that comes in order and is read at once needs no ring.
//
//     consumed_        parse_          frontier_           highest_     consumed_ + window_bytes_
//   -----|----------------|---------------|--------------------|-----------|------- position
//        | begin of a     | came, records | received_ says     | may come
//        | message that   | as they came  | what came          |
//        | lacks an end   |               |                    |
//
// The peer is authentic, yet may be hostile: every record of a run is checked before any has an
// effect. A record's place in the ring is its position, so records that were kept tile it exactly.
// A message that is put together lies behind its first header: its later fragments are moved there
// over the headers between them, since their source is never below where they go.
#pragma once

#include <cstdint>

#include "base/memory.h"
#include "base/mirrored_region.h"
#include "base/status.h"
#include "raptor/message_view.h"
#include "raptor/position_bitmap.h"
#include "raptor/stream_mode.h"

namespace hyperroute::raptor {

struct StreamRxCounters {
  uint64_t messages = 0;           // taken by the sink
  uint64_t bytes = 0;              // of their payload
  uint64_t duplicates = 0;         // runs of which nothing was new
  uint64_t out_of_order = 0;       // runs that came before an earlier one
  uint64_t beyond_window = 0;      // runs dropped because the peer may not have sent them
  uint64_t malformed = 0;          // runs and positions that cannot be
  uint64_t refused = 0;            // calls of a sink that took less than it was given
  uint64_t dropped = 0;            // records of messages that will not be whole, and outdated ones
  uint64_t fragments_visited = 0;  // looked at again, to see whether their message is whole
};

class StreamRx {
 public:
  enum class Verdict : uint8_t {
    kAccepted,
    kDuplicate,     // Nothing of it was new.
    kBeyondWindow,  // Dropped; must not be acknowledged. The peer's fault.
    kMalformed,     // Dropped; the peer breaks the protocol, the stream is of no use any more.
    kNoMemory,      // Dropped; must not be acknowledged. This end could not make its ring.
  };

  // `options` as in the peer's OPEN. `window_bytes`: what the peer was told in the handshake; the
  // true window is that, or twice the largest message where that is more, and window_update()
  // says so at once. `stream` and `session` are handed on in views.
  static Result<StreamRx> create(const StreamOptions& options, uint32_t window_bytes,
                                 uint16_t stream = 0, uint32_t session = 0);
  StreamRx(StreamRx&&) noexcept = default;
  StreamRx& operator=(StreamRx&&) noexcept = default;

  Verdict on_run(uint64_t position, uint8_t* run, uint32_t run_bytes,
                 const MessageSink& sink) noexcept;
  // Nothing that has not come below `position` ever will. Delivers what this sets free.
  Verdict on_skip(uint64_t position, const MessageSink& sink) noexcept;
  Verdict on_end(uint64_t position) noexcept;
  // Hands out again what the sink refused. Returns the count of messages taken.
  uint32_t poll(const MessageSink& sink) noexcept;
  // Whether the sink refused messages that poll() would hand out.
  [[nodiscard]] bool has_refused() const noexcept { return is_refused_; }

  // True when the peer is to be told of a new limit: a quarter of the window has passed since.
  [[nodiscard]] bool window_update(uint64_t& limit) noexcept;
  // The present limit, whether told or not: for a WINDOW that got lost.
  [[nodiscard]] uint64_t window_limit() const noexcept { return consumed_ + window_bytes_; }

  // The END is known, and everything before it was delivered or will never come.
  [[nodiscard]] bool is_finished() const noexcept {
    return frontier_ == end_ && consumed_ == frontier_;
  }
  // What is kept: refused, incomplete or come too early.
  [[nodiscard]] uint64_t buffered_bytes() const noexcept { return highest_ - consumed_; }
  [[nodiscard]] uint64_t position() const noexcept { return frontier_; }
  [[nodiscard]] const StreamOptions& options() const noexcept { return options_; }
  [[nodiscard]] const StreamRxCounters& counters() const noexcept { return counters_; }

 private:
  // A message of which the fragments below `next` lie together behind the header at `begin`.
  struct Assembly {
    uint64_t begin = kNoPosition;
    uint64_t next = 0;
    uint32_t bytes = 0;
    bool is_active() const noexcept { return begin != kNoPosition; }
  };
  struct Batch;

  StreamRx() noexcept = default;
  bool make_ring() noexcept;  // Idempotent; false where the system gives none.
  uint8_t* at(uint64_t position) const noexcept { return ring_.data() + (position & mask_); }
  [[nodiscard]] bool is_in_order_mode() const noexcept {
    return options_.mode == StreamMode::kReliableOrdered || options_.mode == StreamMode::kDeadline;
  }
  // Modes of which a message may lack fragments that will never come, without a SKIP.
  [[nodiscard]] bool is_lenient_mode() const noexcept {
    return options_.mode == StreamMode::kLatest || options_.mode == StreamMode::kUnreliable;
  }

  // All modes: stream_rx_datapath.cc.
  [[nodiscard]] const char* run_fault(const uint8_t* run, uint32_t run_bytes) const noexcept;
  [[nodiscard]] bool continues(const RecordHeader& header) const noexcept;
  Verdict malformed() noexcept;
  [[nodiscard]] bool is_lone_message(const uint8_t* run, uint32_t run_bytes) const noexcept;
  Verdict take_lone(const uint8_t* run, uint32_t run_bytes, const MessageSink& sink) noexcept;
  Verdict take_in_order(uint64_t position, const uint8_t* run, uint32_t run_bytes,
                        const MessageSink& sink) noexcept;
  Verdict keep_rest(uint64_t position, const uint8_t* rest, uint32_t rest_bytes, uint64_t refused,
                    const MessageSink& sink) noexcept;
  uint32_t collect(const uint8_t* run, uint32_t offset, uint32_t run_bytes,
                   Batch& batch) const noexcept;
  void add_view(Batch& batch, const uint8_t* data, uint32_t bytes, uint64_t begin) const noexcept;
  uint32_t deliver(Batch& batch, const MessageSink& sink) noexcept;

  // Messages of several records: stream_rx_assembly_datapath.cc.
  void begin_assembly(uint64_t position, const RecordHeader& header,
                      const uint8_t* payload) noexcept;
  bool append(const RecordHeader& header, const uint8_t* payload) noexcept;
  void drop_assembly() noexcept;
  void seal(uint64_t begin, uint32_t message_bytes) noexcept;
  uint8_t* tail_of_assembly() const noexcept;

  // Modes that keep the order: stream_rx_ordered_datapath.cc.
  Verdict keep_run(uint64_t position, const uint8_t* run, uint32_t run_bytes,
                   const MessageSink& sink) noexcept;
  [[nodiscard]] bool can_store(uint64_t position, const uint8_t* run, uint32_t run_bytes,
                               uint64_t floor, uint32_t& new_count) const noexcept;
  void advance() noexcept;
  uint32_t drain(const MessageSink& sink) noexcept;
  bool flush(Batch& batch, const MessageSink& sink, uint32_t& taken_count) noexcept;
  bool drain_fragment(const RecordHeader& header) noexcept;

  // Modes that do not: stream_rx_scattered_datapath.cc.
  Verdict scatter_run(uint64_t position, const uint8_t* run, uint32_t run_bytes,
                      const MessageSink& sink) noexcept;
  void scatter_fragment(uint64_t position, const uint8_t* record, const MessageSink& sink) noexcept;
  void scatter_batch(Batch& batch, const MessageSink& sink) noexcept;
  void mark_received(uint64_t position, uint32_t bytes) noexcept;
  void append_stored(const MessageSink& sink) noexcept;
  void try_complete(uint64_t position, const RecordHeader& header,
                    const MessageSink& sink) noexcept;
  void complete(uint64_t begin, uint32_t message_bytes, const MessageSink& sink) noexcept;
  void keep(uint64_t position, const uint8_t* record, uint32_t bytes) noexcept;
  void forget(uint64_t position) noexcept;
  void skip_to(uint64_t position, bool drops_whole) noexcept;
  void settle() noexcept;
  uint32_t redeliver(const MessageSink& sink) noexcept;

  // What each run in order touches.
  uint64_t consumed_ = 0;
  uint64_t parse_ = 0;
  uint64_t frontier_ = 0;
  uint64_t highest_ = 0;
  uint64_t end_ = kNoPosition;
  uint64_t window_bytes_ = 0;
  uint64_t told_limit_ = 0;
  uint32_t stored_count_ = 0;  // Bits of stored_.
  uint32_t whole_bytes_max_ = 0;
  uint32_t session_ = 0;
  uint16_t stream_ = 0;
  bool is_refused_ = false;
  bool is_broken_ = false;
  // What came last in order was a hole: fragments without their BEGIN may follow.
  bool is_behind_hole_ = false;
  Assembly assembly_;
  StreamRxCounters counters_;
  StreamOptions options_;

  // Of modes that keep the order: what is below and has not come will not. Above frontier_ only
  // where nothing above that has come and the sink has refused what is below.
  uint64_t skip_to_ = 0;
  uint64_t mask_ = 0;
  MirroredRegion ring_;
  MemoryRegion words_;
  PositionBitmap received_;
  // Of the other modes: records in the ring that are to be delivered, by their first 8 bytes.
  PositionBitmap stored_;
};

}  // namespace hyperroute::raptor
