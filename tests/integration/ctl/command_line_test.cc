// The executable's own words: flags, and failures before anything is asked of the node.

#include "common/base/json.h"
#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::ctl {
namespace {

using ::testing::HasSubstr;
using trivet::testing::BinDirectory;
using trivet::testing::TempDirectory;

RunOutput RunCtl(const std::vector<std::string>& args) {
  return RunCommand({.program = BinDirectory() / "trivetctl", .args = args})
      .value_or(RunOutput{.exit_code = -1});
}

TEST(CommandLine, SaysItsVersionAndItsCommands) {
  EXPECT_EQ(RunCtl({"--version"}).out, "trivetctl 0.1.0\n");
  const RunOutput help = RunCtl({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* word : {"run", "delete", "ps", "logs", "exec", "image", "doctor", "debug",
                           "--cri-socket", "--csi-socket", "--state-dir", "--manifests"}) {
    EXPECT_THAT(help.out, HasSubstr(word));
  }
}

TEST(CommandLine, DumpsWhatItCanWithoutARuntime) {
  const TempDirectory folder;
  const std::string file = (folder / "dump.json").native();
  const RunOutput output =
      RunCtl({"--cri-socket", "/nonexistent/cri.sock", "debug", "dump", "-f", file});
  EXPECT_EQ(output.exit_code, 0) << output.err;
  const auto dump = json::Parse(ReadFile(file).value_or(""));
  ASSERT_TRUE(dump.has_value());
  EXPECT_THAT((*dump)["errors"][0].get<std::string>(), HasSubstr("/nonexistent/cri.sock"));
  EXPECT_FALSE((*dump)["kernel"]["release"].get<std::string>().empty());
}

struct Bad {
  const char* name;
  std::vector<std::string> args;
  const char* says;
};
void PrintTo(const Bad& bad, std::ostream* out) {
  *out << bad.name;
}

class BadCommandLine : public ::testing::TestWithParam<Bad> {};

TEST_P(BadCommandLine, EndsWithAnErrorThatNamesIt) {
  const RunOutput output = RunCtl(GetParam().args);
  EXPECT_NE(output.exit_code, 0);
  EXPECT_THAT(output.err + output.out, HasSubstr(GetParam().says));
}

const std::string kNobody = "/nonexistent/cri.sock";

INSTANTIATE_TEST_SUITE_P(
    Of, BadCommandLine,
    ::testing::Values(
        Bad{"Nothing", {}, "a command is required"},
        Bad{"UnknownFlag", {"--cri-sokcet", "/x", "ps"}, "--cri-sokcet"},
        Bad{"UnknownCommand", {"play"}, "play"},
        Bad{"ImageWithoutCommand", {"image"}, "a command is required"},
        Bad{"RunOfNothing", {"run"}, "--filename is required"},
        Bad{"RunOfAbsentFile",
            {"run", "-f", "/nonexistent/pod.yaml"},
            "trivetctl: manifest: open /nonexistent/pod.yaml: No such file or directory"},
        Bad{"OutputOfYaml", {"ps", "-o", "yaml"}, "yaml not in {text,json}"},
        Bad{"PsWithoutRuntime", {"--cri-socket", kNobody, "ps"}, kNobody.c_str()},
        Bad{"LogsWithoutRuntime", {"--cri-socket", kNobody, "logs", "n/p"}, kNobody.c_str()},
        Bad{"ExecWithoutCommand", {"exec", "n/p", "--"}, "exec: a command is required"},
        Bad{"ImportOfNothing",
            {"image", "import", "oci:/nonexistent/layout"},
            "import /nonexistent/layout: No such file or directory"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(CommandLine, TakesFoldersAndSocketsFromTheEnvironment) {
  const auto output = RunCommand({.program = BinDirectory() / "trivetctl",
                                  .args = {"ps"},
                                  .environment = {{"TRIVET_CRI_SOCKET=" + kNobody}}});
  ASSERT_TRUE(output.has_value());
  EXPECT_EQ(output->exit_code, 1);
  EXPECT_THAT(output->err, HasSubstr(kNobody));
}

TEST(CommandLine, NamesFileLineAndFieldOfABadManifestAndMakesNothing) {
  const TempDirectory folder;
  folder.Fill(
      {{"m/pod.yaml", "\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {nodes: 1}\n"}});
  const RunOutput output = RunCtl({"--cri-socket", kNobody, "--state-dir", folder / "state",
                                   "--manifests", folder / "shown", "run", "-f", folder / "m"});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.err, HasSubstr("pod.yaml:2: spec"));
  EXPECT_FALSE(std::filesystem::exists(folder / "state"));
  EXPECT_FALSE(std::filesystem::exists(folder / "shown"));
}

}  // namespace
}  // namespace trivet::ctl
