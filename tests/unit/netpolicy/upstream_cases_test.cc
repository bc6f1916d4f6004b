#include "tests/unit/netpolicy/upstream_cases.h"

#include <fmt/format.h>

#include "tests/testing/matchers.h"
#include "tests/unit/netpolicy/cluster.h"

namespace trivet::netpolicy::upstream {
namespace {

constexpr const char* kNames = "abc";
constexpr const char* kNamespaces = "xyz";

std::string PodYaml(char name_space, char pod) {
  const int number = (name_space - 'x') * 3 + (pod - 'a') + 1;
  std::string yaml = fmt::format(R"(
apiVersion: v1
kind: Pod
metadata: {{name: {1}, namespace: {0}, labels: {{pod: {1}}}}}
status: {{podIPs: [{{ip: 10.0.0.{2}}}, {{ip: "fd00::{2}"}}]}}
spec:
  containers:
  - name: c
    ports:
)",
                                 name_space, pod, number);
  for (const char* protocol : {"TCP", "UDP", "SCTP"}) {
    for (const int port : {80, 81}) {
      yaml +=
          fmt::format("    - {{name: serve-{0}-{1}, containerPort: {0}, protocol: {2}}}\n", port,
                      protocol[0] == 'T'   ? "tcp"
                      : protocol[0] == 'U' ? "udp"
                                           : "sctp",
                      protocol);
    }
  }
  return yaml + "---";
}

// "x deny: {podSelector: {}}" lines to objects.
std::string PolicyYaml(std::string_view lines) {
  std::string yaml;
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    if (line.empty()) continue;
    const size_t colon = line.find(':');
    yaml += fmt::format(
        "\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        "metadata: {{name: {}, namespace: {}}}\nspec: {}\n---",
        line.substr(2, colon - 2), line.substr(0, 1), line.substr(colon + 1));
  }
  return yaml;
}

Cluster MakeCluster(const Case& test) {
  std::string yaml = "---";
  for (const char* ns = kNamespaces; *ns != 0; ++ns) {
    yaml += fmt::format(
        "\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {0}, labels: {{ns: {0}}}}}\n---",
        *ns);
    for (const char* pod = kNames; *pod != 0; ++pod) yaml += PodYaml(*ns, *pod);
  }
  Cluster cluster = ClusterOf(yaml + PolicyYaml(test.policies));
  const std::string relabel = test.relabel;
  if (relabel.starts_with("y ")) cluster.namespaces["y"]["ns2"] = "updated";
  if (relabel.starts_with("x/"))
    cluster.pods[{"x", relabel.substr(2, 1)}].labels["pod2"] = "updated";
  return cluster;
}

bool Matches(std::string_view pattern, const ObjectName& pod) {
  const std::string name = fmt::format("{}/{}", pod.first, pod.second);
  return pattern == "*" || pattern == name || pattern == pod.first + "/*";
}

bool Expected(const Case& test, const ObjectName& from, const ObjectName& to) {
  bool open = true;
  for (const Line& line : test.expect) {
    const std::string_view text = line.from_to;
    const size_t arrow = text.find(" -> ");
    if (Matches(text.substr(0, arrow), from) && Matches(text.substr(arrow + 4), to)) {
      open = line.open;
    }
  }
  return open;
}

class UpstreamCase : public ::testing::TestWithParam<Case> {
 protected:
  /// Calls `check(connection, expected, text)` for every pair of pods and both families.
  template <class Check>
  static void ForEachConnection(const Cluster& cluster, Check check) {
    for (const auto& [from, client] : cluster.pods) {
      for (const auto& [to, server] : cluster.pods) {
        if (from == to) continue;
        for (const size_t family : {0, 1}) {
          const Connection connection{client.addresses[family], server.addresses[family],
                                      GetParam().probe.protocol, GetParam().probe.port};
          check(connection, Expected(GetParam(), from, to),
                fmt::format("{}/{} -> {}/{} {}", from.first, from.second, to.first, to.second,
                            connection.to.ToString()));
        }
      }
    }
  }
};

TEST_P(UpstreamCase, IsWhatTheTableOfOneNodeDoes) {
  const Cluster cluster = MakeCluster(GetParam());
  const Ruleset ruleset = Compile({cluster, AttachmentsOfAll(cluster), {}});
  ForEachConnection(cluster, [&](const Connection& connection, bool open, const std::string& text) {
    EXPECT_EQ(Passes(ruleset, connection), open) << text;
  });
}

TEST_P(UpstreamCase, IsWhatTheTablesOfTwoNodesDoTogether) {
  const Cluster cluster = MakeCluster(GetParam());
  std::vector<ObjectName> first;
  std::vector<ObjectName> second;
  for (const auto& [name, pod] : cluster.pods) {
    ((pod.addresses[0].bytes[3] & 1) != 0 ? first : second).push_back(name);
  }
  const Ruleset one = Compile({cluster, AttachmentsOf(cluster, first), {}});
  const Ruleset other = Compile({cluster, AttachmentsOf(cluster, second), {}});
  ForEachConnection(cluster, [&](const Connection& connection, bool open, const std::string& text) {
    EXPECT_EQ(Passes(one, connection) && Passes(other, connection), open) << text;
  });
}

TEST_P(UpstreamCase, IsWhatTheExplanationSays) {
  const Cluster cluster = MakeCluster(GetParam());
  const World world{cluster, AttachmentsOfAll(cluster), {}};
  const AddressBook addresses(world);
  ForEachConnection(cluster, [&](const Connection& connection, bool open, const std::string& text) {
    EXPECT_EQ(Judge(world, addresses, connection).allowed(), open) << text;
  });
}

const auto kNameOfCase = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Peers, UpstreamCase, ::testing::ValuesIn(PeerCases()), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(CombinedPeers, UpstreamCase, ::testing::ValuesIn(CombinedPeerCases()),
                         kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Labels, UpstreamCase, ::testing::ValuesIn(LabelCases()), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Ports, UpstreamCase, ::testing::ValuesIn(PortCases()), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Egress, UpstreamCase, ::testing::ValuesIn(EgressCases()), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Blocks, UpstreamCase, ::testing::ValuesIn(BlockCases()), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Protocols, UpstreamCase, ::testing::ValuesIn(ProtocolCases()),
                         kNameOfCase);

}  // namespace
}  // namespace trivet::netpolicy::upstream
