#include "cni/tuning/tuning_conf.h"

#include <gtest/gtest.h>

#include "cni/tuning/net_sysctl.h"
#include "common/linux/file.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::cni {
namespace {

using testing::FailsWith;
using testing::IsOk;

Result<TuningConf> Parse(const std::string& members, const Environment& environment = {}) {
  json::Value root = json::Value::parse(R"({"cniVersion": "1.1.0", "name": "net"})");
  root.update(json::Value::parse(members));
  auto conf = ParseNetConf(root);
  EXPECT_THAT(conf, IsOk());
  conf->text = members;
  return ParseTuningConf(*conf, environment);
}

TEST(ParseTuningConf, WithoutAnyKeyAsksForNothing) {
  const auto tuning = Parse(R"({"promisc": false})");

  ASSERT_THAT(tuning, IsOk());
  EXPECT_TRUE(tuning->empty());
}

TEST(ParseTuningConf, LetsArgsWin) {
  const auto tuning = Parse(R"({"mtu": 1400, "promisc": true, "allmulti": true, "txQLen": 5,
      "mac": "02:00:00:00:00:0A", "sysctl": {"net.core.somaxconn": "1", "net.ipv4.ip_forward": "1"},
      "args": {"cni": {"mtu": 1300, "allmulti": false, "txQLen": 0,
                       "sysctl": {"net.core.somaxconn": "2"}}}})");

  ASSERT_THAT(tuning, IsOk());
  EXPECT_EQ(tuning->link.mtu_bytes, 1300U);
  EXPECT_EQ(tuning->link.promiscuous, true);
  EXPECT_EQ(tuning->link.all_multicast, false);
  EXPECT_EQ(tuning->link.tx_queue_length, 0U);
  EXPECT_EQ(tuning->link.mac, "02:00:00:00:00:0a");
  EXPECT_EQ(tuning->sysctls, (std::map<std::string, std::string>{{"net.core.somaxconn", "2"},
                                                                 {"net.ipv4.ip_forward", "1"}}));
}

TEST(ParseTuningConf, TakesTheRuntimesMac) {
  Environment environment;
  environment.args["MAC"] = "02:00:00:00:00:01";

  EXPECT_EQ(Parse("{}", environment)->link.mac, "02:00:00:00:00:01");
  EXPECT_EQ(Parse(R"({"runtimeConfig": {"mac": "02:00:00:00:00:03"}})", environment)->link.mac,
            "02:00:00:00:00:03");
}

struct BadTuning {
  const char* name;
  const char* members;
  const char* words;
};

class ParseTuningConfRefuses : public ::testing::TestWithParam<BadTuning> {};

