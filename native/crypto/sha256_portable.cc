// The compression function of FIPS 180-4, section 6.2, in its plain form.
#include "crypto/sha256_portable.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bits.h"

namespace hyperroute::crypto {
namespace {

constexpr uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

}  // namespace

void PortableSha256::compress(const uint8_t* block) noexcept {
  uint32_t words[64];
  for (uint32_t t = 0; t < 16; ++t) words[t] = load_u32_be(block + size_t{4} * t);
  for (uint32_t t = 16; t < 64; ++t) {
    const uint32_t w2 = words[t - 2];
    const uint32_t w15 = words[t - 15];
    const uint32_t sigma1 = std::rotr(w2, 17) ^ std::rotr(w2, 19) ^ (w2 >> 10);
    const uint32_t sigma0 = std::rotr(w15, 7) ^ std::rotr(w15, 18) ^ (w15 >> 3);
    words[t] = sigma1 + words[t - 7] + sigma0 + words[t - 16];
  }
  uint32_t a = state_[0], b = state_[1], c = state_[2], d = state_[3];
  uint32_t e = state_[4], f = state_[5], g = state_[6], h = state_[7];
  for (uint32_t t = 0; t < 64; ++t) {
    const uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const uint32_t choice = (e & f) ^ (~e & g);
    const uint32_t t1 = h + sum1 + choice + kRoundConstants[t] + words[t];
    const uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    const uint32_t t2 = sum0 + majority;
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const uint32_t after[8] = {a, b, c, d, e, f, g, h};
  for (uint32_t word = 0; word < 8; ++word) state_[word] += after[word];
}

void PortableSha256::update(Bytes data) noexcept {
  message_bytes_ += data.size();
  while (!data.empty()) {
    if (pending_bytes_ == 0 && data.size() >= kBlockBytes) {
      compress(data.data());
      data = data.subspan(kBlockBytes);
      continue;
    }
    const size_t taken_bytes = std::min<size_t>(data.size(), kBlockBytes - pending_bytes_);
    std::memcpy(pending_ + pending_bytes_, data.data(), taken_bytes);
    pending_bytes_ += static_cast<uint32_t>(taken_bytes);
    data = data.subspan(taken_bytes);
    if (pending_bytes_ < kBlockBytes) continue;
    compress(pending_);
    pending_bytes_ = 0;
  }
}

Hash PortableSha256::finish() noexcept {
  // One bit, zeros up to the last eight bytes of a block, and the number of bits.
  const uint64_t message_bits = message_bytes_ * 8;
  const uint8_t padding[kBlockBytes] = {0x80};
  const uint32_t room_bytes = 2 * kBlockBytes - 8 - pending_bytes_;
  update(Bytes(padding, (room_bytes - 1) % kBlockBytes + 1));
  uint8_t count[8];
  store_u64_be(count, message_bits);
  update(count);
  HR_DASSERT(pending_bytes_ == 0);
  Hash hash;
  for (uint32_t word = 0; word < 8; ++word) {
    store_u32_be(hash.data() + size_t{4} * word, state_[word]);
  }
  wipe(this, sizeof *this);
  return hash;
}

}  // namespace hyperroute::crypto
