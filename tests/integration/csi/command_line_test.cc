// The executable's own words: flags, configuration, and failures before it serves.

#include <gtest/gtest.h>

#include <cstdlib>

#include "common/linux/command.h"
#include "tests/testing/temp_directory.h"

namespace trivet::csi {
namespace {

RunOutput RunDriver(const std::vector<std::string>& args) {
  return RunCommand({.program = std::filesystem::path(std::getenv("TRIVET_BIN_DIR")) / "trivet-csi",
                     .args = args})
      .value_or(RunOutput{.exit_code = -1});
}

TEST(CommandLine, SaysItsVersionAndItsFlags) {
  EXPECT_EQ(RunDriver({"--version"}).out, "trivet-csi 0.1.0\n");
  const RunOutput help = RunDriver({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* flag : {"--socket", "--state-dir", "--config", "--node-id", "--mode"}) {
    EXPECT_NE(help.out.find(flag), std::string::npos) << flag;
  }
}

TEST(CommandLine, ChecksAConfigurationAndTouchesNothing) {
  const testing::TempDirectory folder;
  folder.Fill(
      {{"csi.json", R"({"pools": [{"name": "a", "type": "file", "path": "/nonexistent/pool"}]})"}});

  const RunOutput output = RunDriver({"--check-config", "--node-id", "n", "--config",
                                      folder / "csi.json", "--state-dir", folder / "state"});

  EXPECT_EQ(output.exit_code, 0) << output.err;
  EXPECT_EQ(output.out,
            "pool a: file: images in /nonexistent/pool\nconfiguration is valid: 1 pool(s)\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "state"));
  EXPECT_FALSE(std::filesystem::exists("/nonexistent"));
}

struct Bad {
  const char* name;
  std::vector<std::string> args;
  const char* says;
};

class BadCommandLine : public ::testing::TestWithParam<Bad> {};

TEST_P(BadCommandLine, EndsWithAnErrorThatNamesIt) {
  const RunOutput output = RunDriver(GetParam().args);
  EXPECT_NE(output.exit_code, 0);
  EXPECT_NE((output.err + output.out).find(GetParam().says), std::string::npos)
      << output.err << output.out;
}

INSTANTIATE_TEST_SUITE_P(
    Flags, BadCommandLine,
    ::testing::Values(
        Bad{"UnknownFlag", {"--sokcet", "/x"}, "--sokcet"},
        Bad{"UnknownMode", {"--mode", "both"}, "both"},
        Bad{"NodeIdOfALabelNobodyTakes", {"--check-config", "--node-id", "a b"}, "node id \"a b\""},
        Bad{"NoSuchConfiguration",
            {"--check-config", "--node-id", "n", "--config", "/nonexistent/c.json"},
            "/nonexistent/c.json: does not exist"},
        Bad{"ConfigurationThatIsAFolder",
            {"--check-config", "--node-id", "n", "--config", "/"},
            "configuration"}),
    [](const auto& row) { return row.param.name; });

TEST(CommandLine, NamesFileAndKeyOfABadConfiguration) {
  const testing::TempDirectory folder;
  folder.Fill(
      {{"csi.json", R"({"pools": [{"name": "a", "type": "file", "path": "/x", "kind": 1}]})"}});

  const RunOutput output =
      RunDriver({"--check-config", "--node-id", "n", "--config", folder / "csi.json"});

  EXPECT_EQ(output.exit_code, 1);
  EXPECT_NE(output.err.find((folder / "csi.json").native() + ": pools: [0]: kind: unknown key"),
            std::string::npos)
      << output.err;
}

}  // namespace
}  // namespace trivet::csi
