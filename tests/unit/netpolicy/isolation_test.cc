#include "netpolicy/model/isolation.h"

#include <gmock/gmock.h>

#include "netpolicy/model/index.h"
#include "tests/unit/netpolicy/cluster.h"

namespace trivet::netpolicy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Isolation IsolationOfPod(const char* specs, Direction direction = Direction::kIngress) {
  std::string yaml =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n, labels: {pod: a}}\n"
      "spec: {containers: [{ports: [{name: web, containerPort: 80}, "
      "{name: web, containerPort: 81, protocol: UDP}]}]}\n---\n";
  int number = 0;
  std::string_view rest = specs;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    yaml +=
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {namespace: n, name: p" +
        std::to_string(number++) + "}\nspec: " + std::string(rest.substr(0, end)) + "\n---\n";
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  const Cluster cluster = ClusterOf(yaml);
  const ClusterIndex index(cluster);
  const Pod& pod = cluster.pods.at({"n", "a"});
  return IsolationOf(index.PoliciesOf(pod), pod, direction);
}

TEST(IsolationOf, IsNoneWithoutAPolicyOfTheDirection) {
  EXPECT_FALSE(IsolationOfPod("").isolated);
  EXPECT_FALSE(IsolationOfPod("{podSelector: {}, policyTypes: [Egress]}").isolated);
  EXPECT_FALSE(IsolationOfPod("{podSelector: {matchLabels: {pod: b}}}").isolated);
}

TEST(IsolationOf, AllowsNothingWithoutARule) {
  const Isolation isolation = IsolationOfPod("{podSelector: {}}");
  EXPECT_TRUE(isolation.isolated);
  EXPECT_THAT(isolation.allowances, IsEmpty());
}

TEST(IsolationOf, JoinsThePeersOfRulesWithTheSamePorts) {
  const Isolation isolation = IsolationOfPod(
      "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}, {port: 81}]}]}\n"
      "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 81}, "
      "{port: 80}]}]}");
  ASSERT_THAT(isolation.allowances, SizeIs(1));
  EXPECT_THAT(isolation.allowances[0].ports, ElementsAre(PortRange{Protocol::kTcp, 80, 81}));
  EXPECT_THAT(isolation.allowances[0].selectors, SizeIs(1));
  EXPECT_THAT(isolation.allowances[0].blocks, SizeIs(1));
}

TEST(IsolationOf, ResolvesNamedIngressPortsByThePodAndTheProtocol) {
  const Isolation isolation =
      IsolationOfPod("{podSelector: {}, ingress: [{ports: [{port: web}]}]}");
  ASSERT_THAT(isolation.allowances, SizeIs(1));
  EXPECT_THAT(isolation.allowances[0].ports, ElementsAre(PortRange{Protocol::kTcp, 80, 80}));
}

TEST(IsolationOf, AllowsNothingByAPortNameThatThePodDoesNotHave) {
  EXPECT_THAT(IsolationOfPod("{podSelector: {}, ingress: [{ports: [{port: nope}]}]}").allowances,
              IsEmpty());
}

TEST(IsolationOf, KeepsNamedEgressPortsForTheirDestinations) {
  const Isolation isolation =
      IsolationOfPod("{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: web}]}]}",
                     Direction::kEgress);
  ASSERT_THAT(isolation.allowances, SizeIs(1));
  EXPECT_THAT(isolation.allowances[0].named_ports, ElementsAre(std::pair(Protocol::kTcp, "web")));
}

TEST(MergePorts, JoinsNeighboursOfOneProtocol) {
  EXPECT_THAT(
      Merge({{Protocol::kUdp, 81, 90},
             {Protocol::kTcp, 80, 80},
             {Protocol::kTcp, 81, 90},
             {Protocol::kTcp, 65535, 65535}}),
      ElementsAre(PortRange{Protocol::kTcp, 80, 90}, PortRange{Protocol::kTcp, 65535, 65535},
                  PortRange{Protocol::kUdp, 81, 90}));
}

}  // namespace
}  // namespace trivet::netpolicy
