#include "cri-runtime/sandbox/pod_files.h"

#include <fcntl.h>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::sandbox {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;

TEST(ResolvConf, HasALinePerServerAndOneOfSearchesAndOptions) {
  EXPECT_EQ(ResolvConf({.servers = {"10.96.0.10", "fd00::a"},
                        .searches = {"ns.svc.cluster.local", "svc.cluster.local"},
                        .options = {"ndots:5"}}),
            "search ns.svc.cluster.local svc.cluster.local\n"
            "nameserver 10.96.0.10\nnameserver fd00::a\noptions ndots:5\n");
}

TEST(Hosts, NamesThePodByEachOfItsAddresses) {
  const std::string hosts = Hosts("pod-1", {"10.0.0.2", "fd00::2"});
  EXPECT_THAT(hosts, HasSubstr("127.0.0.1\tlocalhost\n"));
  EXPECT_THAT(hosts, HasSubstr("10.0.0.2\tpod-1\nfd00::2\tpod-1\n"));
}

TEST(PodFiles, AreThree) {
  const testing::TempDirectory folder;
  const Record record{.config = {.hostname = "pod-1", .dns = {.servers = {"10.96.0.10"}}}};
  const UniqueFd fd(::open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  ASSERT_THAT(WriteNameFiles(fd.get(), record), IsOk());
  ASSERT_THAT(WriteHosts(fd.get(), record, {"10.0.0.2"}), IsOk());
  EXPECT_EQ(*ReadFile(folder / "hostname"), "pod-1\n");
  EXPECT_EQ(*ReadFile(folder / "resolv.conf"), "nameserver 10.96.0.10\n");
  EXPECT_THAT(*ReadFile(folder / "hosts"), HasSubstr("10.0.0.2\tpod-1"));
}

}  // namespace
}  // namespace trivet::sandbox
