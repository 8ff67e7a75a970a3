// A worker's life: start, commands, timers, idling, sleep. The messages are duty_cycle.cc's.
// Thread: control, or the worker itself, as marked in worker.h.
#include "engine/worker.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/clock.h"
#include "base/cpu.h"
#include "engine/recording_datapath.h"

namespace hyperroute {
namespace {

constexpr uint32_t kCommandRingBytes = 64u << 10;
constexpr uint64_t kProgressNsMax = 2'000'000;
constexpr uint64_t kHeldRetryNs = 200'000;
// Commands carried out in one cycle: control never starves the data path.
constexpr uint32_t kCommandsPerCycle = 16;

}  // namespace

Worker::Worker(uint32_t index, const WorkerOptions& options, Qsbr& qsbr,
               const std::atomic<Installed*>& installed)
    : options_(options),
      qsbr_(qsbr),
      installed_(installed),
      idle_(options.idle, options.spin_ns),
      random_(random_state(index)) {
  cycle_.worker = index;
  cycle_.sample_every = options.sample_every;
  cycle_.until_sample = options.sample_every;
}

Worker::~Worker() {
  stop();
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

Status Worker::open(const WorkerCounters& counters) {
  counters_ = counters;
  auto memory = MemoryRegion::anonymous(ring_bytes(kCommandRingBytes), Prefault::kYes);
  if (!memory.ok()) return memory.status();
  command_memory_ = memory.take();
  auto scratch = MemoryRegion::anonymous(kScratchBytes, Prefault::kYes);
  if (!scratch.ok()) return scratch.status();
  scratch_memory_ = scratch.take();
  auto ring = ring_init(command_memory_.data(), command_memory_.bytes(), kCommandRingBytes);
  if (!ring.ok()) return ring.status();
  command_producer_ = SpscProducer(ring.value());
  command_consumer_ = SpscConsumer(ring.value(), RingVisibility::kCommitWord);
  HR_TRY(parker_.open());
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return Status::system(StatusCode::kSystem, errno, "making an epoll set");
  return watch(parker_.fd());
}

Status Worker::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return Status::system(StatusCode::kSystem, errno, "watching a descriptor");
  }
  return Status::success();
}

Status Worker::start() {
  if (options_.cpu >= 0) HR_TRY(check_cpu(static_cast<uint32_t>(options_.cpu)));
  const int error = ::pthread_create(&thread_, nullptr, &Worker::thread_main, this);
  if (error != 0) return Status::system(StatusCode::kSystem, error, "starting a worker");
  running_ = true;
  return Status::success();
}

void Worker::stop() {
  if (!running_) return;
  // W3 release: control's writes happen before the thread ends; pairs with W4.
  stop_.store(true, std::memory_order_release);
  parker_.wake();
  ::pthread_join(thread_, nullptr);
  running_ = false;
}

uint64_t Worker::post(const Command& command) {
  uint8_t* room = command_producer_.claim(sizeof command);
  if (room == nullptr) return 0;
  std::memcpy(room, &command, sizeof command);
  command_producer_.commit();
  command_producer_.publish();
  parker_.wake_if_parked();
  // Without a thread the caller is the worker: nobody else would ever carry it out.
  const uint64_t number = ++commands_posted_;
  if (!running_) carry_out_commands();
  return number;
}

bool Worker::has_room() {
  if (command_producer_.claim(sizeof(Command)) == nullptr) return false;
  command_producer_.abort();
  return true;
}

void* Worker::thread_main(void* self) {
  static_cast<Worker*>(self)->run();
  return nullptr;
}

void Worker::run() {
  set_thread_name(options_.name.c_str());
  // The CPU was checked before the thread was made; if it went offline since, run unpinned.
  if (options_.cpu >= 0) (void)pin_to_cpu(static_cast<uint32_t>(options_.cpu));
  (void)set_timer_slack_ns(1);
  go_online();
  // W4 acquire: pairs with W3.
  while (!stop_.load(std::memory_order_acquire)) {
    if (do_work() > 0) {
      idle_.reset();
    } else {
      idle();
    }
    keep_random();
    // Q6 acquire: after the announcement; pairs with Q7 in Router::commit().
    if (qsbr_.quiescent(cycle_.worker)) use(installed_.load(std::memory_order_acquire));
  }
  go_offline();
}

uint32_t Worker::poll() {
  go_online();
  const uint32_t work_count = do_work();
  go_offline();
  return work_count;
}

