#include <gtest/gtest.h>

#include "cni/ipam/allocator.h"
#include "cni/ipam/host_local.h"
#include "cni/ipam/host_local_conf.h"
#include "cni/ipam/range.h"
#include "cni/ipam/reservation_store.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::IsEmpty;
using testing::IsOk;

IpAddress Address(const std::string& text) {
  return *IpAddress::Parse(text);
}
RangeSet Set(const char* text) {
  auto set = ParseRangeSet(json::Value::parse(text));
  EXPECT_THAT(set, IsOk());
  return *set;
}

TEST(ParseRange, GivesAllButNetworkGatewayAndBroadcast) {
  const auto range = ParseRange(json::Value::parse(R"({"subnet": "10.1.0.0/24"})"));

  ASSERT_THAT(range, IsOk());
  EXPECT_EQ(range->first, Address("10.1.0.1"));
  EXPECT_EQ(range->last, Address("10.1.0.254"));
  EXPECT_EQ(range->gateway, Address("10.1.0.1"));
  EXPECT_EQ(range->Capacity(), 253U);
}

TEST(ParseRange, OfIpv6HasNoBroadcast) {
  const auto range = ParseRange(json::Value::parse(R"({"subnet": "fd00::/120"})"));

  ASSERT_THAT(range, IsOk());
  EXPECT_EQ(range->last, Address("fd00::ff"));
  EXPECT_EQ(range->Capacity(), 254U);
}

TEST(ParseRange, OfTwoAddressesGivesTheOneThatIsNotTheGateway) {
  const auto v4 = ParseRange(json::Value::parse(R"({"subnet": "10.1.0.0/31"})"));
  const auto v6 = ParseRange(json::Value::parse(R"({"subnet": "fd00::/127"})"));

  ASSERT_THAT(v4, IsOk());
  EXPECT_EQ(v4->gateway, Address("10.1.0.0"));
  EXPECT_EQ(v4->last, Address("10.1.0.1"));
  EXPECT_EQ(v4->Capacity(), 1U);
  ASSERT_THAT(v6, IsOk());
  EXPECT_EQ(v6->gateway, Address("fd00::"));
  EXPECT_EQ(v6->last, Address("fd00::1"));
}

TEST(ParseRange, OfAHugeSubnetSaturates) {
  EXPECT_EQ(ParseRange(json::Value::parse(R"({"subnet": "fd00::/32"})"))->Capacity(), 1ULL << 32);
}

struct BadRange {
  const char* name;
  const char* text;
  const char* words;
};

class ParseRangeSetRefuses : public ::testing::TestWithParam<BadRange> {};

