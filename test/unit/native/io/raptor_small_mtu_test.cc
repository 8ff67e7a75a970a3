// What the kernel refuses to send because an interface carries no such datagrams: on real sockets,
// over the loopback interface of a network namespace that each test makes in a child process.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "test/unit/native/io/raptor_nodes.h"

namespace hyperroute {
namespace {

constexpr int kLargeMtu = 65'536;
// Room for 1,252 bytes of UDP payload: more than every path carries, less than the next size up.
constexpr int kSmallMtu = 1'280;
constexpr uint64_t kEveryPathBytes = raptor::kDatagramBytesMin;

bool set_loopback(int mtu) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_mtu = mtu;
  if (::ioctl(socket.get(), SIOCSIFMTU, &request) != 0) return false;
  request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

// The calling process alone goes there.
void enter_namespace(int mtu) {
  const bool is_there =
      ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
  ASSERT_TRUE(is_there) << "no network namespace is to be had: " << std::strerror(errno);
  ASSERT_TRUE(set_loopback(mtu)) << std::strerror(errno);
}

[[noreturn]] void leave() {
  std::fflush(nullptr);
  std::_Exit(testing::Test::HasFailure() ? 1 : 0);
}

class RaptorSmallMtu : public ::testing::TestWithParam<bool> {
 protected:
  void connect() {
    RaptorNodeOptions options = world_.options(true);
    options.socket.uses_offload = GetParam();
    server_ = &world_.listen(options);
    options = world_.options(false);
    options.socket.uses_offload = GetParam();
    client_ = &world_.connect(*server_, options);
    server_->subscribe(1);
    publication_ = client_->publish(1);
    world_.run_until([&] { return client_->is_connected() && server_->is_connected(); });
  }
  raptor::SessionCounters counters() {
    RaptorSessionInfo info;
    EXPECT_EQ(client_->node.sessions({&info, 1}), 1u);
    return info.counters;
  }
  // Messages that fill several datagrams, of whatever size they are.
  void send(uint32_t message_count) {
    for (uint32_t count = 0; count < message_count; ++count) {
      sent_.push_back(std::string(20'000, static_cast<char>('a' + sent_.size() % 26)));
      world_.run_until([&] { return client_->offer(publication_, sent_.back()) > 0; });
    }
  }
  void expect_all() {
    world_.run_until([&] { return server_->got(1).size() == sent_.size(); });
    EXPECT_EQ(server_->got(1), sent_);
  }

  // What follows happens in the child.
  void run_with_an_interface_that_shrinks() {
    enter_namespace(kLargeMtu);
    connect();
    world_.run_until([&] { return counters().mtu_bytes > kSmallMtu; });
    send(3);
    expect_all();
    ASSERT_TRUE(set_loopback(kSmallMtu));
    ASSERT_GT(counters().mtu_bytes, uint64_t{kSmallMtu});
    const uint64_t refused_before = client_->node.socket_counters().tx_refused;
    send(1);
    // Heard from the kernel, before anything could be missed.
    EXPECT_EQ(counters().mtu_bytes, kEveryPathBytes);
    EXPECT_GT(client_->node.socket_counters().tx_refused, refused_before);
    send(3);
    expect_all();
    EXPECT_EQ(counters().mtu_black_holes, 0u);
    EXPECT_EQ(client_->node.socket_counters().io_errors, 0u);
  }
  void run_with_an_interface_that_is_small() {
    enter_namespace(kSmallMtu);
    connect();
    // The first probe asks for more than it carries.
    world_.run_until([&] { return client_->node.socket_counters().tx_refused > 0; });
    send(3);
    expect_all();
    EXPECT_EQ(counters().mtu_bytes, kEveryPathBytes);
    EXPECT_EQ(client_->node.socket_counters().io_errors, 0u);
  }

  NodeWorld world_;
  TestNode* server_ = nullptr;
  TestNode* client_ = nullptr;
  uint32_t publication_ = 0;
  std::vector<std::string> sent_;
};

TEST_P(RaptorSmallMtu, ASessionFallsToTheSmallerSizeAtOnceAndLosesNothing) {
  const auto child = [this] {
    run_with_an_interface_that_shrinks();
    leave();
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

TEST_P(RaptorSmallMtu, ASessionGetsByWithWhatTheInterfaceCarriesFromTheStart) {
  const auto child = [this] {
    run_with_an_interface_that_is_small();
    leave();
  };
  EXPECT_EXIT(child(), testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(Offload, RaptorSmallMtu, testing::Bool(), [](const auto& info) {
  return info.param ? "BatchesOfTheKernel" : "EachByItself";
});

}  // namespace
}  // namespace hyperroute
