#include "cri-runtime/service/sandbox_request.h"

#include <functional>

#include "tests/testing/matchers.h"

namespace trivet::cri {
namespace {

using testing::FailsWith;
using testing::IsOk;
namespace v1 = ::runtime::v1;

v1::RunPodSandboxRequest Request() {
  v1::RunPodSandboxRequest request;
  auto* metadata = request.mutable_config()->mutable_metadata();
  metadata->set_name("pod");
  metadata->set_namespace_("default");
  metadata->set_uid("u-1");
  metadata->set_attempt(2);
  return request;
}

TEST(ParseSandbox, TakesThePodsIdentity) {
  const auto config = ParseSandbox(Request());
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->metadata.namespace_name, "default");
  EXPECT_EQ(config->metadata.attempt, 2u);
}

TEST(ParseSandbox, SharesTheNamespacesByDefault) {
  const auto config = ParseSandbox(Request());
  EXPECT_EQ(config->namespaces.pid, sandbox::NamespaceMode::kPod);
  EXPECT_EQ(config->namespaces.network, sandbox::NamespaceMode::kPod);
}

TEST(ParseSandbox, DropsAPortMappingWithoutAHostPort) {
  v1::RunPodSandboxRequest request = Request();
  request.mutable_config()->add_port_mappings()->set_container_port(80);
  EXPECT_TRUE(ParseSandbox(request)->port_mappings.empty());
}

TEST(ParseSandbox, TakesSysctlsOfThePodsNamespaces) {
  v1::RunPodSandboxRequest request = Request();
  auto& sysctls = *request.mutable_config()->mutable_linux()->mutable_sysctls();
  sysctls["kernel.shm_rmid_forced"] = "1";
  sysctls["net.ipv4.ip_unprivileged_port_start"] = "0";
  sysctls["net.ipv4.conf.eth0/7.forwarding"] = "1";  // as the kubelet writes a VLAN's
  EXPECT_EQ(ParseSandbox(request)->sysctls.size(), 3u);
}

TEST(ParseSandbox, TakesANameServerWithItsInterface) {
  v1::RunPodSandboxRequest request = Request();
  request.mutable_config()->mutable_dns_config()->add_servers("fe80::1%eth0.7");
  const auto config = ParseSandbox(request);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->dns.servers.front(), "fe80::1%eth0.7");
}

struct BadRequest {
  std::string name;
  std::function<void(v1::PodSandboxConfig&)> spoil;
  Code code;
  std::string complaint;
};

class BadSandboxTable : public ::testing::TestWithParam<BadRequest> {};

TEST_P(BadSandboxTable, IsRefusedByTheNameOfTheField) {
  v1::RunPodSandboxRequest request = Request();
  GetParam().spoil(*request.mutable_config());
  EXPECT_THAT(ParseSandbox(request), FailsWith(GetParam().code, GetParam().complaint));
}

v1::LinuxSandboxSecurityContext& SecurityOf(v1::PodSandboxConfig& config) {
  return *config.mutable_linux()->mutable_security_context();
}
v1::NamespaceOption& NamespacesOf(v1::PodSandboxConfig& config) {
  return *config.mutable_linux()->mutable_security_context()->mutable_namespace_options();
}

