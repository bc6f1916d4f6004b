#include "netpolicy/plan/compile.h"

#include <gtest/gtest.h>

#include "tests/unit/netpolicy/cluster.h"

namespace trivet::netpolicy {
namespace {

constexpr const char* kOpenPod =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n, uid: u1}\n"
    "status: {podIP: 10.0.0.1}\n---\n";
constexpr const char* kFromAOnly =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: n, labels: {app: b}}\n"
    "status: {podIP: 10.0.0.2}\n---\n"
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: n}\n"
    "spec: {podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: "
    "{matchExpressions: [{key: app, operator: DoesNotExist}]}}]}]}\n";

Connection Between(const char* from, const char* to) {
  return {At(from), At(to), Protocol::kTcp, 80};
}

TEST(Compile, DeniesAPodWithoutAManifest) {
  const Cluster cluster;
  const Ruleset ruleset =
      Compile({cluster, {{.pod = {"n", "a"}, .addresses = {At("10.0.0.1")}}}, {}});
  EXPECT_FALSE(Passes(ruleset, Between("10.0.0.1", "1.1.1.1")));
  EXPECT_FALSE(Passes(ruleset, Between("1.1.1.1", "10.0.0.1")));
}

TEST(Compile, DeniesAPodWhoseManifestIsOfAnotherUid) {
  const Cluster cluster = ClusterOf(kOpenPod);
  const auto with_uid = [&](const char* uid) {
    return Compile({cluster, {{.pod = {"n", "a"}, .uid = uid, .addresses = {At("10.0.0.1")}}}, {}});
  };
  EXPECT_TRUE(Passes(with_uid("u1"), Between("1.1.1.1", "10.0.0.1")));
  EXPECT_TRUE(Passes(with_uid(""), Between("1.1.1.1", "10.0.0.1")));
  EXPECT_FALSE(Passes(with_uid("u2"), Between("1.1.1.1", "10.0.0.1")));
}

// The kubelet runs a static pod by the uid that its mirror's annotation tells.
TEST(Compile, TakesTheMirrorOfAStaticPodForItsManifest) {
  const Cluster cluster = ClusterOf(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n, uid: u1, annotations: "
      "{kubernetes.io/config.mirror: hash, other: x}}\n");
  const auto with_uid = [&](const char* uid) {
    return Compile({cluster, {{.pod = {"n", "a"}, .uid = uid, .addresses = {At("10.0.0.1")}}}, {}});
  };
  EXPECT_TRUE(Passes(with_uid("hash"), Between("1.1.1.1", "10.0.0.1")));
  EXPECT_FALSE(Passes(with_uid("u2"), Between("1.1.1.1", "10.0.0.1")));
}

TEST(Compile, LeavesAnAttachmentAloneThatIsNoPod) {
  const Cluster cluster;
  const Ruleset ruleset =
      Compile({cluster, {{.addresses = {At("10.0.0.1")}}}, {*Range::ParseCidr("10.0.0.0/24")}});
  EXPECT_TRUE(Passes(ruleset, Between("10.0.0.1", "1.1.1.1")));
}

TEST(Compile, DeniesAnUnknownAddressOfTheNodesRange) {
  const Cluster cluster;
  const Ruleset ruleset = Compile({cluster, {}, {*Range::ParseCidr("10.0.0.0/24")}});
  EXPECT_FALSE(Passes(ruleset, Between("10.0.0.9", "1.1.1.1")));
  EXPECT_FALSE(Passes(ruleset, Between("1.1.1.1", "10.0.0.9")));
  EXPECT_TRUE(Passes(ruleset, Between("1.1.1.1", "10.0.1.9")));
}

TEST(Compile, DeniesWhatNoPodWasGivenWhereAPodIsIsolated) {
  const Cluster cluster = ClusterOf(std::string(kOpenPod) + kFromAOnly);
  const Ruleset open = Compile({cluster, AttachmentsOf(cluster, {{"n", "a"}}), {}});
  const Ruleset isolated = Compile({cluster, AttachmentsOfAll(cluster), {}});
  for (const char* shared : {"fe80::2", "ff02::1", "224.0.0.1", "255.255.255.255"}) {
    const char* from = At(shared).is_ipv6() ? "fe80::1" : "10.0.0.1";
    EXPECT_TRUE(Passes(open, Between(from, shared))) << shared;
    EXPECT_FALSE(Passes(isolated, Between(from, shared))) << shared;
  }
}

TEST(Compile, GivesAnAddressToItsNewestOwner) {
  const Cluster cluster = ClusterOf(std::string(kOpenPod) + kFromAOnly);
  const LocalAddresses old_owner{.pod = {"n", "a"}, .addresses = {At("10.0.0.2")}};
  const LocalAddresses new_owner{.pod = {"n", "b"}, .addresses = {At("10.0.0.2")}};
  EXPECT_FALSE(
      Passes(Compile({cluster, {old_owner, new_owner}, {}}), Between("9.9.9.9", "10.0.0.2")));
  EXPECT_TRUE(
      Passes(Compile({cluster, {new_owner, old_owner}, {}}), Between("9.9.9.9", "10.0.0.2")));
}

// The manifest of a says 10.0.0.1, but a runs here with another address.
TEST(Compile, BelievesTheAttachmentMoreThanTheManifest) {
  const Cluster cluster = ClusterOf(std::string(kOpenPod) + kFromAOnly);
  const Ruleset ruleset = Compile({cluster,
                                   {{.pod = {"n", "a"}, .addresses = {At("10.0.0.7")}},
                                    {.pod = {"n", "b"}, .addresses = {At("10.0.0.2")}}},
                                   {}});
  EXPECT_TRUE(Passes(ruleset, Between("10.0.0.7", "10.0.0.2")));
  EXPECT_FALSE(Passes(ruleset, Between("10.0.0.1", "10.0.0.2")));
}

TEST(Compile, LetsAPodReachItselfWhateverThePoliciesSay) {
  const Cluster cluster = ClusterOf(kFromAOnly);
  const Ruleset ruleset = Compile({cluster, AttachmentsOfAll(cluster), {}});
  EXPECT_TRUE(Passes(ruleset, Between("10.0.0.2", "10.0.0.2")));
}

TEST(Compile, GivesPodsWithTheSamePoliciesOneChain) {
  std::string yaml = kFromAOnly;
  yaml +=
      "---\napiVersion: v1\nkind: Pod\nmetadata: {name: c, namespace: n, labels: {app: b}}\n"
      "status: {podIP: 10.0.0.3}\n";
  const Cluster cluster = ClusterOf(yaml);
  const Ruleset ruleset = Compile({cluster, AttachmentsOfAll(cluster), {}});
  EXPECT_EQ(ruleset.chains.size(), 2U);  // deny, and theirs
}

}  // namespace
}  // namespace trivet::netpolicy
