// An ADD after a PREPARE gives a pod what an ADD alone gives it, in all that can be seen.
#include <gmock/gmock.h>

#include <optional>
#include <thread>

#include "tests/integration/cni/fake_agent.h"
#include "tests/integration/cni/plugin_test.h"
#include "tests/testing/processes.h"

namespace trivet::cni {
namespace {

constexpr const char* kIp = "/usr/sbin/ip";
constexpr const char* kSocket = "/run/agent.sock";

struct Variant {
  const char* name;
  json::Value conf;              // what it has more; null: what it lacks
  json::Value of_add = nullptr;  // what ADD alone is told
};

// What the kernel numbers, chooses or counts down.
void LeaveOut(json::Value& value, const std::vector<std::string>& keys) {
  if (value.is_object()) {
    for (const std::string& key : keys) value.erase(key);
  }
  for (json::Value& inner : value) {
    if (inner.is_structured()) LeaveOut(inner, keys);
  }
}

class PreparedAddTest : public PluginTest, public ::testing::WithParamInterface<Variant> {
 protected:
  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    agent_.emplace(kSocket);
    base_ = Conf();
    base_.erase("ephemeralBridge");
    base_["ipam"]["type"] = "static";
    base_["ipam"].erase("ranges");
    base_["ipam"]["addresses"] = {{{"address", "10.9.0.9/24"}, {"gateway", "10.9.0.1"}},
                                  {{"address", "fd09::9/64"}, {"gateway", "fd09::1"}}};
    base_.merge_patch(GetParam().conf);
    if (is_bridge()) AttachAnother();
  }
  // A bridge has a pod before one is prepared for.
  void AttachAnother() {
    json::Value conf = base_;
    conf["name"] = "others";
    for (const char* key : {"ipam", "isGateway", "ipMasq", "policy"}) conf.erase(key);
    Added(MakePod("c0"), conf);
  }
  void TearDown() override {
    if (!IsSkipped() && HasLink("br0")) Tell(kIp, {"link", "delete", "br0"});
    PluginTest::TearDown();
  }

  [[nodiscard]] bool is_bridge() const { return base_["type"] == "bridge"; }
  [[nodiscard]] bool has_addresses() const { return base_.contains("ipam"); }
  [[nodiscard]] json::Value ConfOfAdd() const {
    json::Value conf = base_;
    if (!GetParam().of_add.is_null()) conf.merge_patch(GetParam().of_add);
    return conf;
  }
  /// A pod of the same id each time, thus with the same names.
  Pod MakeAnew() {
    RemoveNetns({.id = "c1", .netns = "/run/netns/c1"});
    return MakePod("c1");
  }

  static std::string Settings(const std::string& ifname, const std::optional<Pod>& in) {
    const std::string list = fmt::format(
        "cd /proc/sys/net && grep -r . ipv4/conf/{0} ipv6/conf/{0} ipv4/neigh/{0} ipv6/neigh/{0}"
        " 2>/dev/null | sort",
        ifname);
    if (!in) return Tell("/bin/sh", {"-c", list});
    return Tell(kIp, {"netns", "exec", in->id, "/bin/sh", "-c", list});
  }
  static json::Value SeeLink(const std::string& ifname, const std::optional<Pod>& in) {
    json::Value seen;
    seen["link"] = Ip({"-d", "link", "show", "dev", ifname}, in);
    seen["addresses"] = Ip({"address", "show", "dev", ifname}, in);
    seen["neighbours"] = Ip({"neighbour", "show", "dev", ifname, "nud", "permanent"}, in);
    for (const char* family : {"-4", "-6"}) {
      seen["routes"].push_back(Ip({family, "route", "show", "dev", ifname}, in));
    }
    seen["settings"] = Settings(ifname, in);
    return seen;
  }
  json::Value See(const Pod& pod, const json::Value& result) {
    const json::Value& host = result["interfaces"][is_bridge() ? 1 : 0];
    json::Value seen;
    seen["host"] = SeeLink(host["name"], {});
    seen["pod"] = SeeLink("eth0", pod);
    seen["rules"] = Ruleset();
    seen["result"] = result;
    std::vector<std::string> differing = {
        "ifindex", "operstate", "link_index",        "link_netnsid", "tentative",
        "no",      "id",        "message_age_timer", "hold_timer",   "forward_delay_timer"};
    LeaveOut(seen, differing);
    if (base_.value("mode", "") != "routed") LeaveOut(seen["host"]["link"], {"address"});
    seen["result"]["interfaces"][is_bridge() ? 1 : 0].erase("mac");
    LeaveOut(seen["host"]["addresses"], {"address"});
    if (has_addresses() || ConfOfAdd().contains("runtimeConfig")) return seen;
    for (const char* part : {"link", "addresses"})
      LeaveOut(seen["pod"][part], {"address", "local"});
    seen["result"]["interfaces"][2].erase("mac");
    return seen;
  }
  void ExpectToBe(const Pod& pod, const json::Value& result, const json::Value& wanted) {
    json::Value seen;
    // The kernel makes addresses and routes of its own a moment later.
    testing::Eventually([&] { return (seen = See(pod, result)) == wanted; },
                        std::chrono::seconds(3));
    EXPECT_EQ(seen, wanted) << json::Write(json::Value::diff(wanted, seen));
  }

