// What an ADD and a DEL cost beside many others, counted in system calls.
#include <sys/mount.h>

#include <fstream>

#include "common/linux/file.h"
#include "tests/integration/cni/kill.h"
#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::IsOk;

struct Calls {
  int add = 0;
  int del = 0;
};

class GrowthTest : public PluginTest {
 protected:
  void TearDown() override {
    std::filesystem::remove_all(state());
    PluginTest::TearDown();
  }

  /// Addresses alone, of a /16.
  [[nodiscard]] json::Value IpamConf() const {
    json::Value conf = Conf();
    conf["type"] = "host-local";
    conf["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.9.0.0/16"}}})};
    return conf;
  }
  [[nodiscard]] std::filesystem::path reservations() const { return state() / "networks/testnet"; }
  /// As the reference's host-local writes them: numbers `from` to `to` of the /16.
  void ReserveForOthers(int from, int to) {
    std::filesystem::create_directories(reservations());
    for (int i = from; i <= to; ++i) {
      std::ofstream(reservations() / fmt::format("10.9.{}.{}", i / 256, i % 256))
          << "other" << i << "\r\neth0";
    }
  }
  void RecordOthers(const Pod& like, int count) {
    const std::filesystem::path folder = state() / "attachments";
    json::Value record = *json::Parse(*ReadFile(folder / ("testnet@" + like.id + "@eth0.json")));
    for (int i = 0; i < count; ++i) {
      record["containerID"] = fmt::format("other{}", i);
      record["hostInterface"] = fmt::format("vethother{}", i);
      std::ofstream(folder / fmt::format("testnet@other{}@eth0.json", i)) << record;
    }
  }
  /// After one round that notices what has changed.
  Calls Count(const Pod& pod, const json::Value& conf) {
    EXPECT_THAT(Run("ADD", pod, conf), Succeeds());
    EXPECT_THAT(Run("DEL", pod, conf), Succeeds());
    Calls calls;
    calls.add = CountSystemCalls(CommandFor("ADD", pod), conf);
    calls.del = CountSystemCalls(CommandFor("DEL", pod), conf);
    return calls;
  }
};

TEST_F(GrowthTest, AThousandReservationsOfOthersCostNoSystemCall) {
  const Pod pod = MakePod("c1");
  ReserveForOthers(0x8000, 0x8000);
  const Calls before = Count(pod, IpamConf());
  ReserveForOthers(0x8000, 0x8000 + 1000);

  const Calls after = Count(pod, IpamConf());

  EXPECT_LE(after.add, before.add);
  EXPECT_LE(after.del, before.del);
}

TEST_F(GrowthTest, AThousandAttachmentsOfOthersCostNextToNothing) {
  // Waiting for the port to come up takes a few calls more or less.
  constexpr int kMore = 40;
  const Pod pod = MakePod("c1");
  const Pod beside = MakePod("beside");
  Added(beside, Conf());
  const Calls before = Count(pod, Conf());
  RecordOthers(beside, 1000);

  const Calls after = Count(pod, Conf());

  EXPECT_LE(after.add, before.add + kMore);
  EXPECT_LE(after.del, before.del + kMore);
  std::filesystem::remove_all(state() / "attachments");
  EXPECT_THAT(Gc(Conf(), {}), Succeeds());
}

// There the kernel keeps an entry for each network namespace that was looked into, and every
// look-up passes all of them.
TEST_F(GrowthTest, AnIpv4PodOfABridgeThatIsThereLooksUpNothingBelowProcSysNet) {
  json::Value conf = Conf();
  conf["ipam"]["ranges"] = {json::Value::array({{{"subnet", "10.9.0.0/16"}}})};
  Added(MakePod("c1"), conf);
  const Pod pod = MakePod("c2");
  ASSERT_EQ(::mount("none", "/proc/sys/net", "tmpfs", 0, nullptr), 0);

  const Answer answer = Run("ADD", pod, conf);

  ASSERT_EQ(::umount("/proc/sys/net"), 0);
  EXPECT_THAT(answer, Succeeds());
  EXPECT_EQ(Tell("/usr/sbin/ip",
                 {"netns", "exec", "c2", "cat", "/proc/sys/net/ipv4/conf/eth0/arp_notify"}),
            "1\n");
  EXPECT_THAT(Gc(conf, {}), Succeeds());
}

TEST_F(GrowthTest, TheLastFreeAddressOfSixtyFiveThousandIsFoundByOneLookAtTheNames) {
  constexpr int kNames = 65533;
  constexpr int kNamesOfACall = 10;  // getdents64 gives more; a sanitizer has calls of its own
  const Pod pod = MakePod("c1");
  ReserveForOthers(2, kNames + 1);  // all but network, gateway and broadcast
  ASSERT_THAT(RemoveFile(reservations() / "10.9.128.7"), IsOk());

  const Answer added = Run("ADD", pod, IpamConf());

  EXPECT_EQ(AddressesOf(added.value), std::vector<std::string>{"10.9.128.7/16"});
  EXPECT_THAT(Run("ADD", MakePod("c2"), IpamConf()), IsRefused(11, "no address is left"));
  EXPECT_THAT(Status(IpamConf()), IsRefused(50, "no address is left"));
  EXPECT_THAT(Run("DEL", pod, IpamConf()), Succeeds());
  std::ofstream(reservations() / "last_reserved_ip.0") << "10.9.0.9";
  EXPECT_LT(CountSystemCalls(CommandFor("ADD", pod), IpamConf()), kNames / kNamesOfACall);
}

}  // namespace
}  // namespace trivet::cni
