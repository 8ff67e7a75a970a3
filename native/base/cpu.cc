// CPU affinity and thread attributes through the kernel. Set-up only.
#include "base/cpu.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace hyperroute {
namespace {

// "0-3,8": the form taskset and the kernel use, short enough for an error's context.
std::string cpu_list_text(const std::vector<uint32_t>& cpus) {
  std::string text;
  for (size_t index = 0; index < cpus.size();) {
    size_t last = index;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[index]);
    if (last > index) text += '-' + std::to_string(cpus[last]);
    index = last + 1;
  }
  return text;
}

std::vector<uint32_t> cpus_of(const cpu_set_t& set) {
  std::vector<uint32_t> cpus;
  for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

Status apply(const cpu_set_t& set, const char* what) {
  // 0 is the calling thread.
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return Status::success();
  return Status::system(StatusCode::kCpuUnavailable, errno, "setting the CPU affinity to %s", what);
}

}  // namespace

std::vector<uint32_t> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return {};
  return cpus_of(set);
}

std::vector<uint32_t> available_cpus() {
  cpu_set_t before;
  CPU_ZERO(&before);
  if (::sched_getaffinity(0, sizeof before, &before) != 0) return {};
  // Asked for every CPU, the kernel grants those that exist and the cpuset has; what it granted
  // is read back, and the thread's own set restored.
  cpu_set_t every;
  CPU_ZERO(&every);
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &every);
  if (::sched_setaffinity(0, sizeof every, &every) != 0) return cpus_of(before);
  std::vector<uint32_t> granted = allowed_cpus();
  HR_ASSERT(::sched_setaffinity(0, sizeof before, &before) == 0);
  return granted;
}

Status check_cpu(uint32_t cpu) {
  const std::vector<uint32_t> cpus = available_cpus();
  if (std::find(cpus.begin(), cpus.end(), cpu) != cpus.end()) return Status::success();
  return Status::error(StatusCode::kCpuUnavailable,
                       "CPU %u is not available to this process; it may run on CPUs %s", cpu,
                       cpu_list_text(cpus).c_str());
}

Status pin_to_cpu(uint32_t cpu) {
  HR_TRY(check_cpu(cpu));
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return apply(set, std::to_string(cpu).c_str());
}

Status set_allowed_cpus(const std::vector<uint32_t>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const uint32_t cpu : cpus) {
    if (cpu >= CPU_SETSIZE) {
      return Status::error(StatusCode::kCpuUnavailable, "CPU %u is beyond the %d supported", cpu,
                           CPU_SETSIZE);
    }
    CPU_SET(cpu, &set);
  }
  return apply(set, cpu_list_text(cpus).c_str());
}

uint32_t current_cpu() noexcept {
  const int cpu = ::sched_getcpu();
  return cpu < 0 ? 0 : static_cast<uint32_t>(cpu);
}

void set_thread_name(const char* name) noexcept {
  constexpr size_t kNameBytesMax = 15;
  char cut[kNameBytesMax + 1] = {};
  for (size_t index = 0; index < kNameBytesMax && name[index] != '\0'; ++index) {
    cut[index] = name[index];
  }
  // Fails only for names that are too long, which this one is not.
  static_cast<void>(::pthread_setname_np(::pthread_self(), cut));
}

Status set_timer_slack_ns(uint64_t slack_ns) {
  if (::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack_ns), 0ul, 0ul, 0ul) == 0) {
    return Status::success();
  }
  return Status::system(StatusCode::kSystem, errno, "setting the timer slack");
}

}  // namespace hyperroute
