// Socket addresses: parsing, printing, what counts as loopback.
#include "io/address.h"

#include <gtest/gtest.h>

#include <string>

#include "io/socket_setup.h"

namespace hyperroute {
namespace {

std::string printed(const char* host, uint16_t port) {
  char text[kAddressTextBytes];
  Result<SocketAddress> address = SocketAddress::parse(host, port);
  return address.ok() ? address.value().print(text) : "";
}

TEST(SocketAddress, PrintsWhatItParsed) {
  EXPECT_EQ(printed("127.0.0.1", 9000), "127.0.0.1:9000");
  EXPECT_EQ(printed("::1", 65535), "[::1]:65535");
  EXPECT_EQ(printed("2001:db8:0:0::5", 0), "[2001:db8::5]:0");
  EXPECT_EQ(printed("fe80::1%lo", 7), "[fe80::1%lo]:7");
}

TEST(SocketAddress, RefusesWhatIsNoLiteralAndQuotesIt) {
  const std::string overlong(300, '1');
  for (const char* host : {"", "localhost", "1.2.3", "1.2.3.4.5", "256.0.0.1", "::g", "[::1]",
                           "fe80::1%nosuchinterface", " 127.0.0.1", overlong.c_str()}) {
    const Result<SocketAddress> address = SocketAddress::parse(host, 1);
    ASSERT_FALSE(address.ok()) << host;
    EXPECT_EQ(address.status().code, StatusCode::kAddressInvalid);
  }
  const Status status = SocketAddress::parse("localhost", 1).status();
  EXPECT_NE(std::string(status.context).find("\"localhost\""), std::string::npos);
}

TEST(SocketAddress, KnowsLoopbackFromOtherAddresses) {
  for (const char* host : {"127.0.0.1", "127.255.1.2", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(SocketAddress::parse(host, 1).take().is_loopback()) << host;
  }
  for (const char* host : {"0.0.0.0", "10.0.0.1", "::", "::ffff:10.0.0.1", "fe80::1"}) {
    EXPECT_FALSE(SocketAddress::parse(host, 1).take().is_loopback()) << host;
  }
  EXPECT_FALSE(SocketAddress().is_loopback());
}

TEST(SocketAddress, ComparesByFamilyHostPortAndInterface) {
  const auto parse = [](const char* host, uint16_t port) {
    return SocketAddress::parse(host, port).take();
  };
  EXPECT_EQ(parse("127.0.0.1", 5), parse("127.0.0.1", 5));
  EXPECT_FALSE(parse("127.0.0.1", 5) == parse("127.0.0.1", 6));
  EXPECT_FALSE(parse("127.0.0.1", 5) == parse("127.0.0.2", 5));
  EXPECT_FALSE(parse("127.0.0.1", 5) == parse("::ffff:127.0.0.1", 5));
  EXPECT_FALSE(parse("fe80::1%lo", 5) == parse("fe80::1", 5));
}

TEST(SocketSetup, BindsOnlyLoopbackUnlessExposed) {
  const SocketAddress any = SocketAddress::parse("0.0.0.0", 0).take();
  const Status status = check_bind_address(any, false);
  EXPECT_EQ(status.code, StatusCode::kConfig);
  EXPECT_STREQ(status.context, "host: expected a loopback address or exposed: true, got 0.0.0.0:0");
  EXPECT_TRUE(check_bind_address(any, true).ok());
  EXPECT_TRUE(check_bind_address(SocketAddress::parse("::1", 0).take(), false).ok());
  EXPECT_EQ(check_bind_address(SocketAddress(), true).code, StatusCode::kConfig);
}

TEST(SocketSetup, RefusesARemoteThatNothingCanBeSentTo) {
  const auto code = [](const char* host, uint16_t port) {
    return check_remote_address(SocketAddress::parse(host, port).take(), AF_INET).code;
  };
  EXPECT_EQ(code("127.0.0.1", 0), StatusCode::kConfig);
  EXPECT_EQ(code("0.0.0.0", 1), StatusCode::kConfig);
  EXPECT_EQ(code("::1", 1), StatusCode::kConfig);
  EXPECT_EQ(code("127.0.0.1", 1), StatusCode::kOk);
}

}  // namespace
}  // namespace hyperroute
