// Reads test/vectors/noise/ik.txt.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "hex.h"

namespace hyperroute::crypto {

struct NoiseVector {
  struct Message {
    std::vector<uint8_t> payload;
    std::vector<uint8_t> message;
  };

  std::string protocol;
  std::string origin;
  // Every other field, in hexadecimal, by its name.
  std::map<std::string, std::string> fields;
  std::vector<Message> messages;

  std::string name() const { return origin + ": " + protocol; }
  std::vector<uint8_t> bytes(const std::string& field) const { return from_hex(fields.at(field)); }
  std::array<uint8_t, 32> key(const std::string& field) const {
    return array_of<32>(fields.at(field));
  }
};

inline std::vector<NoiseVector> read_noise_vectors() {
  const std::string here = __FILE__;
  const std::string folder = here.substr(0, here.rfind("unit/native/"));
  std::ifstream file(folder + "vectors/noise/ik.txt");
  EXPECT_TRUE(file.is_open()) << folder;
  std::vector<NoiseVector> vectors;
  std::string line;
  while (std::getline(file, line)) {
    const size_t space = line.find(' ');
    if (line.empty() || line[0] == '#' || space == std::string::npos) continue;
    const std::string field = line.substr(0, space);
    const std::string value = line.substr(space + 1);
    if (field == "protocol") {
      vectors.emplace_back().protocol = value;
    } else if (field == "origin") {
      vectors.back().origin = value;
    } else if (field == "payload") {
      vectors.back().messages.emplace_back().payload = from_hex(value);
    } else if (field == "message") {
      vectors.back().messages.back().message = from_hex(value);
    } else {
      vectors.back().fields[field] = value;
    }
  }
  return vectors;
}

}  // namespace hyperroute::crypto