TEST_P(ParseTuningConfRefuses, AndNamesTheKey) {
  EXPECT_THAT(Parse(GetParam().members), FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Values, ParseTuningConfRefuses,
    ::testing::Values(
        BadTuning{"SysctlOfTheNode", R"({"sysctl": {"kernel.core_pattern": "|x"}})",
                  "'kernel.core_pattern' is no setting of the network"},
        BadTuning{"SysctlNetAlone", R"({"sysctl": {"net": "1"}})", "'net'"},
        BadTuning{"SysctlNetlike", R"({"sysctl": {"network.x": "1"}})", "'network.x'"},
        BadTuning{"SysctlUp", R"({"sysctl": {"net/../kernel/core_pattern": "1"}})", "'net/../k"},
        BadTuning{"SysctlUpByDots", R"({"sysctl": {"net....kernel": "1"}})", "'net....kernel'"},
        BadTuning{"SysctlAbsolute", R"({"sysctl": {"/proc/sys/net/core/x": "1"}})", "'/proc"},
        BadTuning{"SysctlFolder", R"({"sysctl": {"net.ipv4.": "1"}})", "'net.ipv4.'"},
        BadTuning{"SysctlEmpty", R"({"sysctl": {"": "1"}})", "''"},
        BadTuning{"SysctlControl", R"({"sysctl": {"net.ipv4.\u0000x": "1"}})", "is no setting"},
        BadTuning{"SysctlValueZero", R"({"sysctl": {"net.core.somaxconn": "1\u0000"}})",
                  "zero byte"},
        BadTuning{"SysctlNumber", R"({"sysctl": {"net.core.somaxconn": 1}})", "somaxconn"},
        BadTuning{"SysctlList", R"({"sysctl": []})", "sysctl"},
        BadTuning{"SysctlTwice",
                  R"({"sysctl": {"net.core.somaxconn": "1", "net.core.somaxconn": "2"}})",
                  "net.core.somaxconn: duplicated key"},
        BadTuning{"ArgsSysctlOfTheNode", R"({"args": {"cni": {"sysctl": {"vm.x": "1"}}}})", "vm.x"},
        BadTuning{"MacMulticast", R"({"mac": "01:00:00:00:00:01"})", "unicast"},
        BadTuning{"MacOfArgs", R"({"args": {"cni": {"mac": "x"}}})", "mac: 'x'"},
        BadTuning{"MtuTooSmall", R"({"mtu": 67})", "mtu: 67"},
        BadTuning{"PromiscText", R"({"promisc": "yes"})", "promisc"},
        BadTuning{"AllmultiNumber", R"({"allmulti": 1})", "allmulti"},
        BadTuning{"QueueNegative", R"({"txQLen": -1})", "txQLen"}),
    [](const auto& test) { return test.param.name; });

TEST(NetSysctlPath, PutsTheInterfaceInWhateverItsName) {
  EXPECT_EQ(*NetSysctlPath("net.ipv4.conf.IFNAME.rp_filter", "eth0.5"),
            "ipv4/conf/eth0.5/rp_filter");
  EXPECT_EQ(*NetSysctlPath("net/ipv4/conf/all/rp_filter", "eth0"), "ipv4/conf/all/rp_filter");
}

TEST(IsSameSysctlValue, DoesNotMindTabs) {
  EXPECT_TRUE(IsSameSysctlValue("32768\t60999", "32768 60999"));
  EXPECT_FALSE(IsSameSysctlValue("32768\t60999", "3276860999"));
}

class AllowListTest : public ::testing::Test {
 protected:
  Result<> Check(const std::string& lines, const std::string& name) {
    const std::filesystem::path file = folder_.path() / "allowlist.conf";
    EXPECT_THAT(WriteFileVolatile(file, lines), IsOk());
    return CheckSysctlIsAllowed(file, name);
  }
  testing::TempDirectory folder_;
};

TEST_F(AllowListTest, AllowsWhatALineMatches) {
  const std::string lines = "\n  ^net\\.core\\.somaxconn$ \n^net.ipv4.conf.IFNAME.[a-z_]*$\n";

  EXPECT_THAT(Check(lines, "net.core.somaxconn"), IsOk());
  EXPECT_THAT(Check(lines, "net.ipv4.conf.IFNAME.log_martians"), IsOk());
  EXPECT_THAT(Check(lines, "net.ipv4.conf.all.log_martians"),
              FailsWith(Code::kPermissionDenied, "net.ipv4.conf.all.log_martians is not allowed"));
}

TEST_F(AllowListTest, WithoutAFileAllowsEverything) {
  EXPECT_THAT(CheckSysctlIsAllowed(folder_.path() / "absent", "net.core.somaxconn"), IsOk());
}

TEST_F(AllowListTest, RefusesWhatItWouldReadAsSomethingElse) {
  for (const char* line : {"net.[^\\d]", "net\\.\\w+", "(?i)net", "net.(ipv4"}) {
    EXPECT_THAT(Check(line, "net.core.somaxconn"),
                FailsWith(Code::kFailedPrecondition, "is no extended regular expression"))
        << line;
  }
}

}  // namespace
}  // namespace trivet::cni
