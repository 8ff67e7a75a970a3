// Shared libraries of users' functions: opened, held against the ABI, given to an image.
//
// Thread: control. Not on the data path. A library stays loaded as long as an image that uses it:
// the image's instances are freed, then its libraries, after the grace period of the swap that
// replaced it (qsbr.h).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "include/hyperroute/plugin.h"
#include "route/image.h"

namespace hyperroute {

inline constexpr size_t kPluginLibrariesMax = 64;

class PluginLibrary {
 public:
  // `path` is absolute. kPlugin with the reason where the file is missing, no library, or built
  // for another version of the ABI.
  static Result<std::shared_ptr<PluginLibrary>> open(const std::string& path);
  ~PluginLibrary();
  PluginLibrary(const PluginLibrary&) = delete;
  PluginLibrary& operator=(const PluginLibrary&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Null: it has none of that name and kind.
  [[nodiscard]] const PluginFunction* find(PluginKind kind, std::string_view name) const;

 private:
  PluginLibrary(std::string path, void* handle) : path_(std::move(path)), handle_(handle) {}
  Status verify();

  std::string path_;
  void* handle_;
  const PluginTable* table_ = nullptr;
};

// What an image's uses of plug-ins have been bound to.
class PluginSet {
 public:
  PluginSet() = default;
  ~PluginSet();
  PluginSet(PluginSet&&) = default;
  PluginSet& operator=(PluginSet&&) = delete;

  // Opens the libraries that the image uses, makes an instance for each use, and binds the image to
  // them. `paths` are the libraries by their numbers in the image; one that no use names is not
  // opened. kPlugin with the reason where anything is missing; the image is not changed then.
  Status bind(std::span<const std::string> paths, RouteImage& image);

 private:
  Status make(const ImageTables& tables, const PluginRecord& use);

  // By number; null: no use names it.
  std::vector<std::shared_ptr<PluginLibrary>> libraries_;
  std::vector<PluginCall> calls_;
};

}  // namespace hyperroute
