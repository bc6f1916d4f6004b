#include "shim/sysctl.h"

#include "tests/testing/matchers.h"

namespace trivet::shim {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;

TEST(ParseSysctl, TurnsDotsIntoFolders) {
  const auto sysctl = ParseSysctl("net.ipv4.ip_forward=1", {});
  ASSERT_THAT(sysctl, IsOk());
  EXPECT_EQ(sysctl->path, "net/ipv4/ip_forward");
  EXPECT_EQ(sysctl->value, "1");
}

TEST(ParseSysctl, KeepsDotsInNamesThatAreWrittenWithSlashes) {
  EXPECT_EQ(ParseSysctl("net/ipv4/conf/eth0.1/forwarding=1", {})->path,
            "net/ipv4/conf/eth0.1/forwarding");
  EXPECT_EQ(ParseSysctl("net.ipv4.conf.eth0/1.forwarding=1", {})->path,
            "net/ipv4/conf/eth0.1/forwarding");
}

TEST(ParseSysctl, RefusesWhatIsNotOfThePod) {
  EXPECT_THAT(ParseSysctl("kernel.core_pattern=|/x", {}),
              FailsWith(Code::kInvalidArgument, "kernel.core_pattern"));
  EXPECT_THAT(ParseSysctl("vm.swappiness=1", {}), FailsWith(Code::kInvalidArgument, "vm"));
  EXPECT_THAT(ParseSysctl("net.core.somaxconn=1", {.network = NamespaceMode::kNode}),
              FailsWith(Code::kInvalidArgument, "net.core.somaxconn"));
  EXPECT_THAT(ParseSysctl("kernel.sem=1", {.ipc = NamespaceMode::kNode}),
              FailsWith(Code::kInvalidArgument, "kernel.sem"));
}

// CVE-2022-0811: a '+' in the value became another setting.
TEST(ParseSysctl, RefusesWhatCouldBeReadAsSomethingElse) {
  for (const char* text : {"net/../kernel/core_pattern=x", "net//x=1", "net.ipv4", "=1",
                           "net ipv4=1", "net.a+b=1", "net.ipv4.x=1\nkernel.core_pattern=2"}) {
    EXPECT_THAT(ParseSysctl(text, {}), FailsWith(Code::kInvalidArgument, "sysctl")) << text;
  }
}

}  // namespace
}  // namespace trivet::shim