TEST_P(ParseRangeSetRefuses, AndSaysWhy) {
  EXPECT_THAT(ParseRangeSet(json::Value::parse(GetParam().text)),
              FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Values, ParseRangeSetRefuses,
    ::testing::Values(
        BadRange{"Empty", "[]", "ranges"},
        BadRange{"NotAList", R"({"subnet": "10.0.0.0/8"})", "ranges"},
        BadRange{"Numbers", "[1]", "not an object"},
        BadRange{"NoSubnet", "[{}]", "subnet: missing"},
        BadRange{"SubnetWithoutLength", R"([{"subnet": "10.0.0.0"}])", "subnet"},
        BadRange{"HostBits", R"([{"subnet": "10.0.0.1/8"}])", "host bits"},
        BadRange{"Slash32", R"([{"subnet": "10.0.0.0/32"}])", "too small"},
        BadRange{"Slash128", R"([{"subnet": "fd00::1/128"}])", "too small"},
        BadRange{"StartOutside", R"([{"subnet": "10.0.0.0/24", "rangeStart": "10.0.1.1"}])",
                 "not in"},
        BadRange{"EndOtherFamily", R"([{"subnet": "10.0.0.0/24", "rangeEnd": "fd00::1"}])",
                 "not in"},
        BadRange{"Backwards",
                 R"([{"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.9", "rangeEnd": "10.0.0.8"}])",
                 "is after"},
        BadRange{"GatewayName", R"([{"subnet": "10.0.0.0/24", "gateway": "router"}])", "gateway"},
        BadRange{"TwoFamilies", R"([{"subnet": "10.0.0.0/24"}, {"subnet": "fd00::/64"}])",
                 "IPv4 and IPv6"},
        BadRange{"Overlap", R"([{"subnet": "10.0.0.0/24"}, {"subnet": "10.0.0.0/16"}])",
                 "overlaps"}),
    [](const auto& test) { return test.param.name; });

TEST(ParseOwner, ReadsWhatEveryHostLocalWrites) {
  EXPECT_EQ(ParseOwner("abc\r\neth0"), (Owner{"abc", "eth0"}));
  EXPECT_EQ(ParseOwner("abc\neth0\n"), (Owner{"abc", "eth0"}));
  EXPECT_EQ(ParseOwner(" abc "), (Owner{"abc", ""}));
  EXPECT_EQ(ParseOwner(""), std::nullopt);
  EXPECT_EQ(ParseOwner(" \r\n"), std::nullopt);
}

class ReservationStoreTest : public ::testing::Test {
 protected:
  ReservationStore Open() {
    return std::move(*ReservationStore::Open(folder_ / "net", folder_ / "owners"));
  }
  Result<std::vector<IpConfig>> AllocateFrom(const char* set, const std::string& container,
                                             const std::vector<IpAddress>& requested = {}) {
    auto store = Open();
    return Allocate(store, {Set(set)}, requested, {container, "eth0"});
  }
  std::string AllocateOne(const char* set, const std::string& container) {
    const auto ips = AllocateFrom(set, container);
    return ips ? ips->front().address.ToString() : ips.error().message();
  }

  const testing::TempDirectory folder_;
};

TEST_F(ReservationStoreTest, WritesTheReferencesFiles) {
  auto store = Open();
  ASSERT_THAT(store.Reserve(Address("10.1.0.5"), {"abc", "eth0"}), IsOk());

  EXPECT_EQ(*ReadFile(folder_ / "net/10.1.0.5"), "abc\r\neth0");
}

TEST_F(ReservationStoreTest, DoesNotGiveAnAddressTwice) {
  auto store = Open();
  ASSERT_TRUE(*store.Reserve(Address("10.1.0.5"), {"abc", "eth0"}));

  EXPECT_FALSE(*store.Reserve(Address("10.1.0.5"), {"def", "eth0"}));
}

TEST_F(ReservationStoreTest, TakesAnEmptyFileForAFreeAddress) {
  folder_.Fill({{"net/10.1.0.5", ""}});
  auto store = Open();

  EXPECT_TRUE(*store.Reserve(Address("10.1.0.5"), {"abc", "eth0"}));
}

TEST_F(ReservationStoreTest, LeavesForeignFilesAlone) {
  folder_.Fill({{"net/README", "hello"},
                {"net/10.1.0.05", "abc\r\neth0"},
                {"net/10.1.0.7", std::string(100000, 'x')},
                {"net/10.1.0.8", "abc\r\neth0"}});
  auto store = Open();

  EXPECT_THAT(*store.FindByOwner({"abc", "eth0"}), ElementsAre(Address("10.1.0.8")));
  EXPECT_FALSE(*store.Reserve(Address("10.1.0.7"), {"def", "eth0"}));
}

TEST_F(ReservationStoreTest, FindsTheOldestFormatWhichHasNoInterface) {
  folder_.Fill({{"net/10.1.0.8", "abc"}});
  auto store = Open();

  EXPECT_THAT(*store.FindByOwner({"abc", "eth7"}), ElementsAre(Address("10.1.0.8")));
}

TEST_F(ReservationStoreTest, RemovesHalfWrittenFilesOfTheDead) {
  folder_.Fill({{"net/.10.1.0.5.99.1.tmp", "ab"}, {"net/10.1.0.6", ""}});
  auto store = Open();

  ASSERT_THAT(store.List(), IsOk());
  EXPECT_THAT(*ListDirectory(folder_ / "net"), ElementsAre("lock"));
}

TEST_F(ReservationStoreTest, OfAnAbsentFolderIsNone) {
  EXPECT_EQ(ReservationStore::OpenExisting(folder_ / "gone", folder_ / "owners")->has_value(),
            false);
}

TEST_F(ReservationStoreTest, AllocatesRoundRobinWithoutTheGateway) {
  const char* const set = R"([{"subnet": "10.1.0.0/29"}])";

  EXPECT_EQ(AllocateOne(set, "a"), "10.1.0.2/29");
  EXPECT_EQ(AllocateOne(set, "b"), "10.1.0.3/29");
  ASSERT_THAT(Open().Release(Address("10.1.0.2"), {"a", "eth0"}), IsOk());
  EXPECT_EQ(AllocateOne(set, "c"), "10.1.0.4/29");
  EXPECT_EQ(AllocateOne(set, "d"), "10.1.0.5/29");
  EXPECT_EQ(AllocateOne(set, "e"), "10.1.0.6/29");
  EXPECT_EQ(AllocateOne(set, "f"), "10.1.0.2/29");
  EXPECT_EQ(AllocateOne(set, "g"), "no address is left in 10.1.0.1-10.1.0.6");
}

TEST_F(ReservationStoreTest, FindsTheOnlyFreeAddressOfAPool) {
  const char* const set = R"([{"subnet": "10.1.0.0/25"}])";
  std::string first;
  for (int pod = 0; pod < 125; ++pod) {
    const std::string given = AllocateOne(set, fmt::format("c{}", pod));
    if (pod == 60) first = given;
  }
  EXPECT_EQ(AllocateOne(set, "g"), "no address is left in 10.1.0.1-10.1.0.126");
  ASSERT_THAT(Open().Release(Address(first.substr(0, first.find('/'))), {"c60", "eth0"}), IsOk());

  EXPECT_EQ(AllocateOne(set, "g"), first);
}

TEST_F(ReservationStoreTest, AllocatesFromTheNextRangeOfASet) {
  const char* const set = R"([
      {"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.10", "rangeEnd": "10.1.0.10"},
      {"subnet": "10.2.0.0/24", "rangeStart": "10.2.0.10", "rangeEnd": "10.2.0.10"}])";

  EXPECT_EQ(AllocateOne(set, "a"), "10.1.0.10/24");
  EXPECT_EQ(AllocateOne(set, "b"), "10.2.0.10/24");
  EXPECT_THAT(AllocateFrom(set, "c"), FailsWith(Code::kResourceExhausted, "10.2.0.10-10.2.0.10"));
}

