// The result of everything on the control plane: a code and one line of context for a person.
// Thread: any (plain values). Data path: never here; hot functions return positions or codes.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "include/hyperroute/codes.h"

namespace hyperroute {

inline constexpr uint32_t kStatusContextBytes = 200;

// A code and, unless it is kOk, a sentence that says what was being done and to what.
struct [[nodiscard]] Status {
  StatusCode code = StatusCode::kOk;
  // errno of the system call that failed, 0 where there was none.
  int32_t system_errno = 0;
  // Always zero-terminated; longer text is cut, never written past the end.
  char context[kStatusContextBytes] = {};

  bool ok() const noexcept { return code == StatusCode::kOk; }

  static Status success() noexcept { return Status{}; }

  static Status error(StatusCode code, const char* format, ...) noexcept
      __attribute__((format(printf, 2, 3))) {
    Status status;
    status.code = code;
    va_list arguments;
    va_start(arguments, format);
    status.format_context(format, arguments);
    va_end(arguments);
    return status;
  }

  // As error(), with ": <text of the errno>" at the end. Takes the errno as an argument because
  // building the other arguments may have changed the thread's own.
  static Status system(StatusCode code, int system_errno, const char* format, ...) noexcept
      __attribute__((format(printf, 3, 4))) {
    Status status;
    status.code = code;
    status.system_errno = system_errno;
    va_list arguments;
    va_start(arguments, format);
    status.format_context(format, arguments);
    va_end(arguments);
    const size_t used_bytes = std::strlen(status.context);
    const size_t free_bytes = kStatusContextBytes - used_bytes;
    char text[80];
    std::snprintf(status.context + used_bytes, free_bytes, ": %s",
                  errno_text(system_errno, text, sizeof text));
    return status;
  }

 private:
  void format_context(const char* format, va_list arguments) noexcept {
    if (std::vsnprintf(context, sizeof context, format, arguments) < 0) context[0] = '\0';
  }

  // The two published forms of strerror_r (GNU's returns the text, POSIX's a number) differ by
  // libc; the overloads take either.
  static const char* errno_pick(const char* text, const char*) noexcept { return text; }
  static const char* errno_pick(int failed, const char* text) noexcept {
    return failed == 0 ? text : "unknown error";
  }
  static const char* errno_text(int number, char* text, size_t text_bytes) noexcept {
    return errno_pick(strerror_r(number, text, text_bytes), text);
  }
};

// Either a value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept : value_(std::move(value)) {}
  Result(const Status& status) noexcept : status_(status) {
    HR_ASSERT(!status.ok());  // A success without a value would be neither.
  }

  bool ok() const noexcept { return value_.has_value(); }
  const Status& status() const noexcept { return status_; }

  T& value() noexcept {
    HR_ASSERT(value_.has_value());
    return *value_;
  }
  const T& value() const noexcept {
    HR_ASSERT(value_.has_value());
    return *value_;
  }
  // Moves the value out; the result must not be read again.
  T take() noexcept {
    HR_ASSERT(value_.has_value());
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace hyperroute

// Returns the enclosing function's Status (or Result) early when the expression failed.
#define HR_TRY(expression)                                                                \
  do {                                                                                    \
    if (::hyperroute::Status hr_status = (expression); !hr_status.ok()) return hr_status; \
  } while (false)
