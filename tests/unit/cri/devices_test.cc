#include "cri-runtime/container/devices.h"

#include "tests/testing/matchers.h"

namespace trivet::container {
namespace {

using testing::IsOk;

TEST(RulesOf, LetsADeviceWithoutPermissionsBeUsedInNoWay) {
  Device device{.container_path = "/dev/a", .host_path = "/dev/full"};
  const auto all = RulesOf({device});
  device.permissions = kNoPermissions;
  const auto none = RulesOf({device});
  ASSERT_THAT(all, IsOk());
  ASSERT_THAT(none, IsOk());
  EXPECT_EQ(none->size() + 1, all->size());
}

TEST(OwnInjected, GivesADeviceOfACdiFileToTheContainersUser) {
  std::vector<Device> devices(3);
  devices[0].injected = devices[1].injected = true;
  devices[1].gid = 44;
  OwnInjected({.uid = 1000, .gid = 0}, std::nullopt, devices);
  EXPECT_EQ(devices[0].uid, 1000u);
  EXPECT_EQ(devices[0].gid, std::nullopt);  // the node's own
  EXPECT_EQ(devices[1].uid, 1000u);
  EXPECT_EQ(devices[1].gid, 44u);
  EXPECT_EQ(devices[2].uid, std::nullopt);  // the request's
}

TEST(OwnInjected, CountsAsTheNodeDoes) {
  std::vector<Device> devices(1, Device{.gid = 44, .injected = true});
  OwnInjected({.uid = 7}, sandbox::UserNamespace{{200000, 65536}, {300000, 65536}}, devices);
  EXPECT_EQ(devices[0].uid, 200007u);
  EXPECT_EQ(devices[0].gid, 300044u);
}

}  // namespace
}  // namespace trivet::container
