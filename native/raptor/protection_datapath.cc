// Seals and opens packets: one cipher call each, or one checksum where a session is insecure.
// Owner: the session. Data path: every packet.
#include <cstring>

#include "base/crc32c.h"
#include "raptor/protection.h"

namespace hyperroute::raptor {

namespace {

// RFC 8446, 5.3: the iv, with the packet number mixed into its last 8 bytes.
void make_nonce(const uint8_t (&iv)[crypto::kNonceBytes], uint64_t packet_number,
                uint8_t (&nonce)[crypto::kNonceBytes]) {
  std::memcpy(nonce, iv, sizeof nonce);
  store_u64_le(nonce + 4, load_u64_le(iv + 4) ^ packet_number);
}

uint32_t bytes_of(Protection::Parts parts) {
  size_t bytes = 0;
  for (const crypto::Bytes part : parts) bytes += part.size();
  return static_cast<uint32_t>(bytes);
}

}  // namespace

uint32_t Protection::seal(DataHeader& header, Parts parts, uint8_t* to) {
  // The last line of defence of every byte sent under the key: a second use of a nonce would give
  // away the authentication key of GCM.
  if (header.number < next_number_) return 0;
  const uint32_t bytes = kDataHeaderBytes + bytes_of(parts) + trailer_bytes_;
  header.key_generation = static_cast<uint8_t>(send_.generation);
  header.bytes = static_cast<uint16_t>(bytes);
  write_data_header(to, header);
  next_number_ = header.number + 1;
  if (is_insecure_) return seal_insecure(parts, to);
  uint8_t nonce[crypto::kNonceBytes];
  make_nonce(send_.iv, header.number, nonce);
  const crypto::Bytes associated(to, kDataHeaderBytes);
  if (!send_.aead->seal(nonce, associated, parts, to + kDataHeaderBytes)) return 0;
  return bytes;
}

uint32_t Protection::seal_insecure(Parts parts, uint8_t* to) {
  uint8_t* at = to + kDataHeaderBytes;
  for (const crypto::Bytes part : parts) {
    if (part.data() != at) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  const auto bytes = static_cast<uint32_t>(at - to);
  store_u32_le(at, crc32c(to, bytes));
  store_u32_le(at + 4, 0);
  return bytes + kInsecureTrailerBytes;
}

Protection::Key* Protection::key_of(uint8_t generation) {
  const auto ahead = static_cast<uint8_t>(generation - static_cast<uint8_t>(receive_.generation));
  Key* key = nullptr;
  if (ahead == 0) {
    key = &receive_;
  } else if (ahead == 1) {
    key = &receive_next_;
  } else if (ahead == UINT8_MAX) {
    key = &receive_previous_;
  }
  return key != nullptr && key->aead.has_value() ? key : nullptr;
}

OpenVerdict Protection::open(const DataHeader& header, uint8_t* datagram, uint32_t bytes,
                             uint32_t& frames_bytes) {
  if (bytes < kDataHeaderBytes + trailer_bytes_) return OpenVerdict::kForged;
  frames_bytes = bytes - kDataHeaderBytes - trailer_bytes_;
  if (is_insecure_) {
    return open_insecure(datagram, bytes) ? OpenVerdict::kOpened : OpenVerdict::kForged;
  }
  Key* key = key_of(header.key_generation);
  if (key == nullptr) return OpenVerdict::kForged;
  uint8_t nonce[crypto::kNonceBytes];
  make_nonce(key->iv, header.number, nonce);
  const crypto::Bytes associated(datagram, kDataHeaderBytes);
  if (!key->aead->open(nonce, associated, datagram + kDataHeaderBytes, bytes - kDataHeaderBytes)) {
    return OpenVerdict::kForged;
  }
  if (key == &receive_next_) step_receive();
  return OpenVerdict::kOpened;
}

bool Protection::open_insecure(const uint8_t* datagram, uint32_t bytes) {
  const uint32_t checked_bytes = bytes - kInsecureTrailerBytes;
  return load_u32_le(datagram + checked_bytes) == crc32c(datagram, checked_bytes) &&
         load_u32_le(datagram + checked_bytes + 4) == 0;
}

}  // namespace hyperroute::raptor
