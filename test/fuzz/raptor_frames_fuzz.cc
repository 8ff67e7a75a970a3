// Fuzzes the wire of Raptor: whatever a datagram or a decrypted payload says, no byte outside of it
// is read, and what is taken is written again as the same bytes.
//
// Input: u8; of 4 values one says that the rest is a datagram, of the others it is the payload of a
// DATA packet. Both are heap blocks of exactly their size, so that the address sanitizer sees a
// read beyond either end.
#include <algorithm>
#include <cstring>
#include <vector>

#include "base/assert.h"
#include "fuzz/input.h"
#include "wire/raptor_frames.h"
#include "wire/raptor_packet.h"

namespace hyperroute::raptor {
namespace {

using Bytes = std::vector<uint8_t>;

void check_ack(const AckFrame& ack) {
  uint64_t below = ack.largest;
  bool is_first = true;
  ack.for_each_range([&](uint64_t first, uint64_t last) {
    HR_ASSERT(first <= last);
    HR_ASSERT(is_first ? last == ack.largest : last < below - 1);
    below = first;
    is_first = false;
  });
  HR_ASSERT(!is_first);
}

void check_run(const StreamFrame& stream) {
  HR_ASSERT(stream.position + stream.run_bytes > stream.position);
  uint32_t offset = 0;
  while (offset < stream.run_bytes) {
    RecordHeader header;
    const uint32_t remaining_bytes = stream.run_bytes - offset;
    if (read_record(stream.run + offset, remaining_bytes, header) != nullptr) return;
    HR_ASSERT(uint64_t{header.fragment_offset} + header.payload_bytes <= kMessageBytesLimit);
    // The last byte of the payload is there to be read.
    Bytes payload(header.payload_bytes);
    if (!payload.empty()) {
      std::memcpy(payload.data(), stream.run + offset + kRecordHeaderBytes, payload.size());
    }
    offset += record_bytes(header.payload_bytes);
  }
  HR_ASSERT(offset == stream.run_bytes);
}

uint32_t write(const Frame& frame, uint8_t* to) {
  const PositionFrame& at = frame.position;
  switch (frame.type) {
    case FrameType::kPing:
      return write_ping(to);
    case FrameType::kAck: {
      std::vector<AckRange> ranges;
      for (uint32_t index = 0; index < frame.ack.range_count; ++index) {
        ranges.push_back(frame.ack.range(index));
      }
      return write_ack(to, frame.ack.delay_ns, frame.ack.largest, ranges);
    }
    case FrameType::kStream: {
      const StreamFrame& from = frame.stream;
      const uint32_t bytes = write_stream_header(to, from.stream, from.run_bytes, from.position);
      std::memcpy(to + bytes, from.run, from.run_bytes);
      return bytes + from.run_bytes;
    }
    case FrameType::kOpen:
      return write_open(to, frame.open);
    case FrameType::kWindow:
      return write_window(to, at.stream, at.position);
    case FrameType::kSkip:
      return write_skip(to, at.stream, at.position);
    case FrameType::kEnd:
      return write_end(to, at.stream, at.position);
    case FrameType::kDrain:
      return write_drain(to);
    case FrameType::kClose:
      return write_close(to, frame.close.reason);
    case FrameType::kPadding:
      break;
  }
  HR_ASSERT(false);
  return 0;
}

void check_frames(Bytes payload) {
  const auto bytes = static_cast<uint32_t>(payload.size());
  FrameReader reader(payload.data(), bytes);
  Frame frame;
  uint32_t offset = 0;
  FrameResult result;
  while ((result = reader.next(frame)) == FrameResult::kFrame) {
    const uint32_t end = bytes - reader.remaining_bytes();
    HR_ASSERT(end > offset && end % 8 == 0);
    if (frame.type == FrameType::kAck) check_ack(frame.ack);
    if (frame.type == FrameType::kStream) check_run(frame.stream);
    Bytes written(end - offset);
    HR_ASSERT(write(frame, written.data()) == written.size());
    HR_ASSERT(std::equal(written.begin(), written.end(), payload.data() + offset));
    offset = end;
  }
  HR_ASSERT((result == FrameResult::kMalformed) == (reader.reason() != nullptr));
  HR_ASSERT(reader.next(frame) == result);
}

void check_parameters(const uint8_t* from, uint32_t bytes) {
  Parameters parameters;
  if (read_parameters(from, bytes, parameters) != nullptr) return;
  HR_ASSERT(parameters.bytes <= bytes);
}

void check_handshake(const uint8_t* datagram, uint32_t bytes) {
  if (InitiatePacket initiate; read_initiate(datagram, bytes, initiate) == nullptr) {
    const Bytes noise(initiate.noise, initiate.noise + initiate.header.noise_bytes);
    HR_ASSERT(initiate.noise + noise.size() <= initiate.cookie);
    check_parameters(noise.data(), static_cast<uint32_t>(noise.size()));
    Bytes written(datagram, datagram + bytes);
    HR_ASSERT(write_initiate(written.data(), initiate.header, initiate.cookie) == bytes);
    InitiatePacket again;
    HR_ASSERT(read_initiate(written.data(), bytes, again) == nullptr);
    HR_ASSERT(again.has_cookie() == initiate.has_cookie());
  }
  if (RespondPacket respond; read_respond(datagram, bytes, respond) == nullptr) {
    const Bytes noise(respond.noise, respond.noise + respond.header.noise_bytes);
    check_parameters(noise.data(), static_cast<uint32_t>(noise.size()));
  }
  if (RetryPacket retry; read_retry(datagram, bytes, retry) == nullptr) {
    Bytes written(kRetryBytes);
    HR_ASSERT(write_retry(written.data(), retry) == bytes);
    HR_ASSERT(std::equal(written.begin(), written.end(), datagram));
  }
}

void check_datagram(const Bytes& datagram) {
  const auto bytes = static_cast<uint32_t>(datagram.size());
  check_handshake(datagram.data(), bytes);
  check_parameters(datagram.data(), bytes);
  // Joined ones are taken apart to the end, whatever they say.
  for (uint32_t at = 0; at < bytes;) {
    const uint32_t packet_bytes = first_packet_bytes(datagram.data() + at, bytes - at);
    HR_ASSERT(packet_bytes > 0 && packet_bytes <= bytes - at);
    at += packet_bytes;
  }
  DataHeader header;
  if (read_data_header(datagram.data(), bytes, header) != nullptr) return;
  HR_ASSERT(kind_of(datagram.data(), bytes) == static_cast<uint8_t>(PacketKind::kData));
  HR_ASSERT(bytes >= kDataHeaderBytes + kInsecureTrailerBytes && bytes % 8 == 0);
  Bytes written(kDataHeaderBytes);
  write_data_header(written.data(), header);
  HR_ASSERT(std::equal(written.begin(), written.end(), datagram.begin()));
}

}  // namespace
}  // namespace hyperroute::raptor

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t* data,
                                                                             size_t bytes) {
  using namespace hyperroute;
  if (bytes == 0 || bytes > 1 + raptor::kDatagramBytesMax) return 0;
  std::vector<uint8_t> rest(data + 1, data + bytes);
  if (data[0] % 4 == 0) {
    raptor::check_datagram(rest);
  } else {
    raptor::check_frames(std::move(rest));
  }
  return 0;
}
