// AES-256-GCM of one packet. Thread: any. Data path: per packet.
//
// The tag's mask and the key stream are the blocks of one counter, from 1 on. The first batch is
// the mask and up to seven blocks of the packet, so that a small packet takes one batch; its width
// follows its size, as the latency of 14 rounds is what a narrow one costs.
#include "base/bits.h"
#include "base/copies.h"
#include "crypto/aes_gcm.h"
#include "crypto/aes_gcm_x86.h"

namespace hyperroute::crypto {

#if defined(__x86_64__)

namespace {

using x86::Block;
using x86::load_aligned;
using x86::load_block;
using x86::store_block;

constexpr uint32_t kNarrow = 4;
constexpr uint32_t kWide = kGcmBatchBlocks;
constexpr size_t kWideBytes = kWide * kAesBlockBytes;

constexpr size_t blocks_of(size_t bytes) { return (bytes + kAesBlockBytes - 1) / kAesBlockBytes; }

// 1 to 15 bytes with zeros behind them. Reads those alone: in overlapping words, of which the later
// is shifted to its place.
HR_AES_GCM_INLINE Block load_part(const uint8_t* from, size_t bytes) {
  uint64_t low = 0;
  uint64_t high = 0;
  if (bytes >= 8) {
    low = load_u64_le(from);
    if (bytes > 8) high = load_u64_le(from + bytes - 8) >> (8 * (16 - bytes));
  } else if (bytes >= 4) {
    low = load_u32_le(from) | uint64_t{load_u32_le(from + bytes - 4)} << (8 * (bytes - 4));
  } else {
    const size_t half = bytes / 2;
    low = from[0] | uint64_t{from[half]} << (8 * half) |
          uint64_t{from[bytes - 1]} << (8 * (bytes - 1));
  }
  return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
}

// The first 1 to 15 bytes of a block, and nothing behind them.
HR_AES_GCM_INLINE void store_part(uint8_t* to, Block block, size_t bytes) {
  const auto low = static_cast<uint64_t>(_mm_cvtsi128_si64(block));
  const auto high = static_cast<uint64_t>(_mm_extract_epi64(block, 1));
  if (bytes >= 8) {
    store_u64_le(to, low);
    if (bytes == 8) return;
    store_u64_le(to + bytes - 8, low >> (8 * (bytes - 8)) | high << (8 * (16 - bytes)));
  } else if (bytes >= 4) {
    store_u32_le(to, static_cast<uint32_t>(low));
    store_u32_le(to + bytes - 4, static_cast<uint32_t>(low >> (8 * (bytes - 4))));
  } else {
    const size_t half = bytes / 2;
    to[0] = static_cast<uint8_t>(low);
    to[half] = static_cast<uint8_t>(low >> (8 * half));
    to[bytes - 1] = static_cast<uint8_t>(low >> (8 * (bytes - 1)));
  }
}

// GCM's hash of the blocks so far. Blocks come in sections whose size is said first: what is left
// of a section beyond a multiple of eight goes first, so that each power of the hash key is that of
// the block's distance to the next reduction, and the last block of a section is followed by one.
class Ghash {
 public:
  HR_AES_GCM_INLINE explicit Ghash(const AesGcmKey& key) : key_(key) {}

  HR_AES_GCM_INLINE void begin_section(size_t blocks) { power_ = (blocks - 1) % kGcmBatchBlocks; }

  HR_AES_GCM_INLINE void add(Block block) {
    x86::add_product(sum_, _mm_xor_si128(block, value_), load_aligned(key_.powers[power_]));
    value_ = _mm_setzero_si128();
    if (power_ == 0) {
      value_ = x86::reduce(sum_);
      sum_ = {};
    }
    power_ = (power_ - 1) % kGcmBatchBlocks;
  }

  HR_AES_GCM_INLINE void add(const uint8_t* from, size_t bytes) {
    for (; bytes >= kAesBlockBytes; bytes -= kAesBlockBytes, from += kAesBlockBytes) {
      add(x86::byte_reversed(load_block(from)));
    }
    if (bytes > 0) add(x86::byte_reversed(load_part(from, bytes)));
  }

