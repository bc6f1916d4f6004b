#include <gmock/gmock.h>

#include <netinet/in.h>

#include "cni/portmap/host_port.h"
#include "cni/portmap/port_map_conf.h"
#include "cni/portmap/port_policy.h"
#include "tests/testing/matchers.h"

namespace trivet::cni {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::IsOk;

Result<PortMapConf> Parse(const std::string& members) {
  json::Value root = json::Value::parse(R"({"cniVersion": "1.1.0", "name": "net"})");
  root.update(json::Value::parse(members));
  const auto conf = ParseNetConf(root);
  EXPECT_THAT(conf, IsOk());
  return ParsePortMapConf(*conf);
}

Result<PortMapConf> ParseMappings(const std::string& list) {
  return Parse(R"({"runtimeConfig": {"portMappings": )" + list + "}}");
}

TEST(ParsePortMapConf, WithoutAnyKeyAsksForNothing) {
  const auto conf = Parse("{}");

  ASSERT_THAT(conf, IsOk());
  EXPECT_TRUE(conf->mappings.empty());
  EXPECT_TRUE(conf->snat);
  EXPECT_FALSE(conf->masquerade_all);
  EXPECT_EQ(conf->mark_bit, 13U);
}

TEST(ParsePortMapConf, ReadsTheRuntimesMappingsAndSparesHostPortZero) {
  const auto conf = ParseMappings(R"([
      {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
      {"hostPort": 0, "containerPort": 81},
      {"hostPort": 53, "containerPort": 5353, "protocol": "UDP", "hostIP": "127.0.0.1"},
      {"hostPort": 53, "containerPort": 5353, "hostIP": ""}])");

  ASSERT_THAT(conf, IsOk());
  ASSERT_EQ(conf->mappings.size(), 3U);
  EXPECT_EQ(conf->mappings[0].protocol, IPPROTO_TCP);
  EXPECT_EQ(conf->mappings[0].host_port, 8080);
  EXPECT_EQ(conf->mappings[0].container_port, 80);
  EXPECT_EQ(conf->mappings[1].protocol, IPPROTO_UDP);
  EXPECT_EQ(conf->mappings[1].host_ip->ToString(), "127.0.0.1");
  EXPECT_FALSE(conf->mappings[2].host_ip);
}

struct BadMapping {
  std::string name;
  std::string list;
  std::string words;
  Code code = Code::kInvalidArgument;
};

class ParsePortMapConfRefuses : public ::testing::TestWithParam<BadMapping> {};

TEST_P(ParsePortMapConfRefuses, Mapping) {
  EXPECT_THAT(ParseMappings(GetParam().list), FailsWith(GetParam().code, GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    Bad, ParsePortMapConfRefuses,
    ::testing::Values(
        BadMapping{"NoList", "{}", "runtimeConfig: portMappings: not a list"},
        BadMapping{"NoObject", "[1]", "portMappings[0]: not an object"},
        BadMapping{"NoHostPort", R"([{"containerPort": 1}])", "portMappings[0]: hostPort: missing"},
        BadMapping{"HighPort", R"([{"hostPort": 65536, "containerPort": 1}])",
                   "hostPort: 65536 is not from 0 to 65535"},
        BadMapping{"NegativePort", R"([{"hostPort": -1, "containerPort": 1}])", "hostPort: -1"},
        BadMapping{"ContainerPortZero", R"([{"hostPort": 1, "containerPort": 0}])",
                   "containerPort: 0 is not from 1 to 65535"},
        BadMapping{"TextPort", R"([{"hostPort": "1", "containerPort": 1}])", "hostPort"},
        BadMapping{"Protocol", R"([{"hostPort": 1, "containerPort": 1, "protocol": "icmp"}])",
                   "protocol: 'icmp' is none of tcp, udp, sctp"},
        BadMapping{"Address", R"([{"hostPort": 1, "containerPort": 1, "hostIP": "x"}])", "hostIP"},
        BadMapping{"Loopback6", R"([{"hostPort": 1, "containerPort": 1, "hostIP": "::1"}])",
                   "hostIP: ::1 cannot be mapped", Code::kUnimplemented},
        BadMapping{"Twice",
                   R"([{"hostPort": 1, "containerPort": 1},
                       {"hostPort": 1, "containerPort": 2, "hostIP": "10.0.0.1"}])",
                   "portMappings[1]: host port 1/tcp is in the list twice"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(ParsePortMapConf, ReadsConditionsAsIptablesAndNftSpellThem) {
  const auto conf = Parse(R"({"conditionsV4": ["!", "-s", "10.1.2.3/8", "-d", "192.0.2.1"],
                              "conditionsV6": ["ip6 saddr != fd00::/8"]})");

  ASSERT_THAT(conf, IsOk());
  ASSERT_EQ(conf->conditions_v4.size(), 2U);
  EXPECT_TRUE(conf->conditions_v4[0].of_source);
  EXPECT_TRUE(conf->conditions_v4[0].negated);
  EXPECT_EQ(conf->conditions_v4[0].prefix.ToString(), "10.0.0.0/8");
  EXPECT_FALSE(conf->conditions_v4[1].of_source);
  EXPECT_EQ(conf->conditions_v4[1].prefix.ToString(), "192.0.2.1/32");
  ASSERT_EQ(conf->conditions_v6.size(), 1U);
  EXPECT_TRUE(conf->conditions_v6[0].negated);
}

TEST(ParsePortMapConf, RefusesWhatItCannotDo) {
  EXPECT_THAT(Parse(R"({"conditionsV4": ["-i", "eth0"]})"),
              FailsWith(Code::kUnimplemented, "conditionsV4: '-i' is not supported"));
  EXPECT_THAT(Parse(R"({"conditionsV4": ["-s"]})"),
              FailsWith(Code::kInvalidArgument, "conditionsV4: ends without CIDR"));
  EXPECT_THAT(Parse(R"({"conditionsV6": ["-s", "10.0.0.0/8"]})"),
              FailsWith(Code::kInvalidArgument, "is not of IPv6"));
  EXPECT_THAT(Parse(R"({"markMasqBit": 32})"), FailsWith(Code::kInvalidArgument, "markMasqBit"));
  EXPECT_THAT(Parse(R"({"backend": "ebpf"})"), FailsWith(Code::kInvalidArgument, "'ebpf'"));
  EXPECT_THAT(Parse(R"({"externalSetMarkChain": "KUBE-MARK-MASQ"})"),
              FailsWith(Code::kUnimplemented, "externalSetMarkChain"));
  EXPECT_THAT(Parse(R"({"externalSetMarkChain": "X", "markMasqBit": 1})"),
              FailsWith(Code::kInvalidArgument, "not together with markMasqBit"));
}

const json::Value kPrevious = json::Value::parse(R"({"cniVersion": "1.1.0",
    "interfaces": [{"name": "br0"}, {"name": "eth0", "sandbox": "/run/netns/a"}],
    "ips": [{"address": "10.9.0.1/24", "interface": 0}, {"address": "10.9.0.2/24", "interface": 1},
            {"address": "10.9.0.3/24", "interface": 1}, {"address": "fd09::2/64"}]})");

TEST(FindContainerAddresses, TakesTheFirstOfEachFamilyThatIsInTheContainer) {
  const auto found = FindContainerAddresses(*ParseAddResult(kPrevious), "eth0");

  EXPECT_EQ(found.v4->ToString(), "10.9.0.2/24");
  EXPECT_EQ(found.v6->ToString(), "fd09::2/64");
  EXPECT_FALSE(FindContainerAddresses(*ParseAddResult(kPrevious), "eth1").v4);
}

std::vector<std::string> Descriptions(const std::vector<HostPort>& ports) {
  std::vector<std::string> texts;
  for (const HostPort& port : ports) {
    texts.push_back(Describe(port) + " to " + port.container.ToString());
  }
  return texts;
}

TEST(PlanHostPorts, MapsEachFamilyThatBothHave) {
  const auto container = FindContainerAddresses(*ParseAddResult(kPrevious), "eth0");
  const auto conf = ParseMappings(R"([{"hostPort": 1, "containerPort": 1, "protocol": "sctp"},
      {"hostPort": 2, "containerPort": 1, "hostIP": "0.0.0.0"},
      {"hostPort": 3, "containerPort": 1, "hostIP": "fd99::1"}])");
  ASSERT_THAT(conf, IsOk());

  const auto ports = PlanHostPorts(conf->mappings, container);

  ASSERT_THAT(ports, IsOk());
  EXPECT_THAT(Descriptions(*ports),
              ElementsAre("1/sctp to 10.9.0.2", "1/sctp to fd09::2", "2/tcp to 10.9.0.2",
                          "3/tcp of fd99::1 to fd09::2"));
  const auto read = ParseHostPorts(ToJson(*ports));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(Descriptions(*read), Descriptions(*ports));
  EXPECT_THAT(PlanHostPorts(conf->mappings, {.v4 = container.v4, .v6 = {}}),
              FailsWith(Code::kInvalidArgument, "host port 3/tcp: the container has no address"));
}

TEST(PolicyChainName, IsTheSameForTheSamePolicyAlone) {
  PortPolicy policy{.subnet = *IpPrefix::Parse("10.9.0.2/24"), .conditions = {}};
  const std::string name = PolicyChainName(policy);

  policy.subnet = *IpPrefix::Parse("10.9.0.3/24");
  EXPECT_EQ(PolicyChainName(policy), name);
  policy.masquerade_all = true;
  EXPECT_NE(PolicyChainName(policy), name);
  EXPECT_TRUE(IsPolicyChain(name));
  EXPECT_FALSE(IsPolicyChain("host_ports"));
}

}  // namespace
}  // namespace trivet::cni
