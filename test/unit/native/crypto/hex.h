// Bytes as published vectors write them.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hyperroute::crypto {

inline std::vector<uint8_t> from_hex(std::string_view text) {
  std::vector<uint8_t> bytes;
  for (size_t index = 0; index + 1 < text.size(); index += 2) {
    bytes.push_back(
        static_cast<uint8_t>(std::stoul(std::string(text.substr(index, 2)), nullptr, 16)));
  }
  return bytes;
}

template <size_t kBytes>
std::array<uint8_t, kBytes> array_of(std::string_view text) {
  const std::vector<uint8_t> bytes = from_hex(text);
  std::array<uint8_t, kBytes> out{};
  EXPECT_EQ(bytes.size(), kBytes) << text;
  if (bytes.size() == kBytes) std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

inline std::string to_hex(std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

inline std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace hyperroute::crypto
