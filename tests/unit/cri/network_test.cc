#include "cri-runtime/cni/network.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/linux/file.h"
#include "cri-runtime/cni/pod_cidrs.h"
#include "cri-runtime/sandbox/bandwidth.h"
#include "cri-runtime/sandbox/pod_network.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::network {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;

// Plugins of shell that note what they are called with; the first adds an address.
class NetworkTest : public ::testing::Test {
 protected:
  void Install(const std::string& type, const std::string& script) {
    folder_.Fill({{type, "#!/bin/sh\n" + script}});
    ASSERT_EQ(::chmod((folder_ / type).c_str(), 0755), 0);
  }
  void InstallChain() {
    const std::string note =
        "echo \"$0 $CNI_COMMAND $CNI_IFNAME $CNI_ARGS\" >>" + Calls() + "; cat >>" + Calls() + "; ";
    Install("first",
            note + R"([ $CNI_COMMAND = DEL ] || echo '{"ips": [{"address": "10.0.0.5/24"}]}')");
    Install("second", note + R"([ $CNI_COMMAND = DEL ] || echo '{"ips": [{"address": "10.0.0.5/24"},
        {"address": "fd00::5/64"}]}')");
  }
  [[nodiscard]] std::string Calls() const { return (folder_ / "calls").native(); }
  [[nodiscard]] Network Plugins() const { return Network({"/nowhere", folder_.path()}); }

  testing::TempDirectory folder_;
  const NetworkConfig config_ = *ParseNetworkConfig(
      R"({"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "first"}, {"type": "second"}]})");
  const Attachment attachment_{.container_id = "abc",
                               .netns = "/run/netns/x",
                               .args = {{"IgnoreUnknown", "1"}, {"K8S_POD_NAME", "p"}}};
  const json::Value none_ = json::Value::object();
};

TEST_F(NetworkTest, GivesEachPluginTheResultOfTheOneBefore) {
  InstallChain();
  const auto result = Plugins().Add(config_, attachment_, none_);
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(*AddressesOf(*result), ElementsAre("10.0.0.5", "fd00::5"));
  const std::string calls = *ReadFile(Calls());
  EXPECT_THAT(calls, HasSubstr("ADD eth0 IgnoreUnknown=1;K8S_POD_NAME=p"));
  EXPECT_THAT(calls, HasSubstr("prevResult"));
}

TEST_F(NetworkTest, StartsAForeignPluginWhenItMayBegin) {
  InstallChain();
  const auto may = [&]() -> Result<> {
    EXPECT_FALSE(std::filesystem::exists(Calls()));
    return {};
  };
  EXPECT_THAT(Plugins().Add(config_, attachment_, none_, {.may_begin = may}), IsOk());
  std::filesystem::remove(Calls());
  const auto may_not = []() -> Result<> { return Fail(Code::kUnavailable, "no namespace"); };
  EXPECT_THAT(Plugins().Add(config_, attachment_, none_, {.may_begin = may_not}),
              FailsWith(Code::kUnavailable, "no namespace"));
  EXPECT_FALSE(std::filesystem::exists(Calls()));
}