TEST_F(ReservationStoreTest, ForgetsALastAddressThatIsNotInTheSetAnyMore) {
  folder_.Fill({{"net/last_reserved_ip.0", "192.168.0.1"}});

  EXPECT_EQ(AllocateOne(R"([{"subnet": "10.1.0.0/29"}])", "a"), "10.1.0.2/29");
}

TEST_F(ReservationStoreTest, GivesTheRequestedAddress) {
  const auto ips = AllocateFrom(R"([{"subnet": "10.1.0.0/24"}])", "a", {Address("10.1.0.77")});

  ASSERT_THAT(ips, IsOk());
  EXPECT_EQ(ips->front().address.ToString(), "10.1.0.77/24");
}

TEST_F(ReservationStoreTest, RefusesARequestThatItCannotMeetAndKeepsNothing) {
  const char* const set = R"([{"subnet": "10.1.0.0/24"}])";
  ASSERT_THAT(AllocateFrom(set, "a", {Address("10.1.0.77")}), IsOk());

  EXPECT_THAT(AllocateFrom(set, "b", {Address("10.1.0.77")}),
              FailsWith(Code::kAlreadyExists, "10.1.0.77 is in use"));
  EXPECT_THAT(AllocateFrom(set, "b", {Address("10.1.0.1")}),
              FailsWith(Code::kInvalidArgument, "is the gateway"));
  EXPECT_THAT(AllocateFrom(set, "b", {Address("10.9.0.1")}),
              FailsWith(Code::kInvalidArgument, "10.9.0.1 is in no range"));
  EXPECT_THAT(*Open().FindByOwner({"b", "eth0"}), IsEmpty());
}