  HR_AES_GCM_INLINE void add_sizes(size_t aad_bytes, size_t bytes) {
    add(_mm_set_epi64x(static_cast<long long>(aad_bytes * 8), static_cast<long long>(bytes * 8)));
  }

  HR_AES_GCM_INLINE Block value() const { return x86::byte_reversed(value_); }

  // Of eight whole blocks, one a call: for a loop that does something else beside.
  HR_AES_GCM_INLINE void add_of_eight(const uint8_t* eight, uint32_t index) {
    const Block block = x86::byte_reversed(load_block(eight + index * kAesBlockBytes));
    const uint32_t power = kGcmBatchBlocks - 1 - index;
    x86::add_product(sum_, _mm_xor_si128(block, value_), load_aligned(key_.powers[power]));
    value_ = _mm_setzero_si128();
  }
  HR_AES_GCM_INLINE void end_eight() {
    value_ = x86::reduce(sum_);
    sum_ = {};
  }

 private:
  const AesGcmKey& key_;
  Block value_ = _mm_setzero_si128();
  x86::Product sum_;
  size_t power_ = 0;
};

// Successive blocks of the key stream, in registers: the loops over `at` are unrolled, those over
// rounds are not, as their code would take more cache lines than they take turns.
template <uint32_t kBlocks>
struct Stream {
  Block at[kBlocks];

  // `counter`, byte-reversed, goes on by kBlocks.
  HR_AES_GCM_INLINE void begin(const AesGcmKey& key, Block& counter) {
    const Block round_key = load_aligned(key.round_keys[0]);
#pragma GCC unroll 8
    for (uint32_t index = 0; index < kBlocks; ++index) {
      at[index] = _mm_xor_si128(x86::byte_reversed(counter), round_key);
      counter = _mm_add_epi32(counter, _mm_set_epi32(0, 0, 0, 1));
    }
  }

  HR_AES_GCM_INLINE void do_round(const AesGcmKey& key, uint32_t round) {
    const Block round_key = load_aligned(key.round_keys[round]);
#pragma GCC unroll 8
    for (uint32_t index = 0; index < kBlocks; ++index) {
      at[index] = _mm_aesenc_si128(at[index], round_key);
    }
  }

  HR_AES_GCM_INLINE void end(const AesGcmKey& key) {
    const Block round_key = load_aligned(key.round_keys[kAes256Rounds]);
#pragma GCC unroll 8
    for (uint32_t index = 0; index < kBlocks; ++index) {
      at[index] = _mm_aesenclast_si128(at[index], round_key);
    }
  }

  HR_AES_GCM_INLINE void make(const AesGcmKey& key, Block& counter) {
    begin(key, counter);
#pragma GCC unroll 1
    for (uint32_t round = 1; round < kAes256Rounds; ++round) do_round(key, round);
    end(key);
  }

  // Adds the blocks from kFirst on to as many bytes as there are, those blocks' at most.
  template <uint32_t kFirst>
  HR_AES_GCM_INLINE void apply(const uint8_t* from, uint8_t* to, size_t bytes) const {
    Block last = at[kFirst];
#pragma GCC unroll 8
    for (uint32_t index = kFirst; index < kBlocks; ++index) {
      last = at[index];
      if (bytes < kAesBlockBytes) break;
      store_block(to, _mm_xor_si128(load_block(from), last));
      from += kAesBlockBytes;
      to += kAesBlockBytes;
      bytes -= kAesBlockBytes;
    }
    if (bytes > 0) store_part(to, _mm_xor_si128(load_part(from, bytes), last), bytes);
  }
};

// What is sealed, in its parts, read once and in order.
class Plaintext {
 public:
  explicit Plaintext(std::span<const Bytes> parts) : parts_(parts) {
    if (!parts.empty()) begin_part();
  }

