// Why sessions did not come to be: from what the core counts, and from the key log.
#include "io/raptor/attempt_counters.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "conformance/raptor_world.h"

namespace hyperroute {
namespace {

TEST(AttemptCounters, EachCountsWhatItsNameSaysAndNothingElse) {
  raptor::RaptorCounters ends;
  uint64_t bit = 1;
  for (uint64_t* counter :
       {&ends.bad_mac, &ends.bad_handshake, &ends.refused_key, &ends.refused_version,
        &ends.mode_mismatch, &ends.refused_busy, &ends.refused_shutdown, &ends.bad_cookie,
        &ends.half_open_full, &ends.handshakes_deferred, &ends.handshakes_expired, &ends.malformed,
        &ends.unknown_session, &ends.wrong_address, &ends.unconfirmed, &ends.not_listening}) {
    *counter = bit;
    bit *= 2;
  }
  const AttemptCounts counts = attempt_counts(ends, bit);
  EXPECT_EQ(counts.refused_wrong_key.value, 0x3u);
  EXPECT_EQ(counts.refused_not_allowed.value, 0x4u);
  EXPECT_EQ(counts.refused_version.value, 0x8u);
  EXPECT_EQ(counts.refused_insecure.value, 0x10u);
  EXPECT_EQ(counts.refused_busy.value, 0x20u);
  EXPECT_EQ(counts.refused_shutting_down.value, 0x40u);
  EXPECT_EQ(counts.refused_cookie.value, 0x80u);
  EXPECT_EQ(counts.refused_crowded.value, 0x300u);
  EXPECT_EQ(counts.unanswered.value, 0x400u);
  EXPECT_EQ(counts.stray_datagrams.value, 0xF800u);
  EXPECT_EQ(counts.key_log_lost.value, 0x10000u);
}

// A file that may not grow: the key log is at the limit, and everything else is far below it.
class FullDisk {
 public:
  FullDisk() {
    char name[] = "/tmp/hyperroute-full-disk-XXXXXX";
    folder_ = ::mkdtemp(name);
    std::ofstream(path()) << "";
    std::filesystem::permissions(path(), std::filesystem::perms(0600));
    std::filesystem::resize_file(path(), kFileBytesMax);
    before_ = std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &limit_), 0);
    const rlimit full{kFileBytesMax, limit_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  }
  ~FullDisk() {
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit_), 0);
    std::signal(SIGXFSZ, before_);
    std::filesystem::remove_all(folder_);
  }
  std::string path() const { return folder_ + "/keys.log"; }

 private:
  static constexpr uint64_t kFileBytesMax = uint64_t{1} << 32;
  std::string folder_;
  rlimit limit_{};
  void (*before_)(int) = nullptr;
};

TEST(AttemptCounters, LinesThatTheKeyLogLostAreShownOfTheEndpointWhoseSessionsGoOn) {
  const FullDisk disk;
  RaptorWorld<RaptorMode::kListen> world;
  BackendHarness<RaptorBackend> harness;
  harness.drive_peers = [&world] { world.drive(); };
  RaptorOptions options = world.options();
  options.key_log_path = disk.path();
  const Status status = harness.backend.open(options, harness.counters.pointers(), 0);
  ASSERT_TRUE(status.ok()) << status.context;
  auto peer = world.join(harness);
  ASSERT_TRUE(peer->send(text_of(1, 100)));
  EXPECT_TRUE(harness.run_until_received(1));
  harness.backend.close();
  // One for each direction.
  EXPECT_EQ(harness.counters.key_log_lost.load(), 2u);
}

}  // namespace
}  // namespace hyperroute