TEST_F(ReservationStoreTest, KeepsNothingWhenTheSecondFamilyHasNone) {
  auto store = Open();
  const RangeSet v4 = Set(R"([{"subnet": "10.1.0.0/24"}])");
  const RangeSet v6 =
      Set(R"([{"subnet": "fd00::/64", "rangeStart": "fd00::1", "rangeEnd": "fd00::1"}])");

  EXPECT_THAT(Allocate(store, {v4, v6}, {}, {"a", "eth0"}),
              FailsWith(Code::kResourceExhausted, ""));
  EXPECT_THAT(*store.List(), IsEmpty());
}

class HostLocalTest : public ::testing::Test {
 protected:
  NetConf Conf(const char* changes = "{}") {
    json::Value root = json::Value::parse(R"({"cniVersion": "1.1.0", "name": "net", "type": "x",
        "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/29"}]]}})");
    root["ipam"]["dataDir"] = folder_.path().native();
    root.merge_patch(json::Value::parse(changes));
    auto conf = ParseNetConf(root);
    EXPECT_THAT(conf, IsOk());
    return *conf;
  }
  static Environment Container(const std::string& id) {
    Environment environment;
    environment.container_id = id;
    environment.ifname = "eth0";
    return environment;
  }

  const testing::TempDirectory folder_;
};

TEST_F(HostLocalTest, TellsRoutesAndNameservers) {
  folder_.Fill({{"resolv.conf", "# comment\nnameserver 10.0.0.53\nsearch a b\noptions ndots:5\n"}});
  json::Value changes = json::Value::parse(R"({"ipam": {"routes": [{"dst": "0.0.0.0/0"}]}})");
  changes["ipam"]["resolvConf"] = (folder_ / "resolv.conf").native();
  const NetConf conf = Conf(json::Write(changes).c_str());
  const Environment environment = Container("a");

  const auto result = HostLocal(conf, environment).Add();

  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->ips.front().gateway, Address("10.1.0.1"));
  EXPECT_TRUE(result->routes.front().destination.IsDefault());
  EXPECT_THAT(result->dns.nameservers, ElementsAre("10.0.0.53"));
  EXPECT_THAT(result->dns.search, ElementsAre("a", "b"));
}

TEST_F(HostLocalTest, RefusesASecondAddOfAnInterface) {
  const NetConf conf = Conf();
  const Environment environment = Container("a");
  ASSERT_THAT(HostLocal(conf, environment).Add(), IsOk());

  EXPECT_THAT(HostLocal(conf, environment).Add(), FailsWith(Code::kAlreadyExists, "10.1.0.2"));
}

TEST_F(HostLocalTest, DeletingTwiceSucceeds) {
  const NetConf conf = Conf();
  const Environment environment = Container("a");
  ASSERT_THAT(HostLocal(conf, environment).Add(), IsOk());

  EXPECT_THAT(HostLocal(conf, environment).Del(), IsOk());
  EXPECT_THAT(HostLocal(conf, environment).Del(), IsOk());
  EXPECT_THAT(HostLocal(conf, environment).Check(),
              FailsWith(Code::kFailedPrecondition, "holds no"));
}

