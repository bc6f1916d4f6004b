#include "cni/invocation.h"

#include <gtest/gtest.h>

#include <map>

#include "cni/error_code.h"
#include "common/base/json.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::cni {
namespace {

using testing::FailsWith;
using testing::IsOk;
using Variables = std::map<std::string, std::string>;

class InvokeTest : public ::testing::Test {
 protected:
  /// The answer, parsed. A success without text is null.
  json::Value Run(const Variables& variables, const std::string& input,
                  std::string_view program = "trivet-cni") {
    const Output output = Invoke(
        program,
        [&](const std::string& name) -> std::optional<std::string> {
          const auto found = variables.find(name);
          if (found == variables.end()) return std::nullopt;
          return found->second;
        },
        input);
    exit_status_ = output.exit_status;
    return output.text.empty() ? json::Value() : json::Value::parse(output.text);
  }
  static Variables For(const char* command) {
    return {{"CNI_COMMAND", command},
            {"CNI_CONTAINERID", "a"},
            {"CNI_IFNAME", "eth0"},
            {"CNI_NETNS", "/nowhere/netns"}};
  }
  std::string HostLocal(const char* version = "1.1.0") {
    return fmt::format(R"({{"cniVersion": "{}", "name": "net", "type": "host-local",
        "ipam": {{"type": "host-local", "subnet": "10.1.0.0/24", "dataDir": "{}"}}}})",
                       version, folder_.path().native());
  }

  const testing::TempDirectory folder_;
  int exit_status_ = 0;
};

TEST_F(InvokeTest, AnswersVersionWithoutAConfiguration) {
  const json::Value answer = Run({{"CNI_COMMAND", "VERSION"}}, "");

  EXPECT_EQ(exit_status_, 0);
  EXPECT_EQ(answer["cniVersion"], "1.1.0");
  EXPECT_EQ(answer["supportedVersions"], json::Value::parse(R"(["0.1.0", "0.2.0", "0.3.0", "0.3.1",
      "0.4.0", "1.0.0", "1.1.0"])"));
}

TEST_F(InvokeTest, AnswersInTheVersionThatWasAsked) {
  EXPECT_EQ(Run({{"CNI_COMMAND", "VERSION"}}, R"({"cniVersion": "0.4.0"})")["cniVersion"], "0.4.0");
  for (const char* version : {"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"}) {
    EXPECT_EQ(Run(For("ADD"), HostLocal(version))["cniVersion"], version);
    EXPECT_EQ(Run(For("DEL"), HostLocal(version)), json::Value());
  }
}

TEST_F(InvokeTest, RunsTheTypeOfItsNameBeforeTheOneOfTheConfiguration) {
  const std::string bridge = R"({"cniVersion": "1.1.0", "name": "net", "type": "bridge",
      "ipam": {"type": "host-local", "subnet": "10.1.0.0/24", "dataDir": ")" +
                             folder_.path().native() + "\"}}";

  const json::Value answer = Run(For("ADD"), bridge, "host-local");

  EXPECT_EQ(answer["ips"][0]["address"], "10.1.0.2/24");
  EXPECT_FALSE(answer.contains("interfaces"));
}

TEST_F(InvokeTest, LoopbackLeavesTheArgumentsToOthers) {
  Variables variables = For("DEL");
  variables["CNI_ARGS"] = "none";

  Run(variables, R"({"name": "lo", "cniVersion": "1.0.0"})", "loopback");
  EXPECT_EQ(exit_status_, 0);

  const json::Value answer = Run(variables, HostLocal(), "host-local");
  EXPECT_EQ(answer["code"], 4);
}

TEST_F(InvokeTest, ErrorObjectIsInTheVersionOfTheConfiguration) {
  const json::Value answer =
      Run(For("ADD"), R"({"cniVersion": "0.4.0", "name": "net", "type": "macvlan"})");

  EXPECT_EQ(exit_status_, 1);
  EXPECT_EQ(answer["cniVersion"], "0.4.0");
  EXPECT_EQ(answer["code"], 2);
  EXPECT_EQ(answer["msg"], "type: 'macvlan' is not built in");
}

struct Failing {
  const char* name;
  const char* command;
  std::string input;
  int code;
  const char* words;
};

class InvokeFails : public InvokeTest, public ::testing::WithParamInterface<Failing> {};

TEST_P(InvokeFails, WithTheSpecsCode) {
  const json::Value answer = Run(For(GetParam().command), GetParam().input);

  EXPECT_EQ(exit_status_, 1);
  EXPECT_EQ(answer["code"], GetParam().code);
  EXPECT_NE(answer["msg"].get<std::string>().find(GetParam().words), std::string::npos)
      << answer["msg"];
}

INSTANTIATE_TEST_SUITE_P(
    Cases, InvokeFails,
    ::testing::Values(
        Failing{"Command", "FLY", "{}", 4, "CNI_COMMAND"},
        Failing{"EmptyInput", "ADD", "", 6, "network configuration"},
        Failing{"NoJson", "ADD", "{\"name\":", 6, "network configuration"},
        Failing{"List", "ADD", "[]", 6, "not an object"},
        Failing{"DeepNesting", "ADD", std::string(200, '[') + std::string(200, ']'), 6, "deeper"},
        Failing{"TooLarge", "ADD", std::string((1 << 20) + 1, ' '), 5, "larger than"},
        Failing{"Version", "ADD", R"({"cniVersion": "2.0.0"})", 1, "cniVersion"},
        Failing{"CheckOf03", "CHECK", R"({"cniVersion": "0.3.1", "name": "n", "type": "bridge"})",
                1, "does not allow"},
        Failing{"GcOf10", "GC", R"({"cniVersion": "1.0.0", "name": "n", "type": "bridge"})", 1,
                "does not allow"},
        Failing{"StatusOf10", "STATUS", R"({"cniVersion": "1.0.0", "name": "n", "type": "bridge"})",
                1, "does not allow"},
        Failing{"Name", "ADD", R"({"cniVersion": "1.1.0", "name": "a/b", "type": "bridge"})", 7,
                "name"},
        Failing{"NoType", "DEL", R"({"cniVersion": "1.1.0", "name": "n"})", 2, "type: ''"},
        Failing{"UnsupportedType", "DEL",
                R"({"cniVersion": "1.1.0", "name": "n", "type": "macvlan"})", 2, "'macvlan'"},
        Failing{"NetnsGone", "ADD", R"({"cniVersion": "1.1.0", "name": "n", "type": "bridge"})", 4,
                "CNI_NETNS: /nowhere/netns"},
        Failing{"NetnsGoneAhead", "PREPARE",
                R"({"cniVersion": "1.1.0", "name": "n", "type": "bridge"})", 4,
                "CNI_NETNS: /nowhere/netns"},
        Failing{"NothingAhead", "PREPARE",
                R"({"cniVersion": "1.1.0", "name": "n", "type": "host-local",
                "ipam": {"type": "host-local", "subnet": "10.1.0.0/24"}})",
                2, "nothing of this type is made ahead"},
        Failing{
            "IpamWithoutType", "DEL",
            R"({"cniVersion": "1.1.0", "name": "n", "type": "bridge", "ipam": {"subnet": "x"}})", 7,
            "ipam: type: missing"}),
    [](const auto& test) { return test.param.name; });

