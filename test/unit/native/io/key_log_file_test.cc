// The file of session keys: for its owner alone, appended to, shared by sockets.
#include "io/raptor/key_log_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "test/unit/native/io/raptor_nodes.h"

namespace hyperroute {
namespace {

class KeyLogFileTest : public ::testing::Test {
 protected:
  KeyLogFileTest() {
    char name[] = "/tmp/hyperroute-key-log-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~KeyLogFileTest() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/keys.log"; }
  std::vector<std::string> lines() const {
    std::ifstream file(path());
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  std::string folder_;
  KeyLogFile file_;
};

TEST_F(KeyLogFileTest, IsMadeForItsOwnerAloneAndAppendedTo) {
  for (const char* line : {"first", "second"}) {
    ASSERT_TRUE(file_.open(path().c_str()).ok());
    file_.log()->line(file_.log()->context, line);
    file_.close();
  }
  EXPECT_EQ(lines(), (std::vector<std::string>{"first", "second"}));
  struct stat found {};
  ASSERT_EQ(::stat(path().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0600u);
}

TEST_F(KeyLogFileTest, RefusesAFileThatOthersMayRead) {
  std::ofstream(path()) << "";
  ASSERT_EQ(::chmod(path().c_str(), 0640), 0);
  const Status status = file_.open(path().c_str());
  EXPECT_EQ(status.code, StatusCode::kPermission);
  EXPECT_NE(std::string(status.context).find("keyLog"), std::string::npos);
}

TEST_F(KeyLogFileTest, RefusesWhatIsNoFile) {
  EXPECT_FALSE(file_.open(folder_.c_str()).ok());
  EXPECT_FALSE(file_.open((folder_ + "/none/keys.log").c_str()).ok());
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_FALSE(file_.open(path().c_str()).ok());
  std::filesystem::remove(path());
  std::ofstream(folder_ + "/other") << "";
  std::filesystem::create_symlink(folder_ + "/other", path());
  EXPECT_EQ(file_.open(path().c_str()).code, StatusCode::kPermission);
  EXPECT_EQ(file_.open("/dev/null").code, StatusCode::kConfig);
}

TEST_F(KeyLogFileTest, RefusesAFileOfAnotherUser) {
  std::string other = "/etc/passwd";
  if (::geteuid() == 0) {
    other = path();
    std::ofstream(other) << "";
    ASSERT_EQ(::chmod(other.c_str(), 0600), 0);
    ASSERT_EQ(::chown(other.c_str(), 65534, 65534), 0);
  }
  EXPECT_EQ(file_.open(other.c_str()).code, StatusCode::kPermission);
}

TEST_F(KeyLogFileTest, CountsLinesThatTheDiskDoesNotTakeAndKeepsTheOthersWhole) {
  const auto log = [this](const char* line) { file_.log()->line(file_.log()->context, line); };
  ASSERT_TRUE(file_.open(path().c_str()).ok());
  log("whole");
  EXPECT_EQ(file_.lost_count(), 0u);
  const auto no_signal = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{8, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  log("cut short");
  log("not at all");
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, no_signal);
  EXPECT_EQ(file_.lost_count(), 2u);
  log("whole again");
  EXPECT_EQ(file_.lost_count(), 2u);
  EXPECT_EQ(lines(), (std::vector<std::string>{"whole", "cu", "whole again"}));
}

TEST_F(KeyLogFileTest, HasTheSameKeysFromBothEndsOfASession) {
  NodeWorld world;
  RaptorNodeOptions options = world.options(true);
  options.socket.key_log_path = path();
  TestNode& server = world.listen(options);
  options = world.options(false);
  options.socket.key_log_path = path();
  TestNode& client = world.connect(server, options);
  world.run_until([&] { return server.is_connected() && client.is_connected(); });
  std::vector<std::string> told = lines();
  // Each end tells of both directions.
  ASSERT_EQ(told.size(), 4u);
  std::ranges::sort(told);
  EXPECT_EQ(told[0], told[1]);
  EXPECT_EQ(told[2], told[3]);
  EXPECT_NE(told[1], told[2]);
  for (const std::string& line : told) EXPECT_TRUE(line.starts_with("RAPTOR_KEY ")) << line;
}

TEST_F(KeyLogFileTest, ASocketDoesNotOpenWithoutIt) {
  NodeWorld world;
  RaptorNodeOptions options = world.options(true);
  options.socket.key_log_path = folder_ + "/none/keys.log";
  RaptorNode node;
  EXPECT_EQ(node.open(monotonic_ns(), options).code, StatusCode::kSystem);
  EXPECT_FALSE(node.is_open());
}

}  // namespace
}  // namespace hyperroute
