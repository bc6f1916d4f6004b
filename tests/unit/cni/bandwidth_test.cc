#include "cni/bandwidth/bandwidth_conf.h"

#include <gtest/gtest.h>

#include <limits>

#include "cni/bandwidth/ifb.h"
#include "cni/bandwidth/token_bucket.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::FailsWith;
using testing::IsOk;

Result<BandwidthConf> Parse(const char* members) {
  json::Value root = json::Value::parse(R"({"cniVersion": "1.1.0", "name": "net"})");
  root.update(json::Value::parse(members));
  const auto conf = ParseNetConf(root);
  EXPECT_THAT(conf, IsOk());
  return ParseBandwidthConf(*conf);
}

TEST(ParseBandwidthConf, WithoutAnyKeyAsksForNothing) {
  const auto conf = Parse("{}");

  ASSERT_THAT(conf, IsOk());
  EXPECT_TRUE(conf->empty());
}

TEST(ParseBandwidthConf, ReadsTheRuntimesLimits) {
  const auto conf = Parse(R"({"runtimeConfig": {"bandwidth": {"ingressRate": 1000,
      "ingressBurst": 800, "egressRate": 2000, "egressBurst": 4294967295}}})");

  ASSERT_THAT(conf, IsOk());
  EXPECT_EQ(conf->ingress, (BandwidthLimit{1000, 800}));
  EXPECT_EQ(conf->egress, (BandwidthLimit{2000, 4294967295}));
}

TEST(ParseBandwidthConf, ReadsTheRuntimesLimitsAsTheReferencesSpecsSpellThem) {
  const auto conf = Parse(R"({"runtimeConfig": {"bandWidth": {"ingressRate": 1000,
      "ingressBurst": 800}}})");

  ASSERT_THAT(conf, IsOk());
  EXPECT_EQ(conf->ingress, (BandwidthLimit{1000, 800}));
}

TEST(ParseBandwidthConf, PrefersItsOwnKeysToTheRuntimes) {
  const auto conf = Parse(R"({"ingressRate": 0, "ingressBurst": 0, "runtimeConfig":
      {"bandwidth": {"ingressRate": 1000, "ingressBurst": 800}}})");

  ASSERT_THAT(conf, IsOk());
  EXPECT_TRUE(conf->empty());
}

TEST(ParseBandwidthConf, ReadsSubnetsOfBothFamilies) {
  const auto only = Parse(R"({"shapedSubnets": ["10.1.2.3/8", "fd00::/16"]})");
  const auto all_but = Parse(R"({"unshapedSubnets": ["10.0.0.0/8"]})");

  ASSERT_THAT(only, IsOk());
  ASSERT_THAT(all_but, IsOk());
  EXPECT_EQ(only->peers.kind, ShapedPeers::Kind::kOnlyListed);
  ASSERT_EQ(only->peers.subnets.size(), 2U);
  EXPECT_EQ(only->peers.subnets[0].ToString(), "10.0.0.0/8");
  EXPECT_EQ(all_but->peers.kind, ShapedPeers::Kind::kAllButListed);
}

TEST(ParseBandwidthConf, ReadsTheRuntimesSubnets) {
  const auto conf = Parse(R"({"runtimeConfig": {"bandwidth": {"ingressRate": 1000,
      "ingressBurst": 800, "unshapedSubnets": ["10.0.0.0/8"]}}})");

  ASSERT_THAT(conf, IsOk());
  EXPECT_EQ(conf->peers.kind, ShapedPeers::Kind::kAllButListed);
}

struct BadBandwidth {
  const char* name;
  const char* members;
  const char* words;
};

class ParseBandwidthConfRefuses : public ::testing::TestWithParam<BadBandwidth> {};

TEST_P(ParseBandwidthConfRefuses, AndSaysWhy) {
  EXPECT_THAT(Parse(GetParam().members), FailsWith(Code::kInvalidArgument, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Values, ParseBandwidthConfRefuses,
    ::testing::Values(
        BadBandwidth{"RateAlone", R"({"ingressRate": 8000})", "burst must also be set"},
        BadBandwidth{"BurstAlone", R"({"egressBurst": 8000})", "rate must also be set"},
        BadBandwidth{"BurstOf4GiB", R"({"egressRate": 8, "egressBurst": 34359738360})",
                     "egressBurst: 34359738360: burst cannot be more than 4GB"},
        BadBandwidth{"LessThanAByte", R"({"egressRate": 7, "egressBurst": 8})", "less than 8"},
        BadBandwidth{"NegativeRate", R"({"ingressRate": -1, "ingressBurst": 8})",
                     "ingressRate: unexpected -1"},
        BadBandwidth{"RateText", R"({"ingressRate": "1M"})", "ingressRate"},
        BadBandwidth{"RuntimeText", R"({"runtimeConfig": {"bandwidth": "1M"}})",
                     "bandwidth: not an object"},
        BadBandwidth{"BothLists",
                     R"({"shapedSubnets": ["10.0.0.0/8"], "unshapedSubnets": ["fd00::/8"]})",
                     "exclude each other"},
        BadBandwidth{"SubnetWithoutLength", R"({"shapedSubnets": ["10.0.0.1"]})", "shapedSubnets"},
        BadBandwidth{"SubnetNumber", R"({"unshapedSubnets": [10]})", "unshapedSubnets"}),
    [](const auto& test) { return test.param.name; });

TEST(MakeTokenBucket, IsTheReferencesBucket) {
  // tc qdisc add … tbf rate 8mbit burst 100kB latency 25ms
  const TokenBucket bucket = MakeTokenBucket({8'000'000, 800'000});

  EXPECT_EQ(bucket.rate_bytes_per_second, 1'000'000U);
  EXPECT_EQ(bucket.buffer_ticks, 1'562'500U);  // 100 ms
  EXPECT_EQ(bucket.limit_bytes, 125'000U);
}

TEST(MakeTokenBucket, SaturatesWhatTheKernelCannotCount) {
  const auto kMax = std::numeric_limits<uint32_t>::max();

  EXPECT_EQ(MakeTokenBucket({8, kMax}).buffer_ticks, kMax);
  EXPECT_EQ(MakeTokenBucket({std::numeric_limits<uint64_t>::max(), 8}).limit_bytes, kMax);
}

TEST(IfbName, IsTheReferencesName) {
  EXPECT_EQ(IfbName({"cni-plugin-bandwidth-test", "dummy", "eth0"}), "bwpa8eda89404b7");
}

}  // namespace
}  // namespace trivet::cni