INSTANTIATE_TEST_SUITE_P(
    ParseSandbox, BadSandboxTable,
    ::testing::Values(
        BadRequest{"NamespaceOfTwoArguments",
                   [](auto& c) { c.mutable_metadata()->set_namespace_("a;IP"); },
                   Code::kInvalidArgument, "namespace: unexpected \"a;IP"},
        BadRequest{"UidWithAnEqualsSign", [](auto& c) { c.mutable_metadata()->set_uid("a=b"); },
                   Code::kInvalidArgument, "uid: unexpected \"a=b"},
        BadRequest{"NoMetadata", [](auto& c) { c.clear_metadata(); }, Code::kInvalidArgument,
                   "metadata: name: missing"},
        BadRequest{"NoUid", [](auto& c) { c.mutable_metadata()->clear_uid(); },
                   Code::kInvalidArgument, "metadata: uid: missing"},
        BadRequest{"NameWithSlash", [](auto& c) { c.mutable_metadata()->set_name("../x"); },
                   Code::kInvalidArgument, "metadata: name"},
        BadRequest{"NameThatIsAnArgumentOfPlugins",
                   [](auto& c) { c.mutable_metadata()->set_name("a;K8S_POD_NAME=b"); },
                   Code::kInvalidArgument, "metadata: name: unexpected \"a;"},
        BadRequest{"HostnameWithLineFeed", [](auto& c) { c.set_hostname("a\nb"); },
                   Code::kInvalidArgument, "hostname"},
        BadRequest{"LongHostname", [](auto& c) { c.set_hostname(std::string(65, 'a')); },
                   Code::kInvalidArgument, "hostname"},
        BadRequest{"RelativeLogs", [](auto& c) { c.set_log_directory("logs"); },
                   Code::kInvalidArgument, "log_directory"},
        BadRequest{"LogsWithDotDot", [](auto& c) { c.set_log_directory("/a/../b"); },
                   Code::kInvalidArgument, "log_directory"},
        BadRequest{"ServerIsNoAddress", [](auto& c) { c.mutable_dns_config()->add_servers("x"); },
                   Code::kInvalidArgument, "dns_config: servers"},
        BadRequest{"ServerWithoutItsInterface",
                   [](auto& c) { c.mutable_dns_config()->add_servers("fe80::1%"); },
                   Code::kInvalidArgument, "dns_config: servers: fe80::1"},
        BadRequest{"ServerWithTwoLines",
                   [](auto& c) { c.mutable_dns_config()->add_servers("fe80::1%e\nsearch x"); },
                   Code::kInvalidArgument, "dns_config: servers"},
        BadRequest{"SearchWithLineFeed",
                   [](auto& c) { c.mutable_dns_config()->add_searches("a\nnameserver 1.1.1.1"); },
                   Code::kInvalidArgument, "dns_config: searches"},
        BadRequest{"PortOutOfRange",
                   [](auto& c) {
                     auto* mapping = c.add_port_mappings();
                     mapping->set_host_port(70000);
                     mapping->set_container_port(80);
                   },
                   Code::kInvalidArgument, "host_port: unexpected 70000"},
        BadRequest{"RelativeParent",
                   [](auto& c) { c.mutable_linux()->set_cgroup_parent("test.slice/pod"); },
                   Code::kInvalidArgument, "cgroup_parent: \"test.slice/pod\" is not absolute"},
        BadRequest{"ParentWithDotDot",
                   [](auto& c) { c.mutable_linux()->set_cgroup_parent("/a/../.."); },
                   Code::kInvalidArgument, "cgroup_parent"},
        BadRequest{"SysctlOfTheNode",
                   [](auto& c) { (*c.mutable_linux()->mutable_sysctls())["kernel.panic"] = "1"; },
                   Code::kInvalidArgument, "sysctls: kernel.panic"},
        BadRequest{"SysctlWithSlash",
                   [](auto& c) { (*c.mutable_linux()->mutable_sysctls())["net./../x"] = "1"; },
                   Code::kInvalidArgument, "sysctls: unexpected name"},
        BadRequest{"SysctlWithAnEmptyPart",
                   [](auto& c) { (*c.mutable_linux()->mutable_sysctls())["net.a//.x"] = "1"; },
                   Code::kInvalidArgument, "sysctls: unexpected name"},
        BadRequest{"NetworkSysctlOnTheNodesNetwork",
                   [](auto& c) {
                     NamespacesOf(c).set_network(v1::NODE);
                     (*c.mutable_linux()->mutable_sysctls())["net.ipv4.ip_forward"] = "1";
                   },
                   Code::kInvalidArgument, "sysctls: net.ipv4.ip_forward"},
        BadRequest{"NetworkOfAContainer",
                   [](auto& c) { NamespacesOf(c).set_network(v1::CONTAINER); },
                   Code::kInvalidArgument, "network: neither POD nor NODE"},
        BadRequest{"GroupWithoutUser",
                   [](auto& c) { SecurityOf(c).mutable_run_as_group()->set_value(1); },
                   Code::kInvalidArgument, "security_context: run_as_group: needs run_as_user"},
        BadRequest{"NegativeUser",
                   [](auto& c) { SecurityOf(c).mutable_run_as_user()->set_value(-1); },
                   Code::kInvalidArgument, "run_as_user: unexpected -1"},
        BadRequest{"NegativeGroup", [](auto& c) { SecurityOf(c).add_supplemental_groups(-1); },
                   Code::kInvalidArgument, "supplemental_groups: unexpected -1"},
        BadRequest{"PolicyOfGroups",
                   [](auto& c) {
                     SecurityOf(c).set_supplemental_groups_policy(
                         static_cast<v1::SupplementalGroupsPolicy>(7));
                   },
                   Code::kInvalidArgument, "supplemental_groups_policy: unexpected 7"},
        BadRequest{"UserNamespaceOfThePod",
                   [](auto& c) { NamespacesOf(c).mutable_userns_options()->set_mode(v1::POD); },
                   Code::kInvalidArgument, "userns_options: uids: 0 mappings"},
        BadRequest{
            "UserNamespaceOfTheContainer",
            [](auto& c) { NamespacesOf(c).mutable_userns_options()->set_mode(v1::CONTAINER); },
            Code::kInvalidArgument, "userns_options"}),
    [](const auto& row) { return row.param.name; });

TEST(ParseSandbox, RefusesAnUnknownRuntimeHandler) {
  v1::RunPodSandboxRequest request = Request();
  request.set_runtime_handler("kata");
  EXPECT_EQ(ParseSandbox(request)->runtime_handler, "kata");
}

}  // namespace
}  // namespace trivet::cri
