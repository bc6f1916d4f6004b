#include <unistd.h>

#include "common/linux/file.h"
#include "common/linux/netns.h"
#include "common/linux/netns_pin.h"
#include "cri-runtime/cni/own_plugins.h"
#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"
#include "tests/testing/namespace_test.h"
#include "tests/testing/processes.h"
#include "tests/testing/temp_directory.h"

namespace trivet::network {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::SizeIs;

std::vector<pid_t> Servers() {
  std::vector<pid_t> pids;
  for (const auto& server : testing::FindChildren(::getpid(), kServeRunsFlag)) {
    pids.push_back(server.pid);
  }
  return pids;
}

// The real work, in a network of the test's own.
class OwnPluginsNetworkTest : public testing::NamespaceTest {
 protected:
  void SetUp() override {
    NamespaceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    std::filesystem::copy_file(testing::BinDirectory() / "trivet-cni", folder_ / "trivet-cni");
    std::filesystem::create_symlink("trivet-cni", folder_ / "bridge");
    ASSERT_THAT(MakePinFolder(netns_.parent_path()), IsOk());
    const auto netns = MakeNetworkNamespace();
    ASSERT_THAT(netns, IsOk());
    ASSERT_THAT(PinNetworkNamespace(*netns, netns_), IsOk());
  }
  int Run(const std::string& command, const std::string& more = "") {
    const Command plugin{
        .program = folder_ / "bridge",
        .environment = {{"CNI_COMMAND=" + command, "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0",
                         "CNI_NETNS=" + netns_.native(), "CNI_PATH=" + folder_.path().native()}}};
    const auto output =
        own_.Run(plugin, fmt::format(kConfig, folder_.path().native(), more), seconds(20), {});
    if (!output) return -1;
    last_ = output->out;
    return output->exit_code;
  }

  static constexpr const char* kConfig =
      R"({{"cniVersion": "1.1.0", "name": "n", "type": "bridge", "bridge": "own0", "ipMasq": true,
          "isGateway": true, "stateDir": "{0}", {1} "ipam": {{"type": "host-local",
          "dataDir": "{0}/networks", "ranges": [[{{"subnet": "10.9.0.0/24"}}]]}}}})";
  // Three streams, the socket of the server, the process's own network namespace, and one for all
  // that has to do with nftables.
  static constexpr size_t kDescriptors = 6;
  const std::filesystem::path netns_ = "/run/netns/c1";
  testing::TempDirectory folder_;
  std::string last_;
  OwnPlugins own_;
};

TEST_F(OwnPluginsNetworkTest, HoldNothingOfARunAndAreBackInTheirNetwork) {
  ASSERT_EQ(Run("ADD"), 0) << last_;
  ASSERT_EQ(Run("DEL"), 0) << last_;
  const std::vector<pid_t> server = Servers();
  ASSERT_THAT(server, SizeIs(1));
  const std::string proc = fmt::format("/proc/{}", server.front());
  const auto count = [&] { return ListDirectory(proc + "/fd")->size(); };
  ASSERT_EQ(count(), kDescriptors);
  for (int i = 0; i < 25; ++i) {
    ASSERT_EQ(Run("ADD"), 0) << last_;
    EXPECT_THAT(last_, HasSubstr("10.9.0."));
    ASSERT_EQ(Run("DEL"), 0) << last_;
  }
  EXPECT_EQ(Servers(), server);
  EXPECT_EQ(count(), kDescriptors);
  EXPECT_EQ(std::filesystem::read_symlink(proc + "/ns/net"),
            std::filesystem::read_symlink("/proc/self/ns/net"));
}

TEST_F(OwnPluginsNetworkTest, HoldNothingOfARunThatFails) {
  for (int i = 0; i < 25; ++i) EXPECT_EQ(Run("ADD", R"("mtu": -1,)"), 1);
  ASSERT_EQ(Run("ADD"), 0) << last_;
  for (int i = 0; i < 25; ++i) EXPECT_EQ(Run("ADD"), 1);  // it is there already
  ASSERT_THAT(Servers(), SizeIs(1));
  const std::string proc = fmt::format("/proc/{}", Servers().front());
  EXPECT_EQ(ListDirectory(proc + "/fd")->size(), kDescriptors);
  EXPECT_EQ(std::filesystem::read_symlink(proc + "/ns/net"),
            std::filesystem::read_symlink("/proc/self/ns/net"));
  EXPECT_EQ(Run("DEL"), 0) << last_;
}

}  // namespace
}  // namespace trivet::network
