// Status, Result and the assertions of base/.
#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

namespace hyperroute {
namespace {

TEST(Status, AnErrorCarriesItsCodeAndContext) {
  const Status status = Status::error(StatusCode::kConfig, "%s of %d", "a width", 9);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code, StatusCode::kConfig);
  EXPECT_STREQ(status.context, "a width of 9");
  EXPECT_TRUE(Status::success().ok());
}

TEST(Status, ASystemErrorNamesTheErrno) {
  const Status status = Status::system(StatusCode::kSystem, ENOENT, "opening %s", "/nowhere");
  EXPECT_EQ(status.system_errno, ENOENT);
  EXPECT_EQ(std::string(status.context), "opening /nowhere: No such file or directory");
}

TEST(Status, ALongContextIsCutAndStaysTerminated) {
  const std::string text(1000, 'x');
  const Status plain = Status::error(StatusCode::kConfig, "%s", text.c_str());
  EXPECT_EQ(std::string(plain.context), std::string(kStatusContextBytes - 1, 'x'));
  const Status system = Status::system(StatusCode::kSystem, EPERM, "%s", text.c_str());
  EXPECT_EQ(std::string(system.context), std::string(kStatusContextBytes - 1, 'x'));
}

Status fail_if(bool wanted) {
  return wanted ? Status::error(StatusCode::kLimit, "wanted") : Status::success();
}

Result<int> seven_unless(bool fails) {
  HR_TRY(fail_if(fails));
  return 7;
}

TEST(Status, TryReturnsTheErrorAndPassesASuccess) {
  EXPECT_EQ(seven_unless(false).value(), 7);
  const Result<int> failed = seven_unless(true);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.status().code, StatusCode::kLimit);
}

TEST(Status, AResultHandsOutAMoveOnlyValue) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> taken = result.take();
  EXPECT_EQ(*taken, 5);
}

TEST(StatusDeathTest, AnAssertionNamesItsPlaceAndCondition) {
  const int two = 2;
  EXPECT_DEATH(HR_ASSERT(two == 3), "status_test.cc:[0-9]+: assertion failed: two == 3");
}

TEST(StatusDeathTest, TheValueOfAFailedResultIsNotReadable) {
  Result<int> failed = Status::error(StatusCode::kConfig, "no");
  EXPECT_DEATH(static_cast<void>(failed.value()), "assertion failed");
}

}  // namespace
}  // namespace hyperroute
