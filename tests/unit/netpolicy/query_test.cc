#include "netpolicy/explain/query.h"

#include <gmock/gmock.h>

#include "tests/testing/matchers.h"
#include "tests/unit/netpolicy/cluster.h"

namespace trivet::netpolicy {
namespace {

using testing::FailsWith;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::SizeIs;

class QueryTest : public ::testing::Test {
 protected:
  const Cluster cluster_ = ClusterOf(R"(
apiVersion: v1
kind: Pod
metadata: {name: dual, namespace: n}
status: {podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: n, labels: {app: server}}
status: {podIPs: [{ip: 10.0.0.2}, {ip: 'fd00::2'}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: n}
spec: {podSelector: {matchLabels: {app: server}}, ingress: [{ports: [{port: 80}]}]}
)");
  const World world_{cluster_,
                     {{.pod = {"n", "server"}, .addresses = {At("10.0.0.2"), At("fd00::2")}},
                      {.pod = {"n", "unknown"}, .addresses = {At("10.0.0.3")}}},
                     {}};
  const AddressBook addresses_{world_};
};

TEST_F(QueryTest, AsksForEachFamilyThatBothEndsHave) {
  EXPECT_THAT(*ParseQuery(addresses_, {"n/dual", "n/server", "80"}), SizeIs(2));
  EXPECT_THAT(*ParseQuery(addresses_, {"n/dual", "10.0.0.2", "80/UDP"}), SizeIs(1));
}

TEST_F(QueryTest, FindsAPodWithoutAManifestByItsAttachment) {
  const auto connections = ParseQuery(addresses_, {"n/unknown", "1.1.1.1", "80"});
  ASSERT_THAT(connections, IsOk());
  const Verdict verdict = Judge(world_, addresses_, connections->front());
  EXPECT_FALSE(verdict.allowed());
  EXPECT_THAT(Describe(connections->front(), verdict), HasSubstr("no manifest"));
}

TEST_F(QueryTest, SaysWhichRuleDoesNotMatchAndWhy) {
  const auto connections = ParseQuery(addresses_, {"10.9.9.9", "10.0.0.2", "81"});
  ASSERT_THAT(connections, IsOk());
  const std::string text =
      Describe(connections->front(), Judge(world_, addresses_, connections->front()));
  EXPECT_THAT(text, HasSubstr("10.9.9.9 -> 10.0.0.2 81/TCP: DENIED"));
  EXPECT_THAT(text, HasSubstr("n/p ingress[0]: the port does not match"));
}

TEST_F(QueryTest, SaysThatNobodyIsReachedByAnAddressThatNoPodWasGiven) {
  const auto connections = ParseQuery(addresses_, {"fe80::1", "fe80::2", "80"});
  ASSERT_THAT(connections, IsOk());
  const Verdict verdict = Judge(world_, addresses_, connections->front());
  EXPECT_FALSE(verdict.allowed());
  EXPECT_THAT(Describe(connections->front(), verdict), HasSubstr("that no pod was given"));
}

TEST_F(QueryTest, SaysWhatAnotherNodeDecides) {
  const auto connections = ParseQuery(addresses_, {"n/dual", "10.0.0.2", "80"});
  const std::string text =
      Describe(connections->front(), Judge(world_, addresses_, connections->front()));
  EXPECT_THAT(text, HasSubstr("from n/dual (10.0.0.1): allowed; no policy isolates its egress (not "
                              "this node's to decide)"));
}

TEST_F(QueryTest, RefusesWordsThatMeanNothing) {
  EXPECT_THAT(ParseQuery(addresses_, {"n/absent", "10.0.0.2", "80"}),
              FailsWith(Code::kNotFound, "no address of a pod n/absent"));
  EXPECT_THAT(ParseQuery(addresses_, {"10.0.0.x", "10.0.0.2", "80"}),
              FailsWith(Code::kInvalidArgument, "'10.0.0.x' is not an IP address"));
  EXPECT_THAT(ParseQuery(addresses_, {"fd00::1", "10.0.0.2", "80"}),
              FailsWith(Code::kInvalidArgument, "no address family in common"));
  for (const char* port : {"", "0", "65536", "http", "80/ICMP", "80/"}) {
    EXPECT_THAT(ParseQuery(addresses_, {"10.0.0.1", "10.0.0.2", port}),
                FailsWith(Code::kInvalidArgument, ""))
        << port;
  }
}

}  // namespace
}  // namespace trivet::netpolicy