TEST_F(InvokeTest, RefusesItsOwnNetworkNamespace) {
  for (const char* command : {"ADD", "PREPARE"}) {
    Variables variables = For(command);
    variables["CNI_NETNS"] = "/proc/self/ns/net";
    const std::string bridge = R"({"cniVersion": "1.1.0", "name": "n", "type": "bridge"})";
    EXPECT_EQ(Run(variables, bridge)["code"], 8) << command;
  }
}

TEST_F(InvokeTest, StatusOfAnExhaustedPoolIs50) {
  const std::string conf = fmt::format(R"({{"cniVersion": "1.1.0", "name": "net",
      "type": "host-local", "ipam": {{"type": "host-local", "subnet": "10.1.0.0/30",
      "dataDir": "{}"}}}})",
                                       folder_.path().native());
  ASSERT_TRUE(Run(For("ADD"), conf).contains("ips"));

  EXPECT_EQ(Run(For("STATUS"), conf)["code"], 50);
}

TEST(ErrorCodeOf, FollowsWhatARuntimeCanDo) {
  const auto code = [](Command command, Code failure) {
    return ErrorCodeOf(command, Error(failure, ""));
  };
  EXPECT_EQ(code(Command::kAdd, Code::kUnavailable), ErrorCode::kTryAgainLater);
  EXPECT_EQ(code(Command::kAdd, Code::kResourceExhausted), ErrorCode::kTryAgainLater);
  EXPECT_EQ(code(Command::kAdd, Code::kInvalidArgument), ErrorCode::kInvalidConfig);
  EXPECT_EQ(code(Command::kCheck, Code::kFailedPrecondition), ErrorCode::kCheckFailed);
  EXPECT_EQ(code(Command::kStatus, Code::kInternal), ErrorCode::kNotAvailable);
  EXPECT_EQ(ErrorCodeOf(Command::kAdd, Error::FromErrno(EINVAL, "x")), ErrorCode::kKernel);
}

TEST(CheckConfiguration, TakesAListWithOtherPeoplesPlugins) {
  EXPECT_THAT(CheckConfiguration(R"({"cniVersion": "1.1.0", "name": "n", "plugins": [
      {"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.0.0.0/8"}},
      {"type": "portmap"}]})"),
              IsOk());
}

TEST(CheckConfiguration, NamesThePluginAndTheKey) {
  EXPECT_THAT(CheckConfiguration(R"({"cniVersion": "1.1.0", "name": "n", "plugins": [
      {"type": "bridge", "ipam": {"type": "host-local"}}]})"),
              FailsWith(Code::kInvalidArgument, "plugins: bridge: ipam: no ranges"));
  EXPECT_THAT(CheckConfiguration(R"({"cniVersion": "1.1.0", "name": "n", "plugins": [
      {"type": "bridge", "mtu": "x"}]})"),
              FailsWith(Code::kInvalidArgument, "plugins: bridge: mtu"));
}

}  // namespace
}  // namespace trivet::cni
