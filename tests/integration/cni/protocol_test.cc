// What every runtime relies on whatever the type: environment, error object, VERSION.
// Source: CNI spec 1.1.0, sections 2 and 5.
#include <elf.h>

#include <cstring>

#include "common/linux/file.h"
#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/directories.h"

namespace trivet::cni {
namespace {

class ProtocolTest : public PluginTest {};

TEST_F(ProtocolTest, VersionNeedsNoOtherVariableAndNoConfiguration) {
  const Variables none{{"CNI_CONTAINERID", ""}, {"CNI_NETNS", ""}, {"CNI_IFNAME", ""}};
  auto output = RunCommand(CommandFor("VERSION", {}, none));

  ASSERT_TRUE(output.has_value());
  EXPECT_EQ(output->exit_code, 0);
  const auto answer = json::Parse(output->out);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ((*answer)["supportedVersions"].back(), "1.1.0");
}

TEST_F(ProtocolTest, AnErrorIsAnObjectOnStandardOutputInTheVersionThatIsAsked) {
  json::Value conf = Conf();
  conf["cniVersion"] = "0.4.0";
  conf["bridge"] = "../br0";

  const Answer answer = Run("ADD", MakePod("c1"), conf);

  EXPECT_THAT(answer, IsRefused(7, "bridge"));
  EXPECT_EQ(answer.value["cniVersion"], "0.4.0");
  EXPECT_EQ(answer.err, "");
}

TEST(Program, NeedsNoLibraryAndNoLoader) {
  if (testing::ProgramsAreSanitized()) GTEST_SKIP() << "sanitizers want a dynamic program";
  const auto image = ReadFile(testing::BinDirectory() / "trivet-cni");
  ASSERT_TRUE(image.has_value());
  Elf64_Ehdr header{};
  ASSERT_GE(image->size(), sizeof header);
  std::memcpy(&header, image->data(), sizeof header);
  ASSERT_GE(image->size(), header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr));
  for (size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    std::memcpy(&segment, image->data() + header.e_phoff + i * sizeof segment, sizeof segment);
    EXPECT_NE(segment.p_type, PT_INTERP);
  }
}

struct Refused {
  const char* name;
  const char* verb;
  const char* variable;
  const char* value;
};

// The environment is the runtime's: a value that the spec does not allow is code 4, and nothing is
// made.
class EnvironmentTest : public PluginTest, public ::testing::WithParamInterface<Refused> {};

TEST_P(EnvironmentTest, AWrongValueIsRefusedWithCodeFour) {
  const auto& [name, verb, variable, value] = GetParam();

  EXPECT_THAT(Run(verb, MakePod("c1"), Conf(), {{variable, value}}), IsRefused(4, variable));

  ExpectNothingLeft("after a refusal");
}

INSTANTIATE_TEST_SUITE_P(
    Values, EnvironmentTest,
    ::testing::Values(Refused{"NoVerb", "", "CNI_COMMAND", ""},
                      Refused{"UnknownVerb", "ADD", "CNI_COMMAND", "add"},
                      Refused{"AddWithoutId", "ADD", "CNI_CONTAINERID", ""},
                      Refused{"DelWithoutId", "DEL", "CNI_CONTAINERID", ""},
                      Refused{"CheckWithoutId", "CHECK", "CNI_CONTAINERID", ""},
                      Refused{"IdThatClimbs", "ADD", "CNI_CONTAINERID", "../c1"},
                      Refused{"IdThatOpensWithADot", "DEL", "CNI_CONTAINERID", ".c1"},
                      Refused{"IdWithABlank", "ADD", "CNI_CONTAINERID", "c 1"},
                      Refused{"AddWithoutNetns", "ADD", "CNI_NETNS", ""},
                      Refused{"CheckWithoutNetns", "CHECK", "CNI_NETNS", ""},
                      Refused{"NetnsThatIsNowhere", "ADD", "CNI_NETNS", "/run/netns/nobody"},
                      Refused{"AddWithoutIfname", "ADD", "CNI_IFNAME", ""},
                      Refused{"DelWithoutIfname", "DEL", "CNI_IFNAME", ""},
                      Refused{"IfnameTooLong", "ADD", "CNI_IFNAME", "eth0123456789abc"},
                      Refused{"IfnameWithASlash", "ADD", "CNI_IFNAME", "eth/0"},
                      Refused{"IfnameWithAColon", "ADD", "CNI_IFNAME", "eth0:1"},
                      Refused{"IfnameOfTheFolder", "DEL", "CNI_IFNAME", ".."},
                      Refused{"ArgsWithoutValue", "ADD", "CNI_ARGS", "IP"},
                      Refused{"ArgsThatNobodyKnows", "ADD", "CNI_ARGS", "COLOUR=blue"}),
    [](const auto& test) { return test.param.name; });

TEST_F(ProtocolTest, ArgumentsThatNobodyKnowsAreIgnoredWhereTheRuntimeSaysSo) {
  EXPECT_THAT(Add(MakePod("c1"), Conf(), {{"CNI_ARGS", "COLOUR=blue;IgnoreUnknown=1"}}),
              Succeeds());
}

TEST_F(ProtocolTest, TheNodesOwnNamespaceIsRefusedWithCodeEight) {
  EXPECT_THAT(Run("ADD", {.id = "c1", .netns = "/proc/self/ns/net"}, Conf()),
              IsRefused(8, "own network namespace"));
}

TEST_F(ProtocolTest, AMebibyteOfInputIsReadAndMoreIsRefused) {
  const Pod pod = MakePod("c1");
  json::Value conf = Conf();
  conf["padding"] = std::string(size_t{1023} << 10, 'x');
  EXPECT_THAT(Add(pod, conf), Succeeds());
  conf["padding"] = std::string(size_t{1} << 20, 'x');

  EXPECT_THAT(Run("DEL", pod, conf), IsRefused(5, "larger than"));

  EXPECT_THAT(Del(pod, Conf()), Succeeds());
}

TEST_F(ProtocolTest, EveryTypeReadsAMebibyteOfInputAndRefusesMore) {
  const Pod pod = MakePod("c1");
  for (const char* type : {"bandwidth", "bridge", "firewall", "host-local", "loopback", "portmap",
                           "ptp", "static", "tuning"}) {
    json::Value conf = Conf();
    conf["type"] = type;
    conf["padding"] = std::string(size_t{1023} << 10, 'x');
    EXPECT_THAT(Run("DEL", pod, conf), Succeeds()) << type;
    conf["padding"] = std::string(size_t{1} << 20, 'x');
    EXPECT_THAT(Run("DEL", pod, conf), IsRefused(5, "larger than")) << type;
  }
}

TEST_F(ProtocolTest, AFailedAddMayBeRepeatedOnceItsCauseIsGone) {
  const Pod pod = MakePod("c1");
  Tell("/usr/sbin/ip", {"-n", pod.id, "link", "add", "eth0", "type", "veth", "peer", "name", "x"});
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_FALSE(Run("ADD", pod, Conf()).ok());
  }
  ExpectNothingLeft("after failures");
  Tell("/usr/sbin/ip", {"-n", pod.id, "link", "delete", "eth0"});

  EXPECT_THAT(Add(pod, Conf()), Succeeds());
}

}  // namespace
}  // namespace trivet::cni
