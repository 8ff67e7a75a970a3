// The ring against a queue of strings: random operations, both modes, the seed printed on failure.
#include <deque>

#include "base/prng.h"
#include "unit/native/ring/ring_fixture.h"

namespace hyperroute {
namespace {

struct Model {
  // Committed and not yet released, oldest first; the first `read_count` have been peeked at.
  std::deque<std::string> records;
  size_t read_count = 0;
  // Of these, how many a consumer in tail mode may see.
  size_t published_count = 0;
};

class RingModel {
 public:
  RingModel(uint64_t seed, RingVisibility visibility)
      : prng_(seed),
        visibility_(visibility),
        ring_(4096u << prng_.below(3), (prng_.next_u32() & ~7u)),
        producer_(ring_.view),
        consumer_(ring_.view, visibility) {}

  void step() {
    switch (prng_.below(8)) {
      case 0:
      case 1:
      case 2:
        return produce();
      case 3:
        producer_.publish();
        model_.published_count = model_.records.size();
        return;
      case 4:
      case 5:
        return consume();
      case 6:
        consumer_.rewind();
        model_.read_count = 0;
        return;
      default:
        return drop();
    }
  }

 private:
  void produce() {
    const uint32_t limit = prng_.one_in(8) ? producer_.record_bytes_max() : 100;
    const uint32_t claim_bytes = prng_.below(limit + 1);
    uint8_t* const to = producer_.claim(claim_bytes);
    if (to == nullptr) {
      // Refused only for lack of room: record, header after it, and at worst the padding.
      const uint32_t wanted_bytes = 2 * record_span_bytes(claim_bytes) + kRecordHeaderBytes;
      ASSERT_GT(producer_.occupied_bytes() + wanted_bytes, producer_.capacity_bytes());
      return;
    }
    std::memset(to, 0x01, claim_bytes);  // Would be a valid commit word where it is left over.
    if (prng_.one_in(10)) return producer_.abort();
    const uint32_t used_bytes = prng_.one_in(4) ? prng_.below(claim_bytes + 1) : claim_bytes;
    std::string text(used_bytes, '\0');
    for (char& letter : text) letter = static_cast<char>(prng_.below(3));
    std::memcpy(to, text.data(), used_bytes);
    producer_.commit(used_bytes);
    model_.records.push_back(text);
  }

  size_t visible_count() const {
    return visibility_ == RingVisibility::kTail ? model_.published_count : model_.records.size();
  }

  void consume() {
    uint32_t last_position = consumer_.released_position();
    size_t released_count = 0;
    const uint32_t wanted_count = prng_.below(20);
    for (uint32_t index = 0; index < wanted_count; ++index) {
      RingRecord record;
      if (!consumer_.next(record)) {
        ASSERT_FALSE(consumer_.corrupt());
        ASSERT_EQ(model_.read_count, visible_count());
        break;
      }
      ASSERT_LT(model_.read_count, visible_count());
      ASSERT_EQ(text_of(record), model_.records[model_.read_count]);
      ++model_.read_count;
      if (prng_.one_in(2)) {
        last_position = record.end_position;
        released_count = model_.read_count;
      }
    }
    if (released_count > 0) release(last_position, released_count);
  }

  void release(uint32_t position, size_t count) {
    consumer_.release(position);
    model_.read_count -= count;
    forget(count);
  }

  void forget(size_t count) {
    model_.records.erase(model_.records.begin(),
                         model_.records.begin() + static_cast<std::ptrdiff_t>(count));
    model_.published_count -= std::min(count, model_.published_count);
  }

  void drop() {
    if (!prng_.one_in(10)) return;
    // Only published bytes count, so the model is brought to the same state first.
    producer_.publish();
    model_.published_count = model_.records.size();
    const uint32_t bound_bytes = prng_.below(producer_.capacity_bytes());
    const uint32_t dropped_count = consumer_.drop_oldest(bound_bytes);
    ASSERT_LE(dropped_count, model_.records.size());
    ASSERT_LE(consumer_.occupied_bytes(), bound_bytes);
    model_.read_count = 0;
    forget(dropped_count);
  }

  Prng prng_;
  RingVisibility visibility_;
  TestRing ring_;
  SpscProducer producer_;
  SpscConsumer consumer_;
  Model model_;
};

TEST(SpscRingModel, RandomOperationsGiveWhatAQueueWouldGive) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (const RingVisibility mode : {RingVisibility::kCommitWord, RingVisibility::kTail}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << " mode " << static_cast<int>(mode));
      RingModel model(seed, mode);
      for (int step = 0; step < 5000; ++step) {
        model.step();
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace hyperroute
