#include "cni/environment.h"

#include <gtest/gtest.h>

#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::IsOk;
using Variables = std::map<std::string, std::string>;

Variables AddVariables() {
  return {{"CNI_COMMAND", "ADD"},
          {"CNI_CONTAINERID", "pod-1"},
          {"CNI_NETNS", "/run/netns/pod-1"},
          {"CNI_IFNAME", "eth0"},
          {"CNI_PATH", "/opt/cni/bin:/usr/lib/cni"},
          {"CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=shop;OTHER=x"}};
}

Result<Environment> Parse(const Variables& variables) {
  return ParseEnvironment([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

TEST(ParseEnvironment, ReadsWhatAddNeeds) {
  const auto environment = Parse(AddVariables());

  ASSERT_THAT(environment, IsOk());
  EXPECT_EQ(environment->command, Command::kAdd);
  EXPECT_EQ(environment->container_id, "pod-1");
  EXPECT_EQ(environment->netns, "/run/netns/pod-1");
  EXPECT_EQ(environment->ifname, "eth0");
  EXPECT_THAT(environment->plugin_path, ElementsAre("/opt/cni/bin", "/usr/lib/cni"));
  EXPECT_EQ(environment->Arg("K8S_POD_NAME"), "shop");
  EXPECT_EQ(environment->Arg("K8S_POD_UID"), "");
}

TEST(ParseEnvironment, VersionStatusAndGcNeedNoContainer) {
  for (const char* command : {"VERSION", "STATUS", "GC"}) {
    EXPECT_THAT(Parse({{"CNI_COMMAND", command}}), IsOk()) << command;
  }
}

TEST(ParseEnvironment, DelNeedsNoNetns) {
  Variables variables = AddVariables();
  variables["CNI_COMMAND"] = "DEL";
  variables.erase("CNI_NETNS");

  EXPECT_THAT(Parse(variables), IsOk());
}

// It is no command of the specification: what it needs is an ADD's.
TEST(ParseEnvironment, PrepareNeedsWhatAddNeeds) {
  Variables variables = AddVariables();
  variables["CNI_COMMAND"] = "PREPARE";
  variables.erase("CNI_ARGS");
  const auto environment = Parse(variables);
  ASSERT_THAT(environment, IsOk());
  EXPECT_EQ(environment->command, Command::kPrepare);
  for (const char* needed : {"CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"}) {
    Variables lacking = variables;
    lacking.erase(needed);
    EXPECT_THAT(Parse(lacking), FailsWith(Code::kInvalidArgument, needed));
  }
}

struct BadVariable {
  const char* name;
  std::string variable;
  std::string value;
};

class ParseEnvironmentRefuses : public ::testing::TestWithParam<BadVariable> {};

TEST_P(ParseEnvironmentRefuses, AndNamesTheVariable) {
  Variables variables = AddVariables();
  variables[GetParam().variable] = GetParam().value;

  EXPECT_THAT(Parse(variables), FailsWith(Code::kInvalidArgument, GetParam().variable));
}

INSTANTIATE_TEST_SUITE_P(
    Values, ParseEnvironmentRefuses,
    ::testing::Values(BadVariable{"UnknownCommand", "CNI_COMMAND", "add"},
                      BadVariable{"EmptyCommand", "CNI_COMMAND", ""},
                      BadVariable{"EmptyContainer", "CNI_CONTAINERID", ""},
                      BadVariable{"ContainerWithSlash", "CNI_CONTAINERID", "a/../b"},
                      BadVariable{"ContainerOfDots", "CNI_CONTAINERID", ".."},
                      BadVariable{"ContainerWithDashInFront", "CNI_CONTAINERID", "-rf"},
                      BadVariable{"ContainerWithSpace", "CNI_CONTAINERID", "a b"},
                      BadVariable{"ContainerWithLineFeed", "CNI_CONTAINERID", "a\nb"},
                      BadVariable{"ContainerTooLong", "CNI_CONTAINERID", std::string(256, 'a')},
                      BadVariable{"EmptyInterface", "CNI_IFNAME", ""},
                      BadVariable{"InterfaceTooLong", "CNI_IFNAME", "sixteen-bytes-xx"},
                      BadVariable{"InterfaceWithSlash", "CNI_IFNAME", "a/b"},
                      BadVariable{"InterfaceWithColon", "CNI_IFNAME", "eth0:1"},
                      BadVariable{"InterfaceWithSpace", "CNI_IFNAME", "eth 0"},
                      BadVariable{"InterfaceWithPercent", "CNI_IFNAME", "eth%d"},
                      BadVariable{"InterfaceWithControl", "CNI_IFNAME", "eth\x01"},
                      BadVariable{"InterfaceWithHighByte", "CNI_IFNAME", "eth\xff"},
                      BadVariable{"InterfaceIsDot", "CNI_IFNAME", "."},
                      BadVariable{"InterfaceIsDots", "CNI_IFNAME", ".."},
                      BadVariable{"EmptyNetns", "CNI_NETNS", ""},
                      BadVariable{"ArgsWithoutEquals", "CNI_ARGS", "IgnoreUnknown=1;K8S"},
                      BadVariable{"ArgsWithoutKey", "CNI_ARGS", "=x"},
                      BadVariable{"ArgsWithTwoEquals", "CNI_ARGS", "IP=1=2"},
                      BadVariable{"ArgsUnknownKey", "CNI_ARGS", "COLOUR=red"},
                      BadVariable{"ArgsUnknownKeyNotIgnored", "CNI_ARGS",
                                  "IgnoreUnknown=0;COLOUR=red"},
                      BadVariable{"ArgsTooLong", "CNI_ARGS", "IP=" + std::string(70000, '1')}),
    [](const auto& test) { return test.param.name; });

TEST(ParseCniArgs, TakesTheKeysOfKubernetesWithoutIgnoreUnknown) {
  const auto args = ParseCniArgs("K8S_POD_UID=1;IP=10.0.0.4;MAC=0a:00:00:00:00:01;");

  ASSERT_THAT(args, IsOk());
  EXPECT_EQ(args->at("IP"), "10.0.0.4");
}

TEST(CheckInterfaceName, TakesFifteenBytes) {
  EXPECT_THAT(CheckInterfaceName("fifteen-bytes-x"), IsOk());
}

}  // namespace
}  // namespace trivet::cni
