// Fuzzes layouts and messages: a damaged layout with a correct check sum is refused, or every
// message is refused or read in full and rewritten, without a byte read or written outside.
//
// Input: u8 chooses the layout (one of the checked-in ones; of 16 values one makes the input itself
// the layout), u8 counts patches of {u24 position, u8 value} of it, the rest is a message. Patches
// are made only when the upper half of the second byte is 15, so that most runs have a layout that
// loads.
#include <cstdint>
#include <cstring>
#include <vector>

#include "../unit/native/codec/layout_parts.h"
#include "../unit/native/codec/message_walk.h"
#include "base/assert.h"
#include "codec/rewrite.h"
#include "codec/value_check.h"

namespace hyperroute {
namespace {

// In the order in which test/helpers/fuzz-seeds.ts counts them.
constexpr const char* kLayouts[] = {
    "new-order", "everything-1", "everything-2", "everything-3", "tick",      "packet",
    "random-1",  "random-2",     "random-3",     "random-4",     "random-5",  "random-6",
    "random-7",  "random-8",     "random-9",     "random-10",    "random-11", "random-12"};
constexpr uint32_t kLayoutCount = sizeof kLayouts / sizeof *kLayouts;
constexpr size_t kRewrittenBytesMax = 1 << 16;

class Input {
 public:
  Input(const uint8_t* data, size_t bytes) : data_(data), bytes_(bytes) {}

  uint8_t u8() {
    if (bytes_ == 0) return 0;
    --bytes_;
    return *data_++;
  }
  uint32_t u24() {
    const uint32_t low = u8();
    const uint32_t middle = u8();
    return low | middle << 8 | static_cast<uint32_t>(u8()) << 16;
  }
  std::vector<uint8_t> rest() {
    std::vector<uint8_t> taken(data_, data_ + bytes_);
    taken.shrink_to_fit();
    bytes_ = 0;
    return taken;
  }

 private:
  const uint8_t* data_;
  size_t bytes_;
};

// Read once: the files may change while a long run goes on.
const std::vector<uint8_t>& known_image(uint32_t choice) {
  static const std::vector<std::vector<uint8_t>> known = [] {
    std::vector<std::vector<uint8_t>> images;
    for (const char* const name : kLayouts) images.push_back(read_layout_vector(name));
    return images;
  }();
  return known[choice % kLayoutCount];
}

std::vector<uint8_t> damaged_layout(Input& input, uint32_t choice, uint32_t patch_count) {
  std::vector<uint8_t> image;
  if (choice % 16 == 15) {
    image = input.rest();
  } else {
    image = known_image(choice);
  }
  for (uint32_t patch = 0; patch < patch_count && !image.empty(); ++patch) {
    const uint32_t position = input.u24();
    image[position % image.size()] = input.u8();
  }
  repair_layout(image);
  return image;
}

const LayoutImage& known_layout(uint32_t choice) {
  static const std::vector<LayoutImage> known = [] {
    std::vector<LayoutImage> images;
    for (uint32_t index = 0; index < kLayoutCount; ++index) {
      HR_ASSERT(LayoutImage::load(known_image(index), images.emplace_back()).ok());
    }
    return images;
  }();
  return known[choice % kLayoutCount];
}

// What a bound message with sound values must satisfy.
void check_rewriting(const MessageLayout& layout, const Message& message) {
  std::vector<uint8_t> memory(kRewrittenBytesMax, 0xA5);
  WriteFault fault = WriteFault::kNone;
  const uint32_t bytes = rewrite(layout, message, memory, fault);
  if (bytes == 0) {
    // A damaged layout can make entries so large that no memory holds them.
    HR_ASSERT(fault == WriteFault::kNoRoom);
    return;
  }
  const std::vector<uint8_t> first(memory.begin(), memory.begin() + bytes);
  Message again;
  HR_ASSERT(bind(layout, first.data(), first.size(), again) == MessageFault::kNone);
  HR_ASSERT(check_values(layout, again) == MessageFault::kNone ||
            message.version() != layout.version());
  if (check_values(layout, again) != MessageFault::kNone) return;
  HR_ASSERT(again.body().size() + kMessageHeaderBytes == first.size());
  // Other old bytes in a buffer of exactly the right size: the same message, no more, no less.
  std::vector<uint8_t> second(bytes, 0x5A);
  HR_ASSERT(rewrite(layout, again, second, fault) == bytes);
  HR_ASSERT(first == second);
  std::vector<uint8_t> short_memory(bytes - 1);
  HR_ASSERT(rewrite(layout, again, short_memory, fault) == 0);
  HR_ASSERT(fault == WriteFault::kNoRoom);
}

}  // namespace
}  // namespace hyperroute

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace hyperroute;
  Input input(data, bytes);
  const uint32_t choice = input.u8();
  const uint32_t control = input.u8();
  LayoutImage damaged;
  const bool is_damaged = control >> 4 == 15 || choice % 16 == 15;
  if (is_damaged) {
    const std::vector<uint8_t> image = damaged_layout(input, choice, control & 15);
    if (!LayoutImage::load(image, damaged).ok()) return 0;
  }
  const MessageLayout& layout = is_damaged ? damaged.layout() : known_layout(choice).layout();
  const std::vector<uint8_t> frame = input.rest();
  Message message;
  if (bind(layout, frame.data(), frame.size(), message) != MessageFault::kNone) return 0;
  (void)walk_message(layout, message);
  if (check_values(layout, message) != MessageFault::kNone) return 0;
  check_rewriting(layout, message);
  return 0;
}
