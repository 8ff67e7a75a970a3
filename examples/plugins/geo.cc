// A plug-in for positions on the earth: what lies inside an area, whether a report is sound, the
// geohash of a position, and which server has a vehicle.
//
//   g++ -std=c++20 -O2 -shared -fPIC -I node_modules/hyperroute/native/include geo.cc -o geo.so
#include <hyperroute/plugin.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

using namespace hyperroute;

namespace {

constexpr uint32_t kCornersMax = 64;
constexpr uint32_t kHashCharacters = 8;

// Writes why there is no instance. Always false, for `create` to return.
bool refuse(char* error, uint32_t error_bytes, const char* reason) {
  std::snprintf(error, error_bytes, "%s", reason);
  return false;
}

// Degrees times 10,000,000.
int32_t degrees_of(const PluginField& field, const uint8_t* view) {
  return static_cast<int32_t>(load_field_value(field, view));
}

bool is_position(const PluginField* field) {
  return field != nullptr && field->type == PluginFieldType::kSigned && field->bytes == 4;
}

// `inside`: whether a position lies in the area whose corners the configuration names,
// "latitude longitude, latitude longitude, …", in degrees. Two fields: latitude, longitude.
struct Area {
  PluginField latitude;
  PluginField longitude;
  uint32_t corner_count;
  double corners[kCornersMax][2];
};

bool make_area(const PluginSetup* setup, void** instance, char* error, uint32_t error_bytes) {
  if (setup->field_count != 2 || !is_position(setup->fields) || !is_position(setup->fields + 1)) {
    return refuse(error, error_bytes, "inside wants a latitude and a longitude, i32");
  }
  Area* const area = new (std::nothrow) Area{setup->fields[0], setup->fields[1], 0, {}};
  if (area == nullptr) return refuse(error, error_bytes, "no memory");
  const char* at = setup->configuration;
  int used = 0;
  double latitude = 0;
  double longitude = 0;
  while (area->corner_count < kCornersMax &&
         std::sscanf(at, " %lf %lf%n", &latitude, &longitude, &used) == 2) {
    area->corners[area->corner_count][0] = latitude;
    area->corners[area->corner_count][1] = longitude;
    ++area->corner_count;
    at += used;
    if (*at == ',') ++at;
  }
  if (area->corner_count < 3 || *at != 0) {
    delete area;
    return refuse(error, error_bytes, "an area has 3 to 64 corners: \"50.1 8.6, 50.2 8.7, …\"");
  }
  *instance = area;
  return true;
}

void free_area(void* instance) { delete static_cast<Area*>(instance); }

// A line from the position crosses the edges of an area around it an odd number of times.
uint32_t is_inside(void* instance, const uint8_t* view) {
  const Area& area = *static_cast<const Area*>(instance);
  const double latitude = degrees_of(area.latitude, view) / 1e7;
  const double longitude = degrees_of(area.longitude, view) / 1e7;
  bool inside = false;
  for (uint32_t index = 0, last = area.corner_count - 1; index < area.corner_count;
       last = index++) {
    const double* const a = area.corners[index];
    const double* const b = area.corners[last];
    if ((a[0] > latitude) == (b[0] > latitude)) continue;
    const double crossing = a[1] + (latitude - a[0]) / (b[0] - a[0]) * (b[1] - a[1]);
    if (longitude < crossing) inside = !inside;
  }
  return inside ? 1 : 0;
}

// `sound`: answers 1 where the last of its fields, a byte, is not the sum of all bytes before it,
// and 2 where the position is none on earth. Three fields: latitude, longitude, check.
struct Report {
  PluginField latitude;
  PluginField longitude;
  PluginField check;
};

bool make_report(const PluginSetup* setup, void** instance, char* error, uint32_t error_bytes) {
  if (setup->field_count != 3 || !is_position(setup->fields) || !is_position(setup->fields + 1) ||
      setup->fields[2].bytes != 1) {
    return refuse(error, error_bytes, "sound wants a latitude, a longitude and a check byte");
  }
  *instance = new (std::nothrow) Report{setup->fields[0], setup->fields[1], setup->fields[2]};
  return *instance != nullptr || refuse(error, error_bytes, "no memory");
}

void free_report(void* instance) { delete static_cast<Report*>(instance); }

uint32_t check_report(void* instance, const uint8_t* view) {
  const Report& report = *static_cast<const Report*>(instance);
  uint8_t sum = 0;
  for (uint32_t index = 0; index < report.check.offset; ++index) {
    sum = static_cast<uint8_t>(sum + view[index]);
  }
  if (sum != view[report.check.offset]) return 1;
  const bool is_on_earth =
      std::abs(static_cast<int64_t>(degrees_of(report.latitude, view))) <= 900000000 &&
      std::abs(static_cast<int64_t>(degrees_of(report.longitude, view))) <= 1800000000;
  return is_on_earth ? 0 : 2;
}

// `geohash`: the vehicle, and where it is as a geohash of 8 characters.
struct Hasher {
  PluginField latitude;
  PluginField longitude;
  PluginField vehicle;
  PluginField vehicle_out;
  PluginField hash;
};

bool make_hasher(const PluginSetup* setup, void** instance, char* error, uint32_t error_bytes) {
  const auto in = [&](const char* name) {
    return find_field(setup->fields, setup->field_count, name);
  };
  const auto out = [&](const char* name) {
    return find_field(setup->output_fields, setup->output_field_count, name);
  };
  const PluginField* const hash = out("hash");
  if (!is_position(in("latitude")) || !is_position(in("longitude")) || in("vehicle") == nullptr ||
      out("vehicle") == nullptr || hash == nullptr || hash->bytes != kHashCharacters) {
    return refuse(error, error_bytes, "geohash makes { vehicle, hash: ascii(8) } of a position");
  }
  *instance = new (std::nothrow)
      Hasher{*in("latitude"), *in("longitude"), *in("vehicle"), *out("vehicle"), *hash};
  return *instance != nullptr || refuse(error, error_bytes, "no memory");
}

void free_hasher(void* instance) { delete static_cast<Hasher*>(instance); }

// Bits of longitude and latitude in turn, each of which halves what is left of the earth.
int32_t write_hash(void* instance, const uint8_t* view, uint8_t* output, uint32_t capacity) {
  static constexpr char kDigits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  const Hasher& hasher = *static_cast<const Hasher*>(instance);
  store_field_value(hasher.vehicle_out, output, load_field_value(hasher.vehicle, view));
  const int64_t places[2] = {degrees_of(hasher.longitude, view), degrees_of(hasher.latitude, view)};
  int64_t low[2] = {-1800000000, -900000000};
  int64_t high[2] = {1800000000, 900000000};
  uint32_t axis = 0;
  for (uint32_t character = 0; character < kHashCharacters; ++character) {
    uint32_t digit = 0;
    for (uint32_t bit = 0; bit < 5; ++bit) {
      const int64_t middle = (low[axis] + high[axis]) / 2;
      const bool is_above = places[axis] >= middle;
      (is_above ? low : high)[axis] = middle;
      digit = digit << 1 | (is_above ? 1u : 0u);
      axis = 1 - axis;
    }
    output[hasher.hash.offset + character] = static_cast<uint8_t>(kDigits[digit]);
  }
  return static_cast<int32_t>(capacity);
}

// `rendezvous`: each server draws a number from the vehicle and its own place; the highest one that
// can be used has the vehicle. When a server goes, only its vehicles move.
uint64_t mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

uint32_t pick_highest(void*, const PluginPick* pick) {
  uint32_t best = 0;
  uint64_t best_drawn = 0;
  bool is_found = false;
  for (uint32_t member = 0; member < pick->member_count; ++member) {
    if (!pick->is_usable(member)) continue;
    const uint64_t drawn = mixed(pick->key_hash + mixed(member + 1));
    if (is_found && drawn < best_drawn) continue;
    best = member;
    best_drawn = drawn;
    is_found = true;
  }
  return best;
}

constexpr PluginFunction kFunctions[] = {
    {.struct_bytes = sizeof(PluginFunction),
     .kind = PluginKind::kMatch,
     .name = "inside",
     .create = make_area,
     .destroy = free_area,
     .match = is_inside,
     .validate = nullptr,
     .pick = nullptr,
     .transform = nullptr},
    {.struct_bytes = sizeof(PluginFunction),
     .kind = PluginKind::kValidate,
     .name = "sound",
     .create = make_report,
     .destroy = free_report,
     .match = nullptr,
     .validate = check_report,
     .pick = nullptr,
     .transform = nullptr},
    {.struct_bytes = sizeof(PluginFunction),
     .kind = PluginKind::kPick,
     .name = "rendezvous",
     .create = nullptr,
     .destroy = nullptr,
     .match = nullptr,
     .validate = nullptr,
     .pick = pick_highest,
     .transform = nullptr},
    {.struct_bytes = sizeof(PluginFunction),
     .kind = PluginKind::kTransform,
     .name = "geohash",
     .create = make_hasher,
     .destroy = free_hasher,
     .match = nullptr,
     .validate = nullptr,
     .pick = nullptr,
     .transform = write_hash},
};

constexpr PluginTable kTable{
    .abi = kPluginAbi,
    .struct_bytes = sizeof(PluginTable),
    .function_count = sizeof kFunctions / sizeof kFunctions[0],
    .reserved = 0,
    .functions = kFunctions,
};

}  // namespace

const PluginTable* hyperroute_plugin() { return &kTable; }
