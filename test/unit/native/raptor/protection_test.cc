// Packets sealed and opened: what is changed on the way is noticed, keys step, and no packet number
// is used twice.
#include "raptor/protection.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/prng.h"

namespace hyperroute::raptor {
namespace {

using Message = std::vector<uint8_t>;

struct Ends {
  explicit Ends(bool is_insecure = false, crypto::AeadKind kind = crypto::AeadKind::kAes256Gcm) {
    EXPECT_TRUE(crypto::load().ok());
    SessionKeys keys;
    keys.is_insecure = is_insecure;
    keys.kind = kind;
    keys.send_secret.fill(1);
    keys.receive_secret.fill(2);
    sender.emplace(Protection::create(keys).take());
    keys.send_secret.fill(2);
    keys.receive_secret.fill(1);
    receiver.emplace(Protection::create(keys).take());
  }

  Message seal(uint64_t number, const Message& frames) {
    Message datagram(kDatagramBytesMax);
    DataHeader header;
    header.session = 9;
    header.number = number;
    const size_t half = frames.size() / 2;
    const crypto::Bytes parts[] = {{frames.data(), half},
                                   {frames.data() + half, frames.size() - half}};
    datagram.resize(sender->seal(header, parts, datagram.data()));
    return datagram;
  }

  bool open(Message datagram, Message* frames = nullptr) {
    DataHeader header;
    const auto bytes = static_cast<uint32_t>(datagram.size());
    if (read_data_header(datagram.data(), bytes, header) != nullptr) return false;
    uint32_t frames_bytes = 0;
    const OpenVerdict verdict = receiver->open(header, datagram.data(), bytes, frames_bytes);
    if (verdict != OpenVerdict::kOpened) return false;
    const auto begin = datagram.begin() + kDataHeaderBytes;
    if (frames != nullptr) frames->assign(begin, begin + frames_bytes);
    return true;
  }

  void step() {
    sender->on_acked(next - 1);
    ASSERT_TRUE(sender->update_key());
  }
  Message next_packet() { return seal(next++, Message(40, 7)); }

  uint64_t next = 0;
  std::optional<Protection> sender;
  std::optional<Protection> receiver;
};

TEST(Protection, OpensWhatItSealed) {
  for (const bool is_insecure : {false, true}) {
    for (const auto kind : {crypto::AeadKind::kAes256Gcm, crypto::AeadKind::kChaCha20Poly1305}) {
      Ends ends(is_insecure, kind);
      for (uint64_t number = 0; number < 100; ++number) {
        const Message frames(8 * (1 + number), static_cast<uint8_t>(number));
        const Message sealed = ends.seal(number, frames);
        const uint32_t trailer = is_insecure ? kInsecureTrailerBytes : kTagBytes;
        ASSERT_EQ(sealed.size(), kDataHeaderBytes + frames.size() + trailer);
        Message opened;
        ASSERT_TRUE(ends.open(sealed, &opened));
        ASSERT_EQ(opened, frames);
      }
    }
  }
}

TEST(Protection, NoticesEveryBitThatChanged) {
  for (const bool is_insecure : {false, true}) {
    Ends ends(is_insecure);
    const Message sealed = ends.seal(5, Message(64, 3));
    for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Message changed = sealed;
      changed[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
      EXPECT_FALSE(ends.open(changed)) << "bit " << bit;
    }
    EXPECT_TRUE(ends.open(sealed));
  }
}

TEST(Protection, NeverSealsUnderANumberThatWasUsed) {
  Ends ends;
  const Message frames(16, 1);
  EXPECT_FALSE(ends.seal(10, frames).empty());
  EXPECT_TRUE(ends.seal(10, frames).empty());
  EXPECT_TRUE(ends.seal(9, frames).empty());
  EXPECT_FALSE(ends.seal(11, frames).empty());
  ends.sender->on_acked(11);
  ASSERT_TRUE(ends.sender->update_key());
  EXPECT_TRUE(ends.seal(11, frames).empty());
}

TEST(Protection, OpensPacketsOfThePreviousKeyThatAStepOvertook) {
  Ends ends;
  const Message first = ends.next_packet();
  const Message late = ends.next_packet();
  ends.step();
  const Message stepped = ends.next_packet();
  EXPECT_TRUE(ends.open(first));
  EXPECT_EQ(ends.receiver->receive_generation(), 0u);
  EXPECT_TRUE(ends.open(stepped));
  EXPECT_EQ(ends.receiver->receive_generation(), 1u);
  EXPECT_TRUE(ends.open(late));
  EXPECT_EQ(ends.receiver->receive_generation(), 1u);
}

TEST(Protection, DoesNotStepForAForgedGeneration) {
  Ends ends;
  Message packet = ends.next_packet();
  for (uint32_t generation = 1; generation < 256; ++generation) {
    packet[1] = static_cast<uint8_t>(generation);
    EXPECT_FALSE(ends.open(packet));
  }
  EXPECT_EQ(ends.receiver->receive_generation(), 0u);
  EXPECT_TRUE(ends.open(ends.next_packet()));
}

TEST(Protection, StepsOnThroughMoreGenerationsThanTheHeaderCounts) {
  Ends ends;
  for (uint32_t generation = 1; generation <= 600; ++generation) {
    ASSERT_TRUE(ends.open(ends.next_packet()));
    ends.step();
    ASSERT_TRUE(ends.open(ends.next_packet()));
    ASSERT_EQ(ends.receiver->receive_generation(), generation);
    ASSERT_EQ(ends.sender->send_generation(), generation);
  }
}

TEST(Protection, StepsOnlyWhenThePeerHasThePresentKey) {
  Ends ends;
  ends.sender->want_update();
  EXPECT_FALSE(ends.sender->is_update_due());
  EXPECT_FALSE(ends.sender->update_key());
  ends.next_packet();
  EXPECT_FALSE(ends.sender->is_update_due());
  ends.sender->on_acked(0);
  EXPECT_TRUE(ends.sender->is_update_due());
  EXPECT_TRUE(ends.sender->update_key());
  // An old acknowledgement says nothing of the new key.
  ends.sender->want_update();
  ends.sender->on_acked(0);
  EXPECT_FALSE(ends.sender->is_update_due());
}

TEST(Protection, AsksForAStepWhenAKeyHasSealedAsManyPacketsAsItMay) {
  Ends ends;
  ends.sender->set_packets_per_key_max(100);
  for (int count = 0; count < 99; ++count) ends.next_packet();
  ends.sender->on_acked(98);
  EXPECT_FALSE(ends.sender->is_update_due());
  ends.next_packet();
  EXPECT_TRUE(ends.sender->is_update_due());
}

TEST(Protection, RefusesWhatIsTooShortToHaveATag) {
  Ends ends;
  for (uint32_t bytes = 0; bytes < kDataHeaderBytes + kTagBytes; bytes += 8) {
    Message datagram(bytes);
    DataHeader header;
    uint32_t frames_bytes = 0;
    EXPECT_EQ(ends.receiver->open(header, datagram.data(), bytes, frames_bytes),
              OpenVerdict::kForged);
  }
}

}  // namespace
}  // namespace hyperroute::raptor
