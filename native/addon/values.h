// Reading options out of JavaScript objects, and errors back into it.
// Thread: JavaScript. TypeScript has validated everything; this checks again, because a wrong
// type here would be undefined behaviour.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace hyperroute {

// Throws a JavaScript Error with the status' code as `code` (an ERR_ string), its text as message
// and `errno` where a system call failed.
void throw_status(Napi::Env env, const Status& status);

// Reads named options of one object; remembers the first that is missing or of a wrong type.
class OptionReader {
 public:
  OptionReader(Napi::Env env, const Napi::Value& value);

  [[nodiscard]] double number(const char* name, double minimum, double maximum);
  [[nodiscard]] uint32_t u32(const char* name, uint32_t maximum = UINT32_MAX);
  // The same for an option that may be missing.
  [[nodiscard]] uint32_t u32_or(const char* name, uint32_t fallback) {
    return has(name) ? u32(name) : fallback;
  }
  [[nodiscard]] bool boolean(const char* name);
  [[nodiscard]] std::string string(const char* name);
  [[nodiscard]] std::vector<std::string> strings(const char* name);
  [[nodiscard]] Napi::Object object(const char* name);
  // Whether it is there and neither undefined nor null.
  [[nodiscard]] bool has(const char* name);
  // The bytes of a typed array, which may lie in a SharedArrayBuffer.
  struct Bytes {
    uint8_t* data = nullptr;
    size_t bytes = 0;
  };
  [[nodiscard]] Bytes bytes(const char* name);

  [[nodiscard]] const Status& status() const { return status_; }

 private:
  void fail(const char* name, const char* expected);

  Napi::Env env_;
  Napi::Object object_;
  Status status_;
};

// The bytes behind a typed array; data is nullptr if `value` is none.
OptionReader::Bytes typed_array_bytes(Napi::Env env, const Napi::Value& value);

}  // namespace hyperroute
