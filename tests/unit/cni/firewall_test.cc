#include "cni/firewall/firewall_conf.h"

#include <gtest/gtest.h>

#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using testing::FailsWith;

Result<IngressPolicy> Parse(const char* members) {
  json::Value root = json::Value::parse(R"({"cniVersion": "1.1.0", "name": "net"})");
  root.update(json::Value::parse(members));
  return ParseIngressPolicy(*ParseNetConf(root));
}

TEST(ParseIngressPolicy, IsOpenUnlessToldOtherwise) {
  EXPECT_EQ(*Parse("{}"), IngressPolicy::kOpen);
  EXPECT_EQ(*Parse(R"({"ingressPolicy": "open", "backend": "iptables"})"), IngressPolicy::kOpen);
  EXPECT_EQ(*Parse(R"({"ingressPolicy": "same-bridge"})"), IngressPolicy::kSameBridge);
  EXPECT_EQ(*Parse(R"({"ingressPolicy": "isolated", "firewalldZone": "trusted"})"),
            IngressPolicy::kIsolated);
}

TEST(ParseIngressPolicy, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(Parse(R"({"ingressPolicy": "closed"})"),
              FailsWith(Code::kInvalidArgument, "ingressPolicy: 'closed' is none of"));
  EXPECT_THAT(Parse(R"({"ingressPolicy": true})"),
              FailsWith(Code::kInvalidArgument, "ingressPolicy: unexpected true"));
  EXPECT_THAT(Parse(R"({"backend": "ebpf"})"),
              FailsWith(Code::kInvalidArgument, "backend: 'ebpf'"));
}

TEST(ParseIngressPolicy, SaysWhatIsNotSupported) {
  EXPECT_THAT(Parse(R"({"backend": "firewalld"})"), FailsWith(Code::kUnimplemented, "firewalld"));
  EXPECT_THAT(Parse(R"({"iptablesAdminChainName": "X"})"),
              FailsWith(Code::kUnimplemented, "iptablesAdminChainName: 'X'"));
}

}  // namespace
}  // namespace trivet::cni
