// The executable's own words, and the service manager's.

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "tests/integration/netpolicy/policy_test.h"
#include "tests/testing/matchers.h"

namespace trivet::netpolicy {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class CommandLine : public PolicyTest {};

TEST_F(CommandLine, SaysItsVersionAndItsFlags) {
  EXPECT_EQ(RunAgent({"--version"}).out, "trivet-netpolicy 0.1.0\n");
  const std::string help = RunAgent({"--help"}).out;
  for (const char* flag : {"--manifests", "--socket", "--state-dir", "--config", "--node-range",
                           "--check-config", "--flush", "--explain"}) {
    EXPECT_THAT(help, HasSubstr(flag));
  }
}

TEST_F(CommandLine, ChecksConfigurationAndManifestsAndTouchesNothing) {
  WritePolicy("only-client", kOnlyClient);
  const RunOutput good = RunAgent({"--check-config"});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_THAT(good.out, StartsWith("configuration is valid: 1 network policies"));
  EXPECT_FALSE(std::filesystem::exists(state_));
  EXPECT_EQ(Table(), "");

  WritePolicy("bad", "{podSelector: {}, ingress: [{ports: [{port: 70000}]}]}");
  const RunOutput bad = RunAgent({"--check-config"});
  EXPECT_NE(bad.exit_code, 0);
  EXPECT_THAT(bad.err,
              HasSubstr("bad.yaml:1: NetworkPolicy: spec: ingress[0]: ports[0]: port: 70000"));
}

struct Bad {
  const char* name;
  const char* config;
  const char* says;
};

class BadConfig : public PolicyTest, public ::testing::WithParamInterface<Bad> {};

TEST_P(BadConfig, IsRefusedWithTheKeysName) {
  std::ofstream(root_ / "c.json") << GetParam().config;
  const RunOutput output = RunAgent({"--check-config", "--config", root_ / "c.json"});
  EXPECT_NE(output.exit_code, 0);
  EXPECT_THAT(output.err, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Files, BadConfig,
    ::testing::Values(Bad{"NoJson", "{", "configuration: /run/netpolicy-test/c.json: parse error"},
                      Bad{"UnknownKey", R"({"manifest": []})", "manifest: unknown key"},
                      Bad{"ManifestsAreAText", R"({"manifests": "/x"})", "manifests: unexpected"},
                      Bad{"ManifestsAreRelative", R"({"manifests": ["x"]})",
                          "manifests: 'x' is not an absolute path"},
                      Bad{"SocketIsRelative", R"({"socket": "x"})",
                          "socket: 'x' is not an absolute path"},
                      Bad{"RangeIsNone", R"({"nodeRanges": ["10.0.0.0"]})",
                          "nodeRanges: '10.0.0.0' is not a CIDR"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(CommandLine, RefusesAConfigurationThatIsNamedAndAbsent) {
  EXPECT_THAT(RunAgent({"--config", "/run/absent.json"}).err, HasSubstr("/run/absent.json"));
}

TEST_F(CommandLine, RefusesAFolderOfManifestsThatIsAbsent) {
  EXPECT_THAT(RunAgent({"--manifests", "/run/absent"}).err, HasSubstr("/run/absent"));
}

TEST_F(CommandLine, ExplainsAVerdictOfTheRunningAgent) {
  WritePolicy("only-client", kOnlyClient);
  StartAgent();
  AddPod("server");
  AddPod("stranger");
  const RunOutput output = RunAgent({"--explain", "shop/stranger", "shop/server", "80"});
  EXPECT_EQ(output.exit_code, 0) << output.err;
  EXPECT_THAT(output.out, HasSubstr("80/TCP: DENIED"));
  EXPECT_THAT(output.out, HasSubstr("shop/only-client ingress[0]: the peer does not match"));
}

TEST_F(CommandLine, TellsTheServiceManagerWhenItServes) {
  const std::filesystem::path path = root_ / "notify";
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  StartAgent();
  ::unsetenv("NOTIFY_SOCKET");
  ASSERT_TRUE(IsReadable(socket, std::chrono::seconds(10)));
  std::array<char, 64> text{};
  ASSERT_GT(::recv(socket.get(), text.data(), text.size() - 1, 0), 0);
  EXPECT_STREQ(text.data(), "READY=1");
}

}  // namespace
}  // namespace trivet::netpolicy
