#include "cri-runtime/image/image_config.h"

#include "tests/testing/matchers.h"

namespace trivet::image {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

std::string WithConfig(const std::string& config) {
  return R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]},)"
         R"("config":)" +
         config + "}";
}

TEST(ParseImageConfig, ReadsWhatAContainerNeeds) {
  const auto image = ParseImageConfig(WithConfig(
      R"({"Entrypoint":["/e"],"Cmd":["a","b\nc"],"Env":["A=1","B="],"WorkingDir":"/w","User":"7",
          "StopSignal":"SIGQUIT","Labels":{"k":"v"},"Volumes":{"/data":{}},
          "ExposedPorts":{"80/tcp":{},"53/udp":{}},"Unknown":1})"));

  ASSERT_THAT(image, IsOk());
  const Config& config = image->config;
  EXPECT_THAT(config.entrypoint, ElementsAre("/e"));
  EXPECT_THAT(config.cmd, ElementsAre("a", "b\nc"));
  EXPECT_THAT(config.env, ElementsAre("A=1", "B="));
  EXPECT_EQ(config.working_dir, "/w");
  EXPECT_EQ(config.user.uid, 7U);
  EXPECT_EQ(config.stop_signal, 3);
  EXPECT_THAT(config.labels, ElementsAre(Pair("k", "v")));
  EXPECT_THAT(config.volumes, ElementsAre("/data"));
  EXPECT_THAT(config.exposed_ports, ElementsAre("53/udp", "80/tcp"));
}

TEST(ParseImageConfig, TakesNullAndAbsentAsEmpty) {
  EXPECT_THAT(ParseImageConfig(WithConfig("null")), IsOk());
  EXPECT_THAT(ParseImageConfig(WithConfig(R"({"Cmd":null,"Volumes":null,"Labels":null})")), IsOk());
}

TEST(ParseImageConfig, TakesARelativePathFromTheContainersRoot) {
  const auto image = ParseImageConfig(WithConfig(R"({"WorkingDir":"w","Volumes":{"a/b":{}}})"));

  ASSERT_THAT(image, IsOk());
  EXPECT_EQ(image->config.working_dir, "/w");
  EXPECT_THAT(image->config.volumes, ElementsAre("/a/b"));
}

struct BadConfig {
  std::string name;
  std::string config;
  std::string words;
};
class ConfigIsRefused : public ::testing::TestWithParam<BadConfig> {};

TEST_P(ConfigIsRefused, NamingTheField) {
  EXPECT_THAT(ParseImageConfig(WithConfig(GetParam().config)),
              FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    ParseImageConfig, ConfigIsRefused,
    ::testing::Values(
        BadConfig{"NotAnObject", "[]", "config: not an object"},
        BadConfig{"CmdIsAString", R"({"Cmd":"x"})", "config: Cmd: unexpected"},
        BadConfig{"NulInCmd", R"({"Cmd":["a\u0000b"]})", "config: Cmd: 'a\\x00b' has a NUL"},
        BadConfig{"EnvWithoutEquals", R"({"Env":["PATH"]})", "Env: 'PATH' is not NAME=value"},
        BadConfig{"EnvWithoutName", R"({"Env":["=x"]})", "Env: '=x' is not NAME=value"},
        BadConfig{"EnvNameWithNewline", R"({"Env":["A\nB=x"]})", "control character in its name"},
        BadConfig{"LongEnv", R"({"Env":["A=)" + std::string(131072, 'x') + R"("]})",
                  "longer than 131071"},
        BadConfig{"RelativeWorkingDirWithDotDot", R"({"WorkingDir":"../w"})", "has a '..'"},
        BadConfig{"WorkingDirWithNewline", R"({"WorkingDir":"/w\n"})", "control character"},
        BadConfig{"WorkingDirWithDotDot", R"({"WorkingDir":"/w/../.."})", "has a '..'"},
        BadConfig{"VolumeWithDotDot", R"({"Volumes":{"/../../etc":{}}})",
                  "Volumes: '/../../etc' has a '..'"},  // CVE-2022-23648
        BadConfig{"EmptyVolume", R"({"Volumes":{"":{}}})", "Volumes: '' is no path"},
        BadConfig{"LargeUser", R"({"User":"4294967296"})", "User: '4294967296' is above"},
        BadConfig{"StopSignal", R"({"StopSignal":"SIGFOO"})", "StopSignal: 'SIGFOO'"},
        BadConfig{"LabelKeyWithEscape", R"({"Labels":{"a\u001b[2J":"x"}})", "control character"},
        BadConfig{"PortZero", R"({"ExposedPorts":{"0/tcp":{}}})", "no port from 1 to 65535"},
        BadConfig{"PortRange", R"({"ExposedPorts":{"65536":{}}})", "no port from 1 to 65535"},
        BadConfig{"Protocol", R"({"ExposedPorts":{"80/icmp":{}}})", "neither tcp, udp nor sctp"}),
    [](const auto& test) { return test.param.name; });

TEST(ParseImageConfig, RefusesADiffIdThatIsNoDigest) {
  EXPECT_THAT(ParseImageConfig(R"({"os":"linux","architecture":"amd64",
                  "rootfs":{"type":"layers","diff_ids":["../../etc"]}})"),
              FailsWith(Code::kInvalidArgument, "rootfs: diff_ids: digest '../../etc'"));
}

TEST(ParseImageConfig, RefusesWhatIsNotJsonOrTooDeep) {
  EXPECT_THAT(ParseImageConfig("{"), FailsWith(Code::kInvalidArgument, "parse error"));
  EXPECT_THAT(ParseImageConfig(std::string(100'000, '[') + std::string(100'000, ']')),
              FailsWith(Code::kInvalidArgument, "nested deeper"));
}

TEST(ParseImageConfig, RefusesMoreItemsThanAnyImageHas) {
  std::string items = R"("a")";
  for (int i = 0; i < 4096; ++i) items += R"(,"a")";

  EXPECT_THAT(ParseImageConfig(WithConfig(R"({"Cmd":[)" + items + "]}")),
              FailsWith(Code::kInvalidArgument, "Cmd: more than 4096 items"));
}

}  // namespace
}  // namespace trivet::image
