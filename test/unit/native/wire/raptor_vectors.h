// The golden vectors of test/vectors/raptor, and what the wire's readers say of bytes, in the words
// of those vectors.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "wire/raptor_frames.h"
#include "wire/raptor_packet.h"

namespace hyperroute::raptor {

struct GoldenVector {
  std::string kind;
  bool is_good;
  std::vector<uint8_t> bytes;
  std::string text;
};

inline std::vector<uint8_t> from_hex(const std::string& digits) {
  std::vector<uint8_t> bytes;
  for (size_t at = 0; at + 1 < digits.size(); at += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoul(digits.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

inline std::string to_hex(const uint8_t* bytes, size_t count) {
  std::string digits;
  char two[3];
  for (size_t at = 0; at < count; ++at) {
    std::snprintf(two, sizeof two, "%02x", bytes[at]);
    digits += two;
  }
  return digits;
}

inline std::vector<GoldenVector> golden_vectors() {
  const auto tests = std::filesystem::path(__FILE__).parent_path() / "../../..";
  std::ifstream file(tests / "vectors/raptor/plain.txt");
  std::vector<GoldenVector> vectors;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string kind;
    std::string verdict;
    std::string digits;
    std::string text;
    words >> kind >> verdict >> digits >> std::ws;
    std::getline(words, text);
    vectors.push_back({kind, verdict == "good", from_hex(digits), text});
  }
  return vectors;
}

template <typename... Values>
std::string format(const char* pattern, Values... values) {
  char text[512];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

inline std::string text_of(const AckFrame& ack) {
  std::string text =
      format("ack delay_ns=%u largest=%" PRIu64 " ranges=", ack.delay_ns, ack.largest);
  for (uint32_t index = 0; index < ack.range_count; ++index) {
    const AckRange range = ack.range(index);
    text += format("%s%u+%u", index == 0 ? "" : ",", range.gap, range.run);
  }
  return text;
}

inline std::string text_of(const char* name, const PositionFrame& frame) {
  return format("%s stream=%u position=%" PRIu64, name, frame.stream, frame.position);
}

inline std::string text_of(const OpenFrame& open) {
  return format(
      "open stream=%u mode=%u priority=%u message_bytes_max=%u deadline_us=%u label=%" PRIu64,
      open.stream, open.mode, open.priority, open.message_bytes_max, open.deadline_us, open.label);
}

inline std::string text_of(const Frame& frame) {
  switch (frame.type) {
    case FrameType::kPing:
      return "ping";
    case FrameType::kAck:
      return text_of(frame.ack);
    case FrameType::kStream:
      return format("stream stream=%u position=%" PRIu64 " run=", frame.stream.stream,
                    frame.stream.position) +
             to_hex(frame.stream.run, frame.stream.run_bytes);
    case FrameType::kOpen:
      return text_of(frame.open);
    case FrameType::kWindow:
      return text_of("window", frame.position);
    case FrameType::kSkip:
      return text_of("skip", frame.position);
    case FrameType::kEnd:
      return text_of("end", frame.position);
    case FrameType::kDrain:
      return "drain";
    case FrameType::kClose:
      return format("close reason=%u", frame.close.reason);
    case FrameType::kPadding:
      break;
  }
  return "?";
}

inline std::string text_of(const Parameters& of) {
  return format("parameters bytes=%u flags=%u status=%u session=%016" PRIx64
                " liveness_us=%u ack_delay_us_max=%u in_flight_bytes_max=%u",
                of.bytes, of.flags, static_cast<uint32_t>(of.status), of.session, of.liveness_us,
                of.ack_delay_us_max, of.in_flight_bytes_max) +
         format(" message_bytes_max=%u stream_window_bytes=%u streams_max=%u datagram_bytes_max=%u",
                of.message_bytes_max, of.stream_window_bytes, of.streams_max,
                of.datagram_bytes_max);
}

}  // namespace hyperroute::raptor