// All endpoints together may have received more for this one than a burst, so one burst a cycle
// would let its queue grow for ever. It sends as much as they can have received, and no more, so
// that they have their turn again.
uint32_t Worker::transmit(EndpointPort& port) {
  uint32_t sent_count = 0;
  for (size_t bursts = ports_.size() + 1; bursts > 0; --bursts) {
    const uint32_t burst_count = port.transmit();
    sent_count += burst_count;
    if (burst_count == 0) break;
  }
  return sent_count;
}

uint32_t Worker::do_work() {
  cycle_.now_ns = monotonic_ns();
  cycle_.held = false;
  uint32_t work_count = carry_out_commands();
  if (cycle_.installed != nullptr) {
    if (!cycle_.view->correlations.empty()) sweep_correlations();
    for (EndpointPort* port : ports_) {
      work_count += port->receive(cycle_);
      // It may have read that its connection ended: what comes next is for somebody else.
      refresh_alive(*port);
    }
    if (!cycle_.view->correlations.empty()) publish_correlations();
  }
  for (EndpointPort* port : ports_) {
    work_count += transmit(*port);
    if (cycle_.installed != nullptr) refresh_alive(*port);
  }
  if (cycle_.now_ns >= progress_deadline_ns_) progress_ports();
  count(counters_.cycles);
  if (work_count > 0) count(counters_.busy);
  return work_count;
}

void Worker::go_online() {
  qsbr_.online(cycle_.worker);
  // Q6 seq_cst: not before the online word was stored; pairs with Q7 in Router::commit().
  use(installed_.load(std::memory_order_seq_cst));
}

void Worker::go_offline() {
  keep_random();
  cycle_.installed = nullptr;
  cycle_.view = nullptr;
  qsbr_.offline(cycle_.worker);
}

// Before the worker says that it has done with the image: it may be freed then.
void Worker::keep_random() {
  if (cycle_.view != nullptr) random_ = cycle_.view->step.random;
}

void Worker::use(Installed* installed) {
  cycle_.installed = installed;
  cycle_.view = installed == nullptr ? nullptr : &installed->views[cycle_.worker];
  if (installed == nullptr) return;
  cycle_.view->step.random = random_;
  refresh_alive();
}

// Tells every worker whether this one's endpoint can take messages.
void Worker::refresh_alive(const EndpointPort& port) {
  const Installed& installed = *cycle_.installed;
  const uint16_t endpoint = installed.source_of_slot[port.slot()];
  if (endpoint == kNoIndex || installed.slot_of_endpoint[endpoint] != port.slot()) return;
  // A change of it comes with a command that leads here.
  const uint8_t share = word(port.control().share);
  const uint8_t alive = port.is_live(kDefaultPeer) ? share : kDead;
  // Relaxed: a hint for picking a pool's member; no data depends on it.
  std::atomic_ref(installed.alive[endpoint]).store(alive, std::memory_order_relaxed);
}

void Worker::refresh_alive() {
  for (const EndpointPort* port : ports_) refresh_alive(*port);
}

// No more than its endpoints may have opened in a cycle, so that nothing waits for long and
// everything has its turn.
void Worker::sweep_correlations() {
  const auto count_max = static_cast<uint32_t>(kBurstCountMax * (ports_.size() + 1));
  for (const CorrelationUse& use : cycle_.view->correlations) {
    if (use.kept == nullptr) continue;
    const uint32_t closed_count = use.kept->table->sweep(cycle_.now_ns, count_max);
    if (closed_count > 0 && cycle_.notes != nullptr) {
      cycle_.notes->swept(use.kept->number, closed_count, cycle_.now_ns);
    }
  }
}

void Worker::publish_correlations() {
  for (const CorrelationUse& use : cycle_.view->correlations) {
    if (use.kept != nullptr) publish_counts(*use.kept, use.counters);
  }
}

void Worker::progress_ports() {
  uint64_t deadline_ns = UINT64_MAX;
  if (cycle_.installed != nullptr) {
    for (const CorrelationTable* table : cycle_.view->tables) {
      if (table != nullptr) deadline_ns = std::min(deadline_ns, table->deadline_ns());
    }
  }
  for (EndpointPort* port : ports_) {
    deadline_ns = std::min(deadline_ns, port->progress(cycle_.now_ns));
  }
  if (cycle_.installed != nullptr) refresh_alive();
  // While awake every port is asked at least this often; the sleep takes the real deadline.
  next_timer_ns_ = deadline_ns;
  progress_deadline_ns_ = std::min(deadline_ns, cycle_.now_ns + kProgressNsMax);
}

uint32_t Worker::carry_out_commands() {
  RingRecord record;
  uint32_t count = 0;
  while (count < kCommandsPerCycle && command_consumer_.next(record)) {
    Command command;
    std::memcpy(&command, record.data, sizeof command);
    command_consumer_.release(record.end_position);
    carry_out(command);
    ++count;
    // W2 release: pairs with W1. The load is relaxed: this thread is the only writer.
    commands_done_.store(commands_done_.load(std::memory_order_relaxed) + 1,
                         std::memory_order_release);
  }
  return count;
}