TEST_F(HostLocalTest, GcKeepsTheValidAndForeignFiles) {
  const NetConf conf = Conf();
  for (const char* id : {"a", "b"}) {
    const Environment environment = Container(id);
    ASSERT_THAT(HostLocal(conf, environment).Add(), IsOk());
  }
  folder_.Fill({{"net/10.1.0.6", std::string(100000, 'x')}});

  const Environment none;
  ASSERT_THAT(HostLocal(conf, none).Gc({{"net", "b", "eth0"}}), IsOk());

  EXPECT_THAT(*ListDirectory(folder_ / "net"),
              ElementsAre("10.1.0.3", "10.1.0.6", "last_reserved_ip.0", "lock"));
}

TEST_F(HostLocalTest, StatusSaysThatThePoolIsExhausted) {
  const NetConf conf = Conf();
  const Environment none;
  EXPECT_THAT(HostLocal(conf, none).Status(), IsOk());
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    const Environment environment = Container(id);
    ASSERT_THAT(HostLocal(conf, environment).Add(), IsOk());
  }

  EXPECT_THAT(HostLocal(conf, none).Status(), FailsWith(Code::kUnavailable, "no address is left"));
}

TEST_F(HostLocalTest, TakesTheRuntimesRangesFirst) {
  const NetConf conf = Conf(R"({"runtimeConfig": {"ipRanges": [[{"subnet": "10.7.0.0/24"}]]},
      "ipam": {"ranges": null}})");
  const Environment environment = Container("a");

  EXPECT_EQ(HostLocal(conf, environment).Add()->ips.front().address.ToString(), "10.7.0.2/24");
}

TEST_F(HostLocalTest, TakesRequestedAddressesFromAllThreePlaces) {
  Environment environment = Container("a");
  environment.args["IP"] = "10.1.0.4";
  EXPECT_EQ(HostLocal(Conf(), environment).Add()->ips.front().address.ToString(), "10.1.0.4/29");

  const NetConf args = Conf(R"({"args": {"cni": {"ips": ["10.1.0.5"]}}})");
  const Environment b = Container("b");
  EXPECT_EQ(HostLocal(args, b).Add()->ips.front().address.ToString(), "10.1.0.5/29");

  const NetConf runtime = Conf(R"({"runtimeConfig": {"ips": ["10.1.0.6/29"]}})");
  const Environment c = Container("c");
  EXPECT_EQ(HostLocal(runtime, c).Add()->ips.front().address.ToString(), "10.1.0.6/29");
}

struct BadIpam {
  const char* name;
  const char* changes;
  const char* words;
};

class ParseHostLocalConfRefuses : public HostLocalTest,
                                  public ::testing::WithParamInterface<BadIpam> {};

TEST_P(ParseHostLocalConfRefuses, AndNamesTheKey) {
  const NetConf conf = Conf(GetParam().changes);

  EXPECT_THAT(ParseHostLocalConf(conf, Container("a")),
              FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Values, ParseHostLocalConfRefuses,
    ::testing::Values(
        BadIpam{"NoRanges", R"({"ipam": {"ranges": null}})", "ipam: no ranges"},
        BadIpam{"RangesObject", R"({"ipam": {"ranges": {}}})", "ranges: not a list"},
        BadIpam{"RangesOverlap", R"({"ipam": {"subnet": "10.1.0.0/16"}})", "overlaps"},
        BadIpam{"RelativeDataDir", R"({"ipam": {"dataDir": "x"}})", "dataDir"},
        BadIpam{"RouteText", R"({"ipam": {"routes": ["0.0.0.0/0"]}})", "routes[0]"},
        BadIpam{"RequestedName", R"({"args": {"cni": {"ips": ["first"]}}})", "args.cni.ips"},
        BadIpam{"RequestedNumber", R"({"runtimeConfig": {"ips": [1]}})", "runtimeConfig"},
        BadIpam{"TwoOfAFamilyIn02", R"({"cniVersion": "0.2.0", "ipam": {"subnet": "10.9.0.0/24"}})",
                "more than 1 address per family"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace trivet::cni