TEST_F(NetworkTest, LoadsItsOwnPluginAheadAndGivesItNothingToRead) {
  InstallChain();
  std::filesystem::rename(folder_ / "first", folder_ / "real");
  Install("trivet-cni", "touch ${0%/*}/loaded; exec ${0%/*}/real");
  std::filesystem::create_symlink("trivet-cni", folder_ / "first");
  const auto may = [&](bool begin) -> Result<> {
    for (int i = 0; i < 1000 && !std::filesystem::exists(folder_ / "loaded"); ++i) ::usleep(10'000);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "loaded"));
    EXPECT_THAT(ReadFile(Calls()).value_or(""), Not(HasSubstr("{")));
    std::filesystem::remove(folder_ / "loaded");
    return begin ? Result<>() : Fail(Code::kUnavailable, "no namespace");
  };
  const auto add = [&](bool begin) {
    return Plugins().Add(config_, attachment_, none_, {.may_begin = [&] { return may(begin); }});
  };
  EXPECT_THAT(add(false), FailsWith(Code::kUnavailable, "no namespace"));
  EXPECT_THAT(add(true), IsOk());
}

TEST_F(NetworkTest, DoesOtherWorkOnceWhileTheFirstPluginWorks) {
  InstallChain();
  const auto meanwhile = [&] {
    for (int i = 0; i < 1000 && !ReadFile(Calls()); ++i) ::usleep(10'000);
    EXPECT_THAT(*ReadFile(Calls()), Not(HasSubstr("second")));
    folder_.Fill({{"meanwhile", ReadFile(folder_ / "meanwhile").value_or("") + "done "}});
  };
  // It ends when the other work is done.
  Install("first", "echo first >" + Calls() + "; while [ ! -e " + (folder_ / "meanwhile").native() +
                       R"( ]; do sleep 0.01; done; echo '{"ips": []}')");
  EXPECT_THAT(Plugins().Add(config_, attachment_, none_, {.meanwhile = meanwhile}), IsOk());
  EXPECT_EQ(*ReadFile(folder_ / "meanwhile"), "done ");
}

TEST_F(NetworkTest, DoesNoOtherWorkWhereThePluginMayNotBegin) {
  InstallChain();
  const auto may_not = []() -> Result<> { return Fail(Code::kUnavailable, "no namespace"); };
  const auto meanwhile = [] { ADD_FAILURE() << "done"; };
  EXPECT_THAT(
      Plugins().Add(config_, attachment_, none_, {.may_begin = may_not, .meanwhile = meanwhile}),
      FailsWith(Code::kUnavailable, "no namespace"));
}

TEST_F(NetworkTest, FreesTheUnknownWithItsOwnPluginsAlone) {
  Install("trivet-cni", "");
  std::filesystem::create_symlink("trivet-cni", folder_ / "first");
  std::filesystem::create_symlink("trivet-cni", folder_ / "second");
  NetworkConfig list = config_;
  EXPECT_FALSE(Plugins().FreesTheUnknown(list)) << "1.0.0 has no GC";
  list.cni_version = "1.1.0";
  EXPECT_TRUE(Plugins().FreesTheUnknown(list));
  list.gc_disabled = true;
  EXPECT_FALSE(Plugins().FreesTheUnknown(list));
  list.gc_disabled = false;
  std::filesystem::remove(folder_ / "second");
  EXPECT_FALSE(Plugins().FreesTheUnknown(list));
  Install("second", "");
  EXPECT_FALSE(Plugins().FreesTheUnknown(list));
}

TEST_F(NetworkTest, DeletesBackwardsWithTheResultOfAdd) {
  InstallChain();
  ASSERT_THAT(Plugins().Delete(config_, attachment_, none_, {{"ips", none_}}), IsOk());
  const std::string calls = *ReadFile(Calls());
  EXPECT_LT(calls.find("second DEL"), calls.find("first DEL"));
  EXPECT_THAT(calls, HasSubstr("prevResult"));
}

TEST_F(NetworkTest, AsksTheOtherPluginsAfterADeleteThatFailed) {
  InstallChain();
  Install("second", "echo '{\"code\": 7, \"msg\": \"no luck\"}'; exit 1");
  EXPECT_THAT(Plugins().Delete(config_, attachment_, none_, nullptr),
              FailsWith(Code::kInternal, "no luck"));
  EXPECT_THAT(*ReadFile(Calls()), HasSubstr("first DEL"));
}

TEST_F(NetworkTest, IsUnavailableWhenAPluginSaysTryAgainLater) {
  InstallChain();
  Install("first", "echo '{\"code\": 11, \"msg\": \"later\", \"details\": \"agent\"}'; exit 1");
  EXPECT_THAT(Plugins().Add(config_, attachment_, none_),
              FailsWith(Code::kUnavailable, "first ADD: exit code 1, error 11: later; agent"));
}

TEST_F(NetworkTest, RepeatsWhatAPluginThatCrashedWroteToItsErrorStream) {
  Install("first", "echo boom >&2; exit 3");
  EXPECT_THAT(Plugins().Add(config_, attachment_, none_), FailsWith(Code::kInternal, "boom"));
}

TEST_F(NetworkTest, NamesAPluginThatIsNotThere) {
  EXPECT_THAT(Plugins().Add(config_, attachment_, none_),
              FailsWith(Code::kNotFound, "no plugin first in /nowhere:"));
}

TEST_F(NetworkTest, FailsWhenTheLastPluginSaysNothing) {
  InstallChain();
  Install("second", "true");
  EXPECT_THAT(Plugins().Add(config_, attachment_, none_), FailsWith(Code::kInternal, "no result"));
}

TEST(AddressesOf, ReadsTheOldForm) {
  EXPECT_THAT(*AddressesOf({{"ip4", {{"ip", "10.1.2.3/16"}}}, {"ip6", {{"ip", "fd00::1/64"}}}}),
              ElementsAre("10.1.2.3", "fd00::1"));
}

TEST(AddressesOf, LeavesOutThoseOfOtherInterfaces) {
  json::Value result{{"interfaces", {{{"name", "br0"}}, {{"name", "eth0"}}, {{"name", "net1"}}}},
                     {"ips",
                      {{{"address", "10.0.0.1/24"}, {"interface", 0U}},
                       {{"address", "10.0.0.5/24"}, {"interface", 1U}},
                       {{"address", "192.168.0.5/24"}, {"interface", 2U}},
                       {{"address", "fd00::5/64"}, {"interface", -1}},
                       {{"address", "fd01::5/64"}}}}};
  EXPECT_THAT(*AddressesOf(result), ElementsAre("10.0.0.5", "fd00::5", "fd01::5"));
  result["ips"].erase(3);
  result["ips"].erase(3);
  result["interfaces"][1]["name"] = "other";
  EXPECT_THAT(*AddressesOf(result), ElementsAre("10.0.0.1", "10.0.0.5", "192.168.0.5"));
}

TEST(AddressesOf, RefusesWhatIsNoAddress) {
  EXPECT_THAT(AddressesOf({{"ips", {{{"address", "10.0.0/24"}}}}}),
              FailsWith(Code::kInvalidArgument, "10.0.0/24"));
}

TEST(CapabilityArgsOf, NamesThePortsOfThePod) {
  sandbox::Record record;
  record.config.port_mappings = {{sandbox::Protocol::kUdp, 53, 5353, "127.0.0.1"}};
  const json::Value none = json::Value::object();
  const json::Value mapping = (*sandbox::CapabilityArgsOf(record, none))["portMappings"][0];
  EXPECT_EQ(mapping["hostPort"], 5353);
  EXPECT_EQ(mapping["containerPort"], 53);
  EXPECT_EQ(mapping["protocol"], "udp");
}

TEST(CapabilityArgsOf, LimitsTheBandwidthAsTheAnnotationsSay) {
  sandbox::Record record;
  record.config.annotations["kubernetes.io/ingress-bandwidth"] = "10M";
  const auto args = sandbox::CapabilityArgsOf(record, {{"ipRanges", json::Value::array()}});
  ASSERT_THAT(args, IsOk());
  EXPECT_EQ((*args)["bandwidth"]["ingressRate"], 10'000'000);
  EXPECT_FALSE((*args)["bandwidth"].contains("egressRate"));
  EXPECT_TRUE(args->contains("ipRanges"));
}

TEST(CapabilityArgsOf, RefusesABandwidthThatIsNone) {
  sandbox::Record record;
  for (const char* text : {"", "fast", "10MB", "1e999", "-1M", "999", "2P", "1e"}) {
    record.config.annotations["kubernetes.io/egress-bandwidth"] = text;
    EXPECT_THAT(sandbox::CapabilityArgsOf(record, json::Value::object()),
                FailsWith(Code::kInvalidArgument, "annotation kubernetes.io/egress-bandwidth"))
        << text;
  }
}

TEST(ParseQuantity, ReadsEveryKindOfSuffix) {
  EXPECT_EQ(*sandbox::ParseQuantity("1500"), 1500u);
  EXPECT_EQ(*sandbox::ParseQuantity("1.5Ki"), 1536u);
  EXPECT_EQ(*sandbox::ParseQuantity("2e6"), 2'000'000u);
  EXPECT_EQ(*sandbox::ParseQuantity("1100m"), 2u);
  EXPECT_EQ(*sandbox::ParseQuantity("1E"), 1'000'000'000'000'000'000u);
}

TEST(ParsePodCidrs, TakesOneOfEachFamily) {
  EXPECT_THAT(*ParsePodCidrs("10.1.2.0/24,fd00:1::/64"), ElementsAre("10.1.2.0/24", "fd00:1::/64"));
}

TEST(ParsePodCidrs, RefusesWhatIsNoCidr) {
  for (const char* text : {"10.1.2.0", "10.1.2.0/33", "10.1.2.1/24", "fd00::1/64", "a/8", "/8",
                           "10.1.2.0/24,", "10.1.2.0/24, fd00::/64", "10.1.2.0/-1", "::/129"}) {
    if (std::string_view(text).ends_with(",")) continue;
    EXPECT_THAT(ParsePodCidrs(text), FailsWith(Code::kInvalidArgument, "pod_cidr")) << text;
  }
}

TEST(PodCidrs, AreKnownAgainAfterARestart) {
  const testing::TempDirectory folder;
  ASSERT_THAT((*PodCidrs::Open(folder / "cidrs"))->Set("10.1.2.0/24,fd00:1::/64"), IsOk());
  const auto cidrs = PodCidrs::Open(folder / "cidrs");
  ASSERT_THAT(cidrs, IsOk());
  EXPECT_EQ((*cidrs)->CapabilityArgs()["ipRanges"][1][0]["subnet"], "fd00:1::/64");
}

TEST_F(NetworkTest, CollectsWithTheValidAttachmentsOfListsSince110) {
  InstallChain();
  const auto valid = [&] { return std::vector{attachment_}; };
  ASSERT_THAT(Plugins().CollectGarbage(config_, none_, valid), IsOk());
  EXPECT_FALSE(std::filesystem::exists(Calls()));  // the list is 1.0.0

  NetworkConfig newer = config_;
  newer.cni_version = "1.1.0";
  ASSERT_THAT(Plugins().CollectGarbage(newer, none_, valid), IsOk());
  EXPECT_THAT(*ReadFile(Calls()),
              HasSubstr(R"("cni.dev/valid-attachments":[{"containerID":"abc","ifname":"eth0"}])"));
  newer.gc_disabled = true;
  std::filesystem::remove(Calls());
  ASSERT_THAT(Plugins().CollectGarbage(newer, none_, valid), IsOk());
  EXPECT_FALSE(std::filesystem::exists(Calls()));
}

TEST_F(NetworkTest, ChecksWithTheResultOfAddUnlessTheListForbidsIt) {
  InstallChain();
  ASSERT_THAT(Plugins().Check(config_, attachment_, none_, {{"ips", none_}}), IsOk());
  EXPECT_THAT(*ReadFile(Calls()), HasSubstr("second CHECK"));
  std::filesystem::remove(Calls());
  NetworkConfig silent = config_;
  silent.check_disabled = true;
  ASSERT_THAT(Plugins().Check(silent, attachment_, none_, {{"ips", none_}}), IsOk());
  EXPECT_FALSE(std::filesystem::exists(Calls()));
}

TEST_F(NetworkTest, NamesAPluginThatDoesNotSpeakTheListsVersion) {
  Install("first", R"(echo '{"supportedVersions": ["0.4.0", "1.0.0"]}')");
  Install("second", R"(echo '{"supportedVersions": ["0.4.0"]}')");
  EXPECT_THAT(Plugins().CheckVersions(config_),
              FailsWith(Code::kFailedPrecondition, "second VERSION: speaks [0.4.0]"));
}

TEST_F(NetworkTest, HasTheFirstPluginPrepareAlone) {
  InstallChain();
  std::filesystem::rename(folder_ / "first", folder_ / "trivet-cni");
  std::filesystem::create_symlink("trivet-cni", folder_ / "first");
  const Network network = Plugins();
  ASSERT_TRUE(network.PreparerOf(config_).has_value());
  EXPECT_THAT(network.Prepare(config_, {.container_id = "abc", .netns = "/x"}, none_), IsOk());
  const std::string calls = *ReadFile(Calls());
  EXPECT_THAT(calls, HasSubstr("/first PREPARE eth0 \n"));
  EXPECT_THAT(calls, Not(HasSubstr("second")));
  EXPECT_THAT(calls, Not(HasSubstr("prevResult")));
}

TEST_F(NetworkTest, KnowsTheOneThatPreparesByItsListAndItsFile) {
  InstallChain();
  std::filesystem::rename(folder_ / "first", folder_ / "trivet-cni");
  const Network network = Plugins();
  EXPECT_FALSE(network.PreparerOf(config_).has_value());  // absent
  std::filesystem::create_symlink("second", folder_ / "first");
  EXPECT_FALSE(network.PreparerOf(config_).has_value());  // another program
  std::filesystem::remove(folder_ / "first");
  std::filesystem::create_symlink("trivet-cni", folder_ / "first");
  const auto preparer = network.PreparerOf(config_);
  ASSERT_TRUE(preparer.has_value());
  EXPECT_EQ(network.PreparerOf(config_), preparer);

  NetworkConfig other = config_;
  other.text += " ";
  EXPECT_NE(network.PreparerOf(other), preparer);
  std::filesystem::copy_file(folder_ / "trivet-cni", folder_ / "new");  // as a package does
  std::filesystem::rename(folder_ / "new", folder_ / "trivet-cni");
  EXPECT_TRUE(network.PreparerOf(config_).has_value());
  EXPECT_NE(network.PreparerOf(config_), preparer);
}

TEST_F(NetworkTest, SaysWhatStatusSays) {
  Install("first", "true");
  Install("second", R"(echo '{"code": 50, "msg": "no address is left"}'; exit 1)");
  EXPECT_THAT(Plugins().CheckStatus(config_, none_), IsOk());  // 1.0.0 has no STATUS
  NetworkConfig newer = config_;
  newer.cni_version = "1.1.0";
  EXPECT_THAT(Plugins().CheckStatus(newer, none_),
              FailsWith(Code::kInternal, "no address is left"));
}

}  // namespace
}  // namespace trivet::network
