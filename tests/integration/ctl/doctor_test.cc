// The real program on the real node: what it tries works here, and nothing of it is left.

#include <fcntl.h>
#include <sys/stat.h>

#include <map>

#include "common/base/json.h"
#include "common/linux/command.h"
#include "common/linux/file.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/temp_directory.h"

namespace trivet::ctl {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Pair;
using trivet::testing::BinDirectory;
using trivet::testing::IsOk;
using trivet::testing::TempDirectory;

class DoctorTest : public testing::RootTest {};

RunOutput RunDoctor(std::vector<std::string> args) {
  args.insert(args.begin(), "doctor");
  return RunCommand({.program = BinDirectory() / "trivetctl", .args = args})
      .value_or(RunOutput{.exit_code = -1});
}

std::map<std::string, std::string> StatesOf(const RunOutput& output) {
  const auto value = json::Parse(output.out);
  EXPECT_THAT(value, IsOk()) << output.out << output.err;
  std::map<std::string, std::string> states;
  for (const json::Value& finding : value->at("findings")) {
    states[finding.at("what").get<std::string>()] = finding.at("state").get<std::string>();
  }
  return states;
}

// Everything that a probe could leave on the node.
struct Snapshot {
  std::vector<std::string> block_devices;
  std::vector<std::string> links;
  std::vector<std::string> groups;
  std::string mounts;
  std::vector<std::string> scratch;
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

std::vector<std::string> OursIn(const std::filesystem::path& folder, std::string_view part) {
  std::vector<std::string> names;
  for (const std::string& name : ListDirectory(folder).value_or(std::vector<std::string>())) {
    if (name.find(part) != std::string::npos) names.push_back(name);
  }
  return names;
}

Snapshot TakeSnapshot(const std::filesystem::path& state) {
  Snapshot snapshot{.block_devices = ListDirectory("/sys/block").value(),
                    .links = OursIn("/sys/class/net", "trivet"),
                    .mounts = ReadFile("/proc/self/mountinfo").value(),
                    .scratch = ListDirectory(state).value()};
  for (const char* hierarchy : {"", "pids", "unified"}) {
    const auto found = OursIn(std::filesystem::path("/sys/fs/cgroup") / hierarchy, "doctor");
    snapshot.groups.insert(snapshot.groups.end(), found.begin(), found.end());
  }
  return snapshot;
}

TEST_F(DoctorTest, LeavesNothing) {
  const TempDirectory state;
  const Snapshot before = TakeSnapshot(state.path());
  for (int i = 0; i < 3; ++i) {
    const RunOutput output = RunDoctor({"--state", state.path(), "--run", state.path()});
    EXPECT_THAT(output.exit_code, AnyOf(0, 1)) << output.err;
  }
  EXPECT_TRUE(TakeSnapshot(state.path()) == before);
}

TEST_F(DoctorTest, FindsWhatTheOtherTestsNeed) {
  const RunOutput output = RunDoctor({"-o", "json"});
  EXPECT_EQ(output.exit_code, 0) << output.out;
  EXPECT_THAT(StatesOf(output),
              IsSupersetOf({Pair("clone3", "ok"), Pair("pidfd", "ok"), Pair("nftables", "ok"),
                            Pair("overlayfs by fsopen", "ok"), Pair("veth", "ok"),
                            Pair("making groups", "ok"), Pair("seccomp filters", "ok"),
                            Pair("overlay over idmapped layers", "ok"),
                            Pair("loop devices by LOOP_CONFIGURE", "ok")}));
}

TEST_F(DoctorTest, SaysThatItCannotTryWithoutRoot) {
  const TempDirectory copy;  // an ordinary user may not be able to enter the build's folder
  std::filesystem::copy_file(BinDirectory() / "trivetctl", copy / "trivetctl");
  ASSERT_EQ(::chmod(copy.path().c_str(), 0755), 0);
  const auto output = RunCommand({.program = "/usr/bin/setpriv",
                                  .args = {"--reuid=65534", "--regid=65534", "--clear-groups",
                                           copy / "trivetctl", "doctor", "-o", "json"}});
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->exit_code, 1) << output->err;
  EXPECT_THAT(StatesOf(*output), IsSupersetOf({Pair("clone3", "ok"), Pair("nftables", "unknown"),
                                               Pair("overlayfs by fsopen", "unknown"),
                                               Pair("making groups", "unknown"),
                                               Pair("capabilities of the caller", "missing")}));
}

TEST_F(DoctorTest, LooksAtTheFoldersItIsGiven) {
  const RunOutput output = RunDoctor({"--state", "/proc/nowhere", "--run", "/dev/shm"});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.out, HasSubstr("missing  state folder: /proc is on"));
  EXPECT_THAT(output.out, Not(HasSubstr("run folder: /run")));
}

}  // namespace
}  // namespace trivet::ctl
