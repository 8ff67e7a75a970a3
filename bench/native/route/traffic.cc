// Reads the files that the other language has written.
#include "bench/native/route/traffic.h"

#include <cstdio>
#include <memory>

#include "bench/native/options.h"

namespace hyperroute {
namespace {

constexpr size_t kTrafficBytesMax = 64 << 20;
constexpr size_t kHeaderBytes = 8;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

std::vector<uint8_t> read_file(const char* path, size_t bytes_max) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path, "rb"));
  if (file == nullptr) fail(2, "cannot read %s", path);
  std::vector<uint8_t> bytes(bytes_max + 1);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  if (bytes.size() > bytes_max) fail(2, "%s has more than %zu bytes", path, bytes_max);
  bytes.shrink_to_fit();
  return bytes;
}

Traffic::Traffic(const char* path) : bytes_(read_file(path, kTrafficBytesMax)) {
  for (size_t position = 0; position < bytes_.size();) {
    const uint8_t* const record = bytes_.data() + position;
    const size_t left = bytes_.size() - position;
    if (left < kHeaderBytes || load_u32_le(record + 4) > left - kHeaderBytes) {
      fail(2, "%s ends within a message", path);
    }
    const RouteInput input{
        .data = record + kHeaderBytes,
        .bytes = load_u32_le(record + 4),
        .source = load_u16_le(record),
        .expected = load_u16_le(record + 2),
    };
    inputs_.push_back(input);
    position += kHeaderBytes + input.bytes;
  }
}

}  // namespace hyperroute
