// Messages of several records, put together in the ring. The session's thread; no allocation.
#include "base/copies.h"
#include "raptor/stream_rx_batch.h"

namespace hyperroute::raptor {

// Behind the bytes there are. The ring is mapped twice, so all of the message is contiguous.
uint8_t* StreamRx::tail_of_assembly() const noexcept {
  return at(assembly_.begin) + kRecordHeaderBytes + assembly_.bytes;
}

void StreamRx::begin_assembly(uint64_t position, const RecordHeader& header,
                              const uint8_t* payload) noexcept {
  HR_DASSERT(header.is_begin() && !header.is_end());
  if (assembly_.is_active()) drop_assembly();
  assembly_ = Assembly{position, position, 0};
  is_behind_hole_ = false;
  append(header, payload);
}

// `payload` may be that of the same record in the ring, never below where it goes. True when the
// message is complete.
bool StreamRx::append(const RecordHeader& header, const uint8_t* payload) noexcept {
  HR_DASSERT(header.fragment_offset == assembly_.bytes);
  uint8_t* const to = tail_of_assembly();
  if (to != payload) move_bytes(to, payload, header.payload_bytes);
  assembly_.bytes += header.payload_bytes;
  assembly_.next += record_bytes(header.payload_bytes);
  return header.is_end();
}

void StreamRx::drop_assembly() noexcept {
  ++counters_.dropped;
  assembly_ = Assembly{};
}

// The message at `begin` is complete: from now on its first header stands for all of it.
void StreamRx::seal(uint64_t begin, uint32_t message_bytes) noexcept {
  store_record_header(at(begin), {0, kRecordAssembled, 0, message_bytes});
  assembly_ = Assembly{};
}

}  // namespace hyperroute::raptor