  // The next `bytes` bytes, of as many as there are: where they lie if that is in one part, else
  // together at `to`, where they are encrypted.
  const uint8_t* next(size_t bytes, uint8_t* to) {
    if (bytes > part_.size()) [[unlikely]]
      return gather(bytes, to);
    const uint8_t* const from = part_.data();
    part_ = part_.subspan(bytes);
    return from;
  }

  // The same, across parts.
  const uint8_t* gather(size_t bytes, uint8_t* to);

 private:
  void begin_part() {
    part_ = parts_.front();
    parts_ = parts_.subspan(1);
  }
  uint8_t* take(size_t bytes, uint8_t* to) {
    if (bytes > 0 && part_.data() != to) copy_bytes(to, part_.data(), bytes);
    part_ = part_.subspan(bytes);
    return to + bytes;
  }

  Bytes part_;  // What is left of the one before parts_.
  std::span<const Bytes> parts_;
};

const uint8_t* Plaintext::gather(size_t bytes, uint8_t* to) {
  uint8_t* at = to;
  while (bytes > part_.size()) {
    bytes -= part_.size();
    at = take(part_.size(), at);
    begin_part();
  }
  if (at == to) return next(bytes, to);  // What came before was empty.
  take(bytes, at);
  return to;
}

struct Packet {
  const AesGcmKey& key;
  Bytes aad;
  uint8_t* to;  // When opening, also what is decrypted.
  size_t bytes;
};

// Encrypts eight blocks while it hashes eight others.
HR_AES_GCM_INLINE void do_batch(const AesGcmKey& key, Block& counter, Ghash& hash,
                                const uint8_t* hashed, const uint8_t* from, uint8_t* to) {
  Stream<kWide> stream;
  stream.begin(key, counter);
#pragma GCC unroll 1
  for (uint32_t index = 0; index < kGcmBatchBlocks; ++index) {
    stream.do_round(key, index + 1);
    hash.add_of_eight(hashed, index);
  }
#pragma GCC unroll 1
  for (uint32_t round = kGcmBatchBlocks + 1; round < kAes256Rounds; ++round) {
    stream.do_round(key, round);
  }
  hash.end_eight();
  stream.end(key);
  stream.template apply<0>(from, to, kWideBytes);
}

// A packet of kBlocks - 1 blocks at most. Returns the tag of its ciphertext; when opening,
// `expected` is the tag that it has, and nothing is decrypted unless it is that one.
template <uint32_t kBlocks, bool kIsSeal>
HR_AES_GCM_INLINE Block do_small(const Packet& packet, Plaintext plain, Block counter,
                                 Block expected) {
  const auto [key, aad, to, bytes] = packet;
  // What is put together is not waited for while the key stream is made.
  const uint8_t* const from = kIsSeal ? plain.next(bytes, to) : to;
  Ghash hash(key);
  hash.begin_section(blocks_of(aad.size()) + blocks_of(bytes) + 1);
  hash.add(aad.data(), aad.size());
  Stream<kBlocks> stream;
  stream.make(key, counter);
  if constexpr (kIsSeal) stream.template apply<1>(from, to, bytes);
  hash.add(to, bytes);
  hash.add_sizes(aad.size(), bytes);
  const Block tag = _mm_xor_si128(stream.at[0], hash.value());
  if constexpr (!kIsSeal) {
    const Block difference = _mm_xor_si128(tag, expected);
    if (_mm_testz_si128(difference, difference) != 0) stream.template apply<1>(from, to, bytes);
  }
  return tag;
}

// A larger one, decrypted before its tag is known. Sealing hashes a batch behind what it encrypts.
template <bool kIsSeal>
HR_AES_GCM_INLINE Block do_large(const Packet& packet, Plaintext plain, Block counter) {
  constexpr size_t kFirstBytes = kWideBytes - kAesBlockBytes;
  const auto [key, aad, packet_to, packet_bytes] = packet;
  uint8_t* to = packet_to;
  size_t bytes = packet_bytes;
  const auto next = [&](size_t next_bytes) {
    return kIsSeal ? plain.next(next_bytes, to) : static_cast<const uint8_t*>(to);
  };
  const auto advance = [&](size_t done_bytes) {
    to += done_bytes;
    bytes -= done_bytes;
  };

  const uint8_t* const first = next(kFirstBytes);
  Ghash hash(key);
  hash.begin_section(blocks_of(aad.size()) + blocks_of(kFirstBytes));
  hash.add(aad.data(), aad.size());
  if constexpr (!kIsSeal) hash.add(to, kFirstBytes);
  Stream<kWide> stream;
  stream.make(key, counter);
  const Block mask = stream.at[0];
  stream.template apply<1>(first, to, kFirstBytes);
  if constexpr (kIsSeal) hash.add(to, kFirstBytes);
  advance(kFirstBytes);

  size_t behind_bytes = 0;
  if (kIsSeal && bytes >= kWideBytes) {
    stream.make(key, counter);
    stream.template apply<0>(next(kWideBytes), to, kWideBytes);
    advance(kWideBytes);
    behind_bytes = kWideBytes;
  }
  for (; bytes >= kWideBytes; advance(kWideBytes)) {
    do_batch(key, counter, hash, kIsSeal ? to - kWideBytes : to, next(kWideBytes), to);
  }

  hash.begin_section(blocks_of(behind_bytes) + blocks_of(bytes) + 1);
  if constexpr (kIsSeal) hash.add(to - behind_bytes, behind_bytes);
  if constexpr (!kIsSeal) hash.add(to, bytes);
  const uint8_t* const last = next(bytes);
  stream.make(key, counter);
  stream.template apply<0>(last, to, bytes);
  if constexpr (kIsSeal) hash.add(to, bytes);
  hash.add_sizes(aad.size(), packet_bytes);
  return _mm_xor_si128(mask, hash.value());
}

template <bool kIsSeal>
HR_AES_GCM_INLINE Block do_packet(const Packet& packet, Plaintext plain, const uint8_t* nonce12,
                                  Block expected) {
  const Block counter = _mm_set_epi32(static_cast<int>(load_u32_be(nonce12)),
                                      static_cast<int>(load_u32_be(nonce12 + 4)),
                                      static_cast<int>(load_u32_be(nonce12 + 8)), 1);
  if (packet.bytes <= (kNarrow - 1) * kAesBlockBytes) {
    return do_small<kNarrow, kIsSeal>(packet, plain, counter, expected);
  }
  if (packet.bytes <= (kWide - 1) * kAesBlockBytes) {
    return do_small<kWide, kIsSeal>(packet, plain, counter, expected);
  }
  return do_large<kIsSeal>(packet, plain, counter);
}

}  // namespace

HR_AES_GCM_TARGET void aes_gcm_seal(const AesGcmKey& key, const uint8_t* nonce12, Bytes aad,
                                    std::span<const Bytes> parts, size_t bytes,
                                    uint8_t* to) noexcept {
  const Packet packet{key, aad, to, bytes};
  const Block tag = do_packet<true>(packet, Plaintext(parts), nonce12, _mm_setzero_si128());
  store_block(to + bytes, tag);
}

HR_AES_GCM_TARGET bool aes_gcm_open(const AesGcmKey& key, const uint8_t* nonce12, Bytes aad,
                                    uint8_t* in_place, size_t bytes) noexcept {
  const Block expected = load_block(in_place + bytes);
  const Packet packet{key, aad, in_place, bytes};
  const Block tag = do_packet<false>(packet, Plaintext({}), nonce12, expected);
  const Block difference = _mm_xor_si128(tag, expected);
  return _mm_testz_si128(difference, difference) != 0;
}

#else

void aes_gcm_seal(const AesGcmKey&, const uint8_t*, Bytes, std::span<const Bytes>, size_t,
                  uint8_t*) noexcept {
  HR_ASSERT(false);
}

bool aes_gcm_open(const AesGcmKey&, const uint8_t*, Bytes, uint8_t*, size_t) noexcept {
  HR_ASSERT(false);
  return false;
}

#endif

}  // namespace hyperroute::crypto