  json::Value base_;
  std::optional<FakeAgent> agent_;
};

TEST_P(PreparedAddTest, IsAsOneAlone) {
  const json::Value conf = ConfOfAdd();
  Pod pod = MakeAnew();
  const json::Value alone = Added(pod, conf);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const json::Value wanted = See(pod, alone);
  EXPECT_THAT(Del(pod, conf), Succeeds());

  pod = MakeAnew();
  ASSERT_THAT(Run("PREPARE", pod, base_), Succeeds());
  const json::Value prepared = Ip({"link", "show", "dev", "eth0"}, pod)[0];
  const json::Value result = Added(pod, conf);

  const json::Value taken = Ip({"link", "show", "dev", "eth0"}, pod)[0];
  EXPECT_EQ(taken["ifindex"], prepared["ifindex"]);
  EXPECT_EQ(taken["link_index"], prepared["link_index"]);
  ExpectToBe(pod, result, wanted);
  EXPECT_THAT(Check(pod, conf, result), Succeeds());
  if (base_.value("isGateway", false)) {
    EXPECT_TRUE(Reaches(pod, base_["ipam"]["addresses"][0]["gateway"]));
  }
  EXPECT_THAT(Del(pod, conf), Succeeds());
  EXPECT_FALSE(HasLink("eth0", pod));
}

const json::Value kNoIpam = {{"ipam", nullptr}, {"isGateway", nullptr}, {"ipMasq", nullptr}};
const json::Value kMac = {{"runtimeConfig", {{"mac", "0a:00:00:00:00:09"}}}};

json::Value With(json::Value conf, const json::Value& more) {
  conf.merge_patch(more);
  return conf;
}
json::Value WithAddress(const char* address, const char* gateway, const char* route) {
  return {{"ipam",
           {{"addresses", {{{"address", address}, {"gateway", gateway}}}},
            {"routes", {{{"dst", route}}}}}}};
}
json::Value Ptp(const json::Value& more) {
  return With({{"type", "ptp"}, {"bridge", nullptr}, {"isGateway", nullptr}}, more);
}

const json::Value kRouted =
    Ptp({{"mode", "routed"},
         {"ipam",
          {{"addresses", {{{"address", "10.9.0.9/24"}}, {{"address", "fd09::9/64"}}}},
           {"routes", nullptr}}}});

INSTANTIATE_TEST_SUITE_P(
    Of, PreparedAddTest,
    ::testing::Values(
        Variant{"Bridge", json::Value::object()},
        Variant{"BridgeOfIpv4", WithAddress("10.9.0.9/24", "10.9.0.1", "0.0.0.0/0")},
        Variant{"BridgeOfIpv6", WithAddress("fd09::9/64", "fd09::1", "::/0")},
        Variant{"Layer2", kNoIpam}, Variant{"Layer2WithMac", kNoIpam, kMac},
        Variant{"Layer2ThatIsDown", With(kNoIpam, {{"disableContainerInterface", true}})},
        Variant{"Mac", json::Value::object(), kMac},
        Variant{"MacByArgs",
                json::Value::object(),
                {{"args", {{"cni", {{"mac", "0a:00:00:00:00:09"}}}}}}},
        Variant{"Mtu", {{"mtu", 1400}}},
        Variant{"MtuBelowIpv6s",
                With({{"mtu", 1200}}, WithAddress("10.9.0.9/24", "10.9.0.1", "0.0.0.0/0"))},
        Variant{"Hairpin", {{"hairpinMode", true}}}, Variant{"Isolated", {{"portIsolation", true}}},
        Variant{"Promiscuous", {{"promiscMode", true}}},
        Variant{"SpoofCheck", {{"macspoofchk", true}}},
        Variant{"DuplicateDetection", {{"enabledad", true}}},
        Variant{"Policy", {{"policy", {{"socket", kSocket}}}}},
        Variant{"Ptp", Ptp(json::Value::object())}, Variant{"PtpWithMtu", Ptp({{"mtu", 1400}})},
        Variant{"PtpWithPolicy", Ptp({{"policy", {{"socket", kSocket}}}})},
        Variant{"PtpRouted", kRouted}, Variant{"PtpRoutedWithMac", kRouted, kMac}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace trivet::cni
