// A receiving end with a sink that notes what it took, and runs made of records by hand.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "raptor/stream_rx.h"

namespace hyperroute::raptor {

using Verdict = StreamRx::Verdict;

// Records one behind the other, honest or not.
class RunBuilder {
 public:
  RunBuilder& record(const std::string& payload, uint8_t flags = kRecordWhole,
                     uint32_t fragment_offset = 0) {
    const size_t at = bytes_.size();
    bytes_.resize(at + record_bytes(static_cast<uint32_t>(payload.size())));
    store_record_header(&bytes_[at],
                        {static_cast<uint16_t>(payload.size()), flags, 0, fragment_offset});
    payload.copy(reinterpret_cast<char*>(&bytes_[at + kRecordHeaderBytes]), payload.size());
    return *this;
  }
  // All records of a message, or those from `first` to before `end`.
  RunBuilder& fragments(const std::string& message, uint32_t first = 0, uint32_t end = 1000) {
    for (uint32_t index = first; index < end; ++index) {
      const uint32_t offset = index * kRecordPayloadBytesMax;
      if (offset >= message.size()) break;
      const bool is_last = offset + kRecordPayloadBytesMax >= message.size();
      const uint32_t flags = (index == 0 ? kRecordBegin : 0u) | (is_last ? kRecordEnd : 0u);
      record(message.substr(offset, kRecordPayloadBytesMax), static_cast<uint8_t>(flags), offset);
    }
    return *this;
  }
  std::vector<uint8_t> bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

inline std::string text_of(uint32_t bytes, char first) {
  std::string text(bytes, first);
  for (uint32_t index = 0; index < bytes; ++index) {
    text[index] = static_cast<char>(first + static_cast<char>(index % 23));
  }
  return text;
}

struct Receiver {
  explicit Receiver(StreamMode mode, uint32_t message_bytes_max = 5000,
                    uint32_t window_bytes = 16384)
      : stream(make(mode, message_bytes_max, window_bytes)) {}

  static StreamRx make(StreamMode mode, uint32_t message_bytes_max, uint32_t window_bytes) {
    StreamOptions options;
    options.mode = mode;
    options.message_bytes_max = message_bytes_max;
    options.deadline_us = 1000;
    Result<StreamRx> created = StreamRx::create(options, window_bytes, 3, 4);
    HR_ASSERT(created.ok());
    return created.take();
  }

  MessageSink sink() {
    return {this, [](void* context, std::span<const MessageView> views) {
              Receiver& self = *static_cast<Receiver*>(context);
              uint32_t taken = 0;
              for (const MessageView& view : views) {
                if (self.room == 0) break;
                --self.room;
                ++taken;
                self.taken.emplace_back(reinterpret_cast<const char*>(view.data), view.bytes);
              }
              return taken;
            }};
  }
  Verdict run(uint64_t position, const RunBuilder& builder) {
    std::vector<uint8_t> bytes = builder.bytes();
    return stream.on_run(position, bytes.data(), static_cast<uint32_t>(bytes.size()), sink());
  }
  Verdict skip(uint64_t position) { return stream.on_skip(position, sink()); }
  uint32_t poll() { return stream.poll(sink()); }

  using Texts = std::vector<std::string>;
  StreamRx stream;
  Texts taken;
  uint32_t room = UINT32_MAX;
};

}  // namespace hyperroute::raptor
