// Assertions: HR_ASSERT always on (control plane, set-up), HR_DASSERT in debug, simulation and
// fuzz builds only (data path). They catch mistakes of this program; bad input from a network or
// from a configuration is never an assertion, it has a code.
// Thread: any.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace hyperroute {

// Out of line and cold, so that an assertion costs its caller one compare and one jump.
[[noreturn, gnu::cold, gnu::noinline]] inline void assert_failed(const char* file, int line,
                                                                 const char* text) noexcept {
  std::fprintf(stderr, "hyperroute: %s:%d: assertion failed: %s\n", file, line, text);
  std::abort();
}

}  // namespace hyperroute

#define HR_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::hyperroute::assert_failed(__FILE__, __LINE__, #condition))

#ifdef HR_DEBUG_ASSERTS
#define HR_DASSERT(condition) HR_ASSERT(condition)
#else
// Not evaluated, yet still compiled: a stale expression is an error and its names count as used.
#define HR_DASSERT(condition) static_cast<void>(sizeof((condition) ? 1 : 0))
#endif
