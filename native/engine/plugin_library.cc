// Loading plug-ins. Thread: control.
#include "engine/plugin_library.h"

#include <dlfcn.h>

#include <cstring>

namespace hyperroute {
namespace {

std::string text_of(const ImageTables& tables, uint32_t first, uint32_t bytes) {
  if (bytes == 0) return {};
  return {reinterpret_cast<const char*>(tables.bytes.from(first)), bytes};
}

// The fields of a use, with the names that they point to.
struct FieldList {
  std::vector<std::string> names;
  std::vector<PluginField> fields;

  FieldList(const ImageTables& tables, uint32_t first, uint32_t count) {
    names.reserve(count);
    fields.reserve(count);
    for (uint32_t index = 0; index < count; ++index) {
      const PluginFieldRecord& record = tables.plugin_fields[first + index];
      names.push_back(text_of(tables, record.name, record.name_bytes));
      fields.push_back(PluginField{
          .name = names.back().c_str(),
          .offset = record.offset,
          .bytes = record.bytes,
          .type = static_cast<PluginFieldType>(record.type),
          .is_big_endian = record.is_big_endian,
      });
    }
  }
};

const char* kind_name(PluginKind kind) {
  switch (kind) {
    case PluginKind::kMatch:
      return "match";
    case PluginKind::kValidate:
      return "validate";
    case PluginKind::kPick:
      return "pick";
    default:
      return "transform";
  }
}

// Whether the function of its kind is there, and no other.
bool is_whole(const PluginFunction& function) {
  const bool is_there[] = {function.match != nullptr, function.validate != nullptr,
                           function.pick != nullptr, function.transform != nullptr};
  for (uint32_t kind = 0; kind < 4; ++kind) {
    if (is_there[kind] != (kind == static_cast<uint32_t>(function.kind))) return false;
  }
  return true;
}

}  // namespace

Result<std::shared_ptr<PluginLibrary>> PluginLibrary::open(const std::string& path) {
  if (path.empty() || path[0] != '/') {
    return Status::error(StatusCode::kPlugin, "plug-in %s: not an absolute path", path.c_str());
  }
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    // Not thread-safe by the standard; glibc keeps the text for each thread.
    const char* const reason = dlerror();
    return Status::error(StatusCode::kPlugin, "plug-in: %s", reason == nullptr ? "?" : reason);
  }
  std::shared_ptr<PluginLibrary> library(new PluginLibrary(path, handle));
  HR_TRY(library->verify());
  return library;
}

PluginLibrary::~PluginLibrary() { dlclose(handle_); }

Status PluginLibrary::verify() {
  const char* const path = path_.c_str();
  using Entry = const PluginTable* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(handle_, "hyperroute_plugin"));
  if (entry == nullptr) {
    return Status::error(StatusCode::kPlugin, "plug-in %s: exports no hyperroute_plugin", path);
  }
  const PluginTable* const table = entry();
  if (table == nullptr) return Status::error(StatusCode::kPlugin, "plug-in %s: no table", path);
  // Nothing behind the version may be read before it is known what lies there.
  if (table->abi != kPluginAbi || table->struct_bytes != sizeof(PluginTable)) {
    return Status::error(StatusCode::kPlugin,
                         "plug-in %s: built for version %u of plugin.h, not %u", path, table->abi,
                         kPluginAbi);
  }
  if (table->function_count > kPluginFunctionsMax ||
      (table->function_count != 0 && table->functions == nullptr)) {
    return Status::error(StatusCode::kPlugin, "plug-in %s: a table of %u functions", path,
                         table->function_count);
  }
  for (uint32_t index = 0; index < table->function_count; ++index) {
    const PluginFunction& function = table->functions[index];
    if (function.struct_bytes != sizeof(PluginFunction) || function.name == nullptr ||
        !is_whole(function)) {
      return Status::error(StatusCode::kPlugin, "plug-in %s: function %u is incomplete", path,
                           index);
    }
  }
  table_ = table;
  return Status::success();
}

const PluginFunction* PluginLibrary::find(PluginKind kind, std::string_view name) const {
  for (uint32_t index = 0; index < table_->function_count; ++index) {
    const PluginFunction& function = table_->functions[index];
    if (function.kind == kind && name == function.name) return &function;
  }
  return nullptr;
}

PluginSet::~PluginSet() {
  while (!calls_.empty()) {
    const PluginCall& call = calls_.back();
    if (call.function->destroy != nullptr) call.function->destroy(call.instance);
    calls_.pop_back();
  }
}

Status PluginSet::bind(std::span<const std::string> paths, RouteImage& image) {
  if (paths.size() > kPluginLibrariesMax) {
    return Status::error(StatusCode::kLimit, "%zu plug-ins; a router has up to %zu", paths.size(),
                         kPluginLibrariesMax);
  }
  const ImageTables& tables = image.tables();
  libraries_.resize(paths.size());
  for (uint32_t index = 0; index < tables.plugins.count; ++index) {
    const uint32_t number = tables.plugins[index].library;
    if (number >= paths.size() || libraries_[number] != nullptr) continue;
    auto library = PluginLibrary::open(paths[number]);
    if (!library.ok()) return library.status();
    libraries_[number] = library.take();
  }
  calls_.reserve(tables.plugins.count);
  for (uint32_t index = 0; index < tables.plugins.count; ++index) {
    HR_TRY(make(tables, tables.plugins[index]));
  }
  image.bind_plugins(calls_);
  return Status::success();
}

Status PluginSet::make(const ImageTables& tables, const PluginRecord& use) {
  const std::string name = text_of(tables, use.name, use.name_bytes);
  if (use.library >= libraries_.size()) {
    return Status::error(StatusCode::kPlugin, "plug-in function %s: no library %u is given",
                         name.c_str(), use.library);
  }
  const PluginLibrary& library = *libraries_[use.library];
  const auto kind = static_cast<PluginKind>(use.kind);
  const PluginFunction* const function = library.find(kind, name);
  if (function == nullptr) {
    return Status::error(StatusCode::kPlugin, "plug-in %s: has no %s function %s",
                         library.path().c_str(), kind_name(kind), name.c_str());
  }
  PluginCall call{function, nullptr};
  if (function->create != nullptr) {
    const std::string text = text_of(tables, use.configuration, use.configuration_bytes);
    const FieldList fields(tables, use.fields, use.field_count);
    const FieldList outputs(tables, use.output_fields, use.output_field_count);
    const PluginSetup setup{
        .struct_bytes = sizeof(PluginSetup),
        .view_bytes = use.view_bytes,
        .configuration = text.c_str(),
        .fields = fields.fields.data(),
        .field_count = use.field_count,
        .output_field_count = use.output_field_count,
        .output_fields = outputs.fields.data(),
        .output_bytes = use.output_bytes,
        .member_count = use.member_count,
    };
    char error[kPluginErrorBytes] = {};
    const bool is_made = function->create(&setup, &call.instance, error, sizeof error);
    error[sizeof error - 1] = 0;
    if (!is_made) {
      return Status::error(StatusCode::kPlugin, "plug-in function %s: %s", name.c_str(),
                           error[0] == 0 ? "no instance" : error);
    }
  }
  calls_.push_back(call);
  return Status::success();
}

}  // namespace hyperroute
