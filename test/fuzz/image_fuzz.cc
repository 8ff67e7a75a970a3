// Fuzzes the loader and the step: a damaged image with a correct check sum is refused, or every
// message walks through it without a byte read or written outside.
//
// Input: u8 chooses the image (mostly a checked-in one; of 16 values one makes the input itself
// the image), u8 counts patches of {u24 place, u8 value}, the rest is cut into messages. A place is
// a position in the image or, with its top bit set, {u7 section, u16 position in it}: what is small
// is hit as often as what is large. Native messages are whole ones with patches of {u8 position, u8
// value}.
#include <cstdint>
#include <cstring>
#include <iterator>
#include <vector>

#include "fuzz/input.h"
#include "unit/native/route/correlated_image.h"
#include "unit/native/route/image_parts.h"
#include "unit/native/route/image_walk.h"
#include "unit/native/route/native_image.h"

namespace hyperroute {
namespace {

constexpr uint32_t kMessagesMax = 16;

template <typename Record>
bool read_record(const std::vector<uint8_t>& image, size_t position, Record& record) {
  if (image.size() < sizeof record || position > image.size() - sizeof record) return false;
  std::memcpy(&record, image.data() + position, sizeof record);
  return true;
}

// Makes the check sums of the layouts right that the image's views name.
void fix_layouts(std::vector<uint8_t>& image) {
  SectionEntry views{};
  SectionEntry layouts{};
  const size_t table = sizeof(ImageHeader);
  if (!read_record(image, table + kSectionViews * sizeof views, views)) return;
  if (!read_record(image, table + kSectionLayouts * sizeof layouts, layouts)) return;
  for (uint32_t index = 0; index < views.count && index < 8; ++index) {
    ViewRecord view{};
    LayoutHeader header{};
    if (!read_record(image, views.offset + index * sizeof view, view)) return;
    const size_t start = size_t{layouts.offset} + view.layout;
    if (!read_record(image, start, header) || view.layout_bytes < sizeof header ||
        view.layout_bytes > image.size() - start) {
      continue;
    }
    header.magic = kLayoutMagic;
    header.format_version = kLayoutFormatVersion;
    header.section_count = kLayoutSectionCount;
    header.image_bytes = view.layout_bytes;
    std::memcpy(image.data() + start, &header, sizeof header);
    header.crc =
        crc32c(image.data() + start + kLayoutCrcStart, view.layout_bytes - kLayoutCrcStart);
    std::memcpy(image.data() + start, &header, sizeof header);
  }
}

// A message of one of the three versions that has something in every field.
std::vector<uint8_t> trade_message(FuzzInput& input) {
  static const LayoutImage layouts[] = {load_layout(trade_source().as_of(1)),
                                        load_layout(trade_source().as_of(2)),
                                        load_layout(trade_source())};
  const TradeValue value{.id = 1,
                         .text = "text",
                         .data = "data",
                         .legs = {{.qty = 1, .name = "name", .fills = {{1, "tag"}, {}}}, {}},
                         .notes = {"note", ""}};
  std::vector<uint8_t> message = ValueWriter(layouts[input.u8() % 3].layout()).write(value);
  for (uint32_t patches = input.u8() % 4; patches > 0; --patches) {
    const uint32_t position = input.u8();
    message[position % message.size()] = input.u8();
  }
  return message;
}

// test/helpers/fuzz-seeds.ts counts them in this order.
const std::vector<uint8_t>& known_image(uint32_t choice) {
  static const std::vector<uint8_t> known[] = {
      read_vector("order-gateway"), read_vector("every-kind"), trade_parts().image(),
      read_vector("texts"),         read_vector("every-pool"), read_vector("fan-out"),
      read_vector("matchers"),      read_vector("plugged"),    read_vector("readings"),
      correlated_parts().image()};
  return known[choice % std::size(known)];
}

size_t patch_position(const std::vector<uint8_t>& image, uint32_t place) {
  SectionEntry section{};
  if ((place & 0x800000) == 0) return place % image.size();
  const uint32_t index = (place >> 16 & 0x7F) % kSectionCount;
  const size_t entry = sizeof(ImageHeader) + index * sizeof section;
  if (!read_record(image, entry, section)) return place % image.size();
  return (size_t{section.offset} + (place & 0xFFFF)) % image.size();
}

std::vector<uint8_t> damaged_image(FuzzInput& input) {
  const uint32_t choice = input.u8() % 16;
  const uint32_t patch_count = input.u8() % 8;
  std::vector<uint8_t> image = choice == 15 ? input.up_to(SIZE_MAX) : known_image(choice);
  if (image.empty()) return image;
  for (uint32_t patch = 0; patch < patch_count; ++patch) {
    const size_t position = patch_position(image, input.u24());
    image[position] = input.u8();
  }
  if (image.size() < sizeof(ImageHeader)) return image;
  // Random bytes would never get past the first fields of the header.
  ImageHeader header;
  std::memcpy(&header, image.data(), sizeof header);
  header.magic = kImageMagic;
  header.format_version = kImageFormatVersion;
  header.section_count = kSectionCount;
  header.image_bytes = static_cast<uint32_t>(image.size());
  std::memset(header.reserved, 0, sizeof header.reserved);
  std::memcpy(image.data(), &header, sizeof header);
  fix_layouts(image);
  fix_check_sum(image);
  return image;
}

// A message that the endpoint's family recognises, if it can be made one, from the input's bytes.
std::vector<uint8_t> message_for(const RouteImage& image, uint16_t source, FuzzInput& input) {
  const ImageTables& tables = image.tables();
  const FamilyRecord& family = tables.families[tables.endpoints[source].family];
  if (family.kind == FamilyKind::kRaw) return input.up_to(input.u8());
  const uint32_t slot = input.u8() % family.member_count;
  const MemberRecord& member = tables.members[family.members + slot];
  if (member.view != kNoRecord && tables.views[member.view].kind == ViewKind::kNative) {
    return trade_message(input);
  }
  std::vector<uint8_t> message = input.up_to(member.message_bytes);
  if (input.u8() % 8 == 0) return message;  // As it came: short, or of another type.
  message.resize(member.message_bytes, 0x11);
  if (member.has_size != 0) {
    store_field(message.data() + member.size_offset, member.size_load, member.message_bytes);
  }
  if (family.kind == FamilyKind::kSingle || family.message_bytes_min > message.size()) {
    return message;
  }
  uint8_t* const type = message.data() + family.offset;
  const uint64_t sign = (family.load & kFieldSigned) != 0 ? kSignBit : 0;
  if (family.kind == FamilyKind::kSearch) {
    store_field(type, family.load, tables.bounds[family.keys + slot] ^ sign);
  } else {
    for (uint32_t value = 0; value < 256; ++value) {
      if (tables.slots[family.slots + value] == slot) store_field(type, family.load, value ^ sign);
    }
  }
  return message;
}

// Lets some time go by, and gives the message a number that an order or an entry may have.
void meet_entry(WalkState& state, std::vector<uint8_t>& message, FuzzInput& input) {
  if (state.tables.empty()) return;
  state.now_ns += uint64_t{input.u8()} * 5'000'000;
  for (CorrelationTable* table : state.tables) (void)table->sweep(state.now_ns, 2);
  const uint64_t number = input.u8() % 8;
  if (message.size() < 16) return;
  const uint64_t id = uint64_t{input.u8() % 8u} << 32 | number;
  store_u64_le(message.data() + 8, id);
}

}  // namespace
}  // namespace hyperroute

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace hyperroute;
  FuzzInput input(data, bytes);
  const std::vector<uint8_t> image_bytes = damaged_image(input);
  RouteImage image;
  if (!RouteImage::load(image_bytes, image).ok()) return 0;
  WalkState state(image);
  for (uint32_t count = 0; count < kMessagesMax && !input.is_empty(); ++count) {
    const auto source = static_cast<uint16_t>(input.u8() % image.summary().endpoint_count);
    state.alive[source] = input.u8();
    std::vector<uint8_t> message = message_for(image, source, input);
    meet_entry(state, message, input);
    const StepMessage shown{message.data(), static_cast<uint32_t>(message.size()), source};
    prefetch(image, state.step(), std::span(&shown, 1));
    (void)walk(image, state, source, message, 0x0123456789ABCDEF);
  }
  return 0;
}
