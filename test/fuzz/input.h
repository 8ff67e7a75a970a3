// The bytes that a fuzzer gives, taken one after the other; zeros when there are none left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyperroute {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t bytes) : data_(data), bytes_(bytes) {}

  uint8_t u8() { return bytes_ == 0 ? uint8_t{0} : take(1)[0]; }
  uint16_t u16() {
    const uint32_t low = u8();
    return static_cast<uint16_t>(low | static_cast<uint32_t>(u8()) << 8);
  }
  uint32_t u24() {
    const uint32_t low = u16();
    return low | static_cast<uint32_t>(u8()) << 16;
  }
  std::vector<uint8_t> up_to(size_t bytes) { return take(bytes < bytes_ ? bytes : bytes_); }
  bool is_empty() const { return bytes_ == 0; }

 private:
  std::vector<uint8_t> take(size_t bytes) {
    std::vector<uint8_t> taken(data_, data_ + bytes);
    data_ += bytes;
    bytes_ -= bytes;
    return taken;
  }

  const uint8_t* data_;
  size_t bytes_;
};

}  // namespace hyperroute
