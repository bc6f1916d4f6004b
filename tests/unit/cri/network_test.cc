#include "cri-runtime/cni/network.h"

#include <sys/stat.h>

#include "common/linux/file.h"
#include "cri-runtime/sandbox/pod_network.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::network {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::HasSubstr;
using testing::IsOk;

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

TEST(AddressesOf, RefusesWhatIsNoAddress) {
  EXPECT_THAT(AddressesOf({{"ips", {{{"address", "10.0.0/24"}}}}}),
              FailsWith(Code::kInvalidArgument, "10.0.0/24"));
}

TEST(CapabilityArgsOf, NamesThePortsOfThePod) {
  sandbox::Record record;
  record.config.port_mappings = {{sandbox::Protocol::kUdp, 53, 5353, "127.0.0.1"}};
  const json::Value mapping = sandbox::CapabilityArgsOf(record)["portMappings"][0];
  EXPECT_EQ(mapping["hostPort"], 5353);
  EXPECT_EQ(mapping["containerPort"], 53);
  EXPECT_EQ(mapping["protocol"], "udp");
}

}  // namespace
}  // namespace trivet::network