void Worker::carry_out(const Command& command) {
  progress_deadline_ns_ = 0;
  switch (command.kind) {
    case CommandKind::kAttach:
      attach(command.port);
      follow(*command.port, static_cast<const EndpointPort*>(command.argument));
      break;
    case CommandKind::kReconfigure:
      command.port->reconfigure(command.argument);
      break;
    case CommandKind::kStopAccepting:
      command.port->stop_accepting();
      break;
    case CommandKind::kStopReading:
      command.port->stop_reading();
      break;
    case CommandKind::kReport:
      break;
    case CommandKind::kDetach:
      return detach(command.port);
    case CommandKind::kRecord:
      cycle_.notes = static_cast<RecordingNotes*>(const_cast<void*>(command.argument));
      return;
  }
  // Whoever sees the command done must not read a report from before it.
  command.port->refresh_report();
}

void Worker::attach(EndpointPort* port) {
  ports_.push_back(port);
  if (const int fd = port->wait_fd(); fd >= 0) {
    // Only a lack of kernel memory makes this fail; then the port is polled while others wake us.
    (void)watch(fd);
  }
}

// Only a port that this worker has: what another one sends has no order with this, and one that
// was detached meanwhile may be freed at any moment. So it is looked for, not looked into.
void Worker::follow(EndpointPort& port, const EndpointPort* older) {
  if (std::find(ports_.begin(), ports_.end(), older) != ports_.end()) port.follow(*older);
}

void Worker::detach(EndpointPort* port) {
  const auto at = std::find(ports_.begin(), ports_.end(), port);
  if (at == ports_.end()) return;
  if (const int fd = port->wait_fd(); fd >= 0) {
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  }
  ports_.erase(at);
  for (EndpointPort* other : ports_) other->stop_following(*port);
  port->close();
}

void Worker::idle() {
  switch (idle_.next(cycle_.now_ns)) {
    case IdleStrategy::Action::kPause:
      cpu_pause();
      return;
    case IdleStrategy::Action::kYield:
      ::sched_yield();
      return;
    case IdleStrategy::Action::kSleep:
      return sleep(idle_.sleep_ns_max());
  }
}

void Worker::sleep(uint64_t sleep_ns_max) {
  progress_ports();
  uint64_t timeout_ns = next_timer_ns_ == UINT64_MAX     ? UINT64_MAX
                        : next_timer_ns_ > cycle_.now_ns ? next_timer_ns_ - cycle_.now_ns
                                                         : 0;
  timeout_ns = std::min(timeout_ns, sleep_ns_max);
  // Nobody tells a producer that its full destination has room again, so it looks itself.
  if (cycle_.held) timeout_ns = std::min(timeout_ns, kHeldRetryNs);
  if (timeout_ns == 0) return;
  parker_.prepare_park();
  if (nothing_to_do()) {
    count(counters_.sleeps);
    go_offline();
    block(timeout_ns);
    go_online();
  }
  parker_.unpark_self();
}

// After the parked word is set: whatever was published before it was seen shows here.
bool Worker::nothing_to_do() {
  // W4 acquire: pairs with W3; stop() wakes after it.
  if (stop_.load(std::memory_order_acquire)) return false;
  if (command_consumer_.has_records_after_park()) return false;
  return std::all_of(ports_.begin(), ports_.end(),
                     [](EndpointPort* port) { return port->prepare_wait(); });
}

void Worker::block(uint64_t timeout_ns) {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  constexpr uint64_t kNsPerMs = 1'000'000;
  epoll_event events[8];
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(timeout_ns / kNsPerSecond);
  timeout.tv_nsec = static_cast<long>(timeout_ns % kNsPerSecond);
  const bool forever = timeout_ns == UINT64_MAX;
  if (forever) {
    (void)::epoll_wait(epoll_fd_, events, 8, -1);
    return;
  }
  // By number: glibc has the wrapper only since 2.35, newer than the package's floor. Not a
  // socket call of the data path, so nothing has to intercept it.
  const long result =
      ::syscall(SYS_epoll_pwait2, epoll_fd_, events, 8, &timeout, nullptr, size_t{0});
  if (result < 0 && errno == ENOSYS) {
    const uint64_t timeout_ms = (timeout_ns + kNsPerMs - 1) / kNsPerMs;
    (void)::epoll_wait(epoll_fd_, events, 8,
                       static_cast<int>(std::min<uint64_t>(timeout_ms, INT_MAX)));
  }
}

}  // namespace hyperroute
