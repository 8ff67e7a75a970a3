// The wire of Raptor against the golden vectors, which its C++ did not make: what is good is read
// as the vector says and written as the same bytes; what is bad is refused for the reason given.
#include <gtest/gtest.h>

#include "unit/native/wire/raptor_vectors.h"

namespace hyperroute::raptor {
namespace {

using Bytes = std::vector<uint8_t>;

// Puts a frame that was read behind others.
bool put(FrameWriter& writer, const Frame& frame) {
  switch (frame.type) {
    case FrameType::kPing:
      return writer.ping();
    case FrameType::kAck: {
      std::vector<AckRange> ranges;
      for (uint32_t at = 0; at < frame.ack.range_count; ++at) ranges.push_back(frame.ack.range(at));
      return writer.ack(frame.ack.delay_ns, frame.ack.largest, ranges);
    }
    case FrameType::kStream: {
      const StreamFrame& from = frame.stream;
      uint8_t* const run = writer.stream(from.stream, from.run_bytes, from.position);
      if (run != nullptr) std::memcpy(run, from.run, from.run_bytes);
      return run != nullptr;
    }
    case FrameType::kOpen:
      return writer.open(frame.open);
    case FrameType::kWindow:
      return writer.window(frame.position.stream, frame.position.position);
    case FrameType::kSkip:
      return writer.skip(frame.position.stream, frame.position.position);
    case FrameType::kEnd:
      return writer.end(frame.position.stream, frame.position.position);
    case FrameType::kDrain:
      return writer.drain();
    case FrameType::kClose:
      return writer.close(frame.close.reason);
    case FrameType::kPadding:
      break;
  }
  return false;
}

struct Outcome {
  bool is_good;
  std::string text;
  Bytes written;  // What a writer makes of what was read.
};

Outcome read_frames(Bytes bytes) {
  const auto count = static_cast<uint32_t>(bytes.size());
  Bytes written(count);
  FrameReader reader(bytes.data(), count);
  FrameWriter writer(written.data(), count);
  std::string text;
  Frame frame;
  FrameResult result = reader.next(frame);
  for (; result == FrameResult::kFrame; result = reader.next(frame)) {
    text += (text.empty() ? "" : "; ") + text_of(frame);
    EXPECT_TRUE(put(writer, frame)) << text;
  }
  if (result == FrameResult::kMalformed) return {false, reader.reason(), {}};
  written.resize(writer.bytes());
  return {true, text, written};
}

Outcome read_one_record(const Bytes& bytes) {
  RecordHeader header;
  const char* const reason = read_record(bytes.data(), static_cast<uint32_t>(bytes.size()), header);
  if (reason != nullptr) return {false, reason, {}};
  Bytes written(record_bytes(header.payload_bytes));
  store_record_header(written.data(), header);
  const uint8_t* const payload = bytes.data() + kRecordHeaderBytes;
  std::copy_n(payload, header.payload_bytes, written.begin() + kRecordHeaderBytes);
  return {true,
          format("record flags=%u offset=%u payload=", header.flags, header.fragment_offset) +
              to_hex(payload, header.payload_bytes),
          written};
}

Outcome read_one_parameters(const Bytes& bytes) {
  Parameters parameters;
  const auto count = static_cast<uint32_t>(bytes.size());
  if (const char* reason = read_parameters(bytes.data(), count, parameters); reason != nullptr) {
    return {false, reason, {}};
  }
  Bytes written(kParametersBytes);
  EXPECT_EQ(write_parameters(written.data(), parameters), kParametersBytes);
  return {true, text_of(parameters), written};
}

Outcome read_one_initiate(const Bytes& bytes) {
  InitiatePacket packet;
  const auto count = static_cast<uint32_t>(bytes.size());
  if (const char* reason = read_initiate(bytes.data(), count, packet); reason != nullptr) {
    return {false, reason, {}};
  }
  Bytes written(kInitiateBytes, 0xAA);
  std::copy_n(packet.noise, packet.header.noise_bytes, written.begin() + kHandshakeHeaderBytes);
  const uint8_t* const cookie = packet.has_cookie() ? packet.cookie : nullptr;
  EXPECT_EQ(write_initiate(written.data(), packet.header, cookie), kInitiateBytes);
  std::copy_n(packet.mac, kMacBytes, written.begin() + kInitiateMacOffset);
  return {true,
          format("initiate flags=%u session=%016" PRIx64 " noise=", packet.header.flags,
                 packet.header.session) +
              to_hex(packet.noise, packet.header.noise_bytes) + " cookie=" +
              to_hex(packet.cookie, kCookieBytes) + " mac=" + to_hex(packet.mac, kMacBytes),
          written};
}

Outcome read_one_respond(const Bytes& bytes) {
  RespondPacket packet;
  const auto count = static_cast<uint32_t>(bytes.size());
  if (const char* reason = read_respond(bytes.data(), count, packet); reason != nullptr) {
    return {false, reason, {}};
  }
  Bytes written = bytes;
  std::fill_n(written.begin(), kHandshakeHeaderBytes, uint8_t{0xAA});
  EXPECT_EQ(write_respond(written.data(), packet.header), bytes.size());
  return {true,
          format("respond flags=%u session=%016" PRIx64 " noise=", packet.header.flags,
                 packet.header.session) +
              to_hex(packet.noise, packet.header.noise_bytes),
          written};
}

Outcome read_one_retry(const Bytes& bytes) {
  RetryPacket packet;
  const auto count = static_cast<uint32_t>(bytes.size());
  if (const char* reason = read_retry(bytes.data(), count, packet); reason != nullptr) {
    return {false, reason, {}};
  }
  Bytes written(kRetryBytes);
  EXPECT_EQ(write_retry(written.data(), packet), kRetryBytes);
  return {true,
          format("retry session=%016" PRIx64 " cookie=", packet.session) +
              to_hex(packet.cookie, kCookieBytes),
          written};
}

Outcome read_one_data(const Bytes& bytes) {
  DataHeader header;
  const auto count = static_cast<uint32_t>(bytes.size());
  if (const char* reason = read_data_header(bytes.data(), count, header); reason != nullptr) {
    return {false, reason, {}};
  }
  Bytes written = bytes;
  std::fill_n(written.begin(), kDataHeaderBytes, uint8_t{0xAA});
  EXPECT_EQ(write_data_header(written.data(), header), kDataHeaderBytes);
  return {true,
          format("data generation=%u session=%016" PRIx64 " number=%" PRIu64, header.key_generation,
                 header.session, header.number),
          written};
}

Outcome read_packet(const Bytes& bytes) {
  switch (static_cast<PacketKind>(kind_of(bytes.data(), static_cast<uint32_t>(bytes.size())))) {
    case PacketKind::kInitiate:
      return read_one_initiate(bytes);
    case PacketKind::kRetry:
      return read_one_retry(bytes);
    case PacketKind::kRespond:
      return read_one_respond(bytes);
    case PacketKind::kData:
      return read_one_data(bytes);
  }
  return {false, "no kind", {}};
}

Outcome read_vector(const GoldenVector& vector) {
  if (vector.kind == "frames") return read_frames(vector.bytes);
  if (vector.kind == "record") return read_one_record(vector.bytes);
  if (vector.kind == "parameters") return read_one_parameters(vector.bytes);
  return read_packet(vector.bytes);
}

TEST(RaptorGolden, HasVectorsOfEveryKindGoodAndBad) {
  std::vector<std::string> seen;
  for (const GoldenVector& vector : golden_vectors()) {
    seen.push_back(vector.kind + (vector.is_good ? " good" : " bad"));
  }
  for (const char* kind : {"frames", "record", "parameters", "packet"}) {
    for (const char* verdict : {" good", " bad"}) {
      EXPECT_GE(std::count(seen.begin(), seen.end(), std::string(kind) + verdict), 4) << kind;
    }
  }
}

TEST(RaptorGolden, ReadsWhatEveryVectorSays) {
  for (const GoldenVector& vector : golden_vectors()) {
    const Outcome outcome = read_vector(vector);
    EXPECT_EQ(outcome.is_good, vector.is_good) << vector.kind << " " << vector.text;
    EXPECT_EQ(outcome.text, vector.text) << vector.kind;
  }
}

TEST(RaptorGolden, WritesTheBytesThatItRead) {
  for (const GoldenVector& vector : golden_vectors()) {
    if (!vector.is_good) continue;
    Bytes expected = vector.bytes;
    const Outcome outcome = read_vector(vector);
    // Padding is not read, and so not written again.
    if (vector.kind == "frames") expected.resize(outcome.written.size());
    EXPECT_EQ(outcome.written, expected) << vector.kind << " " << vector.text;
  }
}

TEST(RaptorGolden, RefusesEveryGoodPacketThatIsCutAnywhere) {
  for (const GoldenVector& vector : golden_vectors()) {
    if (!vector.is_good || vector.kind != "packet") continue;
    for (size_t bytes = 0; bytes < vector.bytes.size(); ++bytes) {
      // What is left of DATA may be a packet as long as it ends on 8 bytes: its seal will tell.
      if (vector.bytes[0] == 0xD4 && bytes >= 32 && bytes % 8 == 0) continue;
      const Bytes cut(vector.bytes.begin(), vector.bytes.begin() + static_cast<ptrdiff_t>(bytes));
      EXPECT_FALSE(read_packet(cut).is_good) << vector.text << " cut to " << bytes;
    }
  }
}

TEST(RaptorGolden, RefusesFramesThatAreCutAnywhereInsideAFrame) {
  for (const GoldenVector& vector : golden_vectors()) {
    if (!vector.is_good || vector.kind != "frames") continue;
    Bytes bytes = vector.bytes;
    FrameReader reader(bytes.data(), static_cast<uint32_t>(bytes.size()));
    Frame frame;
    if (reader.next(frame) != FrameResult::kFrame) continue;
    const size_t frame_bytes = bytes.size() - reader.remaining_bytes();
    // Its own copy, of exactly its size: the sanitizers see a read beyond the end.
    for (size_t cut = 1; cut < frame_bytes; ++cut) {
      Bytes part(vector.bytes.begin(), vector.bytes.begin() + static_cast<ptrdiff_t>(cut));
      FrameReader again(part.data(), static_cast<uint32_t>(cut));
      EXPECT_EQ(again.next(frame), FrameResult::kMalformed) << vector.text << " cut to " << cut;
      EXPECT_EQ(again.next(frame), FrameResult::kMalformed) << "once refused, always refused";
    }
  }
}

}  // namespace
}  // namespace hyperroute::raptor
