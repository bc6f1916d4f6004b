#include "ctl/object/bundle.h"

#include "tests/testing/directories.h"
#include "tests/testing/matchers.h"

namespace trivet::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::TestWithParam;
using ::testing::ValuesIn;
using trivet::testing::FailsWith;
using trivet::testing::IsOk;

Result<Bundle> Read(std::string_view text) {
  ASSIGN_OR_RETURN(auto documents, manifest::Parse(text, "m.yaml"));
  return MakeBundle(std::move(documents));
}

// A pod manifest with lines added to its spec, and to its only container.
std::string PodWith(const std::string& spec, const std::string& container = "") {
  return "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n"
         "    image: i:1\n" +
         (container.empty() ? "" : "    " + container + "\n") +
         (spec.empty() ? "" : "  " + spec + "\n");
}

TEST(LoadBundle, ReadsTheExampleWithoutAWarning) {
  const auto bundle = LoadBundle(testing::SourceDirectory() / "examples/notes");
  ASSERT_THAT(bundle, IsOk());
  EXPECT_EQ(bundle->namespaces.size(), 2U);
  EXPECT_EQ(bundle->policies.size(), 1U);
  ASSERT_EQ(bundle->claims.size(), 1U);
  EXPECT_EQ(bundle->claims[0].object.request_bytes, 64 << 20);
  ASSERT_EQ(bundle->pods.size(), 3U);
  EXPECT_EQ(bundle->pods[0].object.metadata.Path(), "notes/server");
  EXPECT_THAT(bundle->warnings, ElementsAre());
}

TEST(MakeBundle, FillsRequestsFromLimits) {
  const auto bundle = Read(PodWith("", "resources: {limits: {cpu: 2, memory: 1Gi}}"));
  ASSERT_THAT(bundle, IsOk());
  const Resources& resources = bundle->pods[0].object.containers[0].resources;
  EXPECT_EQ(resources.cpu_request_milli, 2000);
  EXPECT_EQ(resources.memory_request_bytes, 1 << 30);
}

TEST(MakeBundle, ReadsSelinuxOptionsOfPodAndContainer) {
  const auto bundle =
      Read(PodWith("securityContext: {seLinuxOptions: {level: 's0:c1,c2'}}",
                   "securityContext: {seLinuxOptions: {user: u, role: r, type: spc_t}}"));
  ASSERT_THAT(bundle, IsOk());
  const Pod& pod = bundle->pods[0].object;
  EXPECT_EQ(pod.security.selinux->level, "s0:c1,c2");
  EXPECT_EQ(pod.containers[0].security.selinux->type, "spc_t");
  EXPECT_EQ(pod.containers[0].security.selinux->level, "");
}

TEST(MakeBundle, WarnsAboutProbesThatNobodyRuns) {
  const auto bundle = Read(PodWith("", "livenessProbe: {tcpSocket: {port: 80}}"));
  ASSERT_THAT(bundle, IsOk());
  EXPECT_THAT(bundle->warnings,
              ElementsAre(HasSubstr("m.yaml:1: spec.containers[0].livenessProbe: probes")));
}

TEST(MakeBundle, RefusesAnObjectThatIsThereTwice) {
  const std::string text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n";
  EXPECT_THAT(Read(text + "---\n" + text),
              FailsWith(Code::kInvalidArgument, "m.yaml:5: metadata.name: Namespace n"));
}

TEST(LoadBundle, FailsForAFolderWithoutManifests) {
  EXPECT_THAT(LoadBundle("/proc/self/task"), FailsWith(Code::kInvalidArgument, "no manifests"));
}

struct Bad {
  const char* name;
  std::string text;
  const char* message;
};
void PrintTo(const Bad& bad, std::ostream* out) {
  *out << bad.name;
}

std::string Claim(const std::string& spec) {
  return "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: " + spec + "\n";
}

const Bad kBad[] = {
    {"NotYaml", "a: [", "m.yaml:"},
    {"UnknownKind", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n",
     "m.yaml:1: kind: Deployment is not one of"},
    {"WrongVersion", "apiVersion: v2\nkind: Pod\nmetadata: {name: d}\n",
     "apiVersion: \"v2\" of Pod is not v1"},
    {"NoSpec", "apiVersion: v1\nkind: Pod\nmetadata: {name: d}\n", "m.yaml:1: spec: missing"},
    {"NoContainers", "apiVersion: v1\nkind: Pod\nmetadata: {name: d}\nspec: {}\n",
     "spec.containers: missing"},
    {"NameWithSlash", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a/b}\n", "metadata.name"},
    {"NameUpwards", "apiVersion: v1\nkind: Pod\nmetadata: {name: ..}\nspec: {}\n", "metadata.name"},
    {"SpecIsText", "apiVersion: v1\nkind: Pod\nmetadata: {name: d}\nspec: x\n",
     "spec: not an object"},
    {"UnknownField", PodWith("hostnam: x"), "m.yaml:1: spec.hostnam: unknown"},
    {"UnknownVolume", PodWith("volumes: [{name: v, configMap: {name: x}}]"),
     "spec.volumes[0].configMap: unknown"},
    {"NoVolumeSource", PodWith("volumes: [{name: v}]"), "spec.volumes[0]: needs exactly one"},
    {"MountOfNothing", PodWith("", "volumeMounts: [{name: v, mountPath: /v}]"),
     "mounts \"v\", which is not there"},
    {"SubPathUpwards", PodWith("", "volumeMounts: [{name: v, mountPath: /v, subPath: a/../..}]"),
     "subPath: absolute, or with .."},
    {"EnvFromSecret", PodWith("", "env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]"),
     "only fieldRef is supported"},
    {"PortTooLarge", PodWith("", "ports: [{containerPort: 70000}]"),
     "ports[0].containerPort: not in 1..65535"},
    {"PortIsText", PodWith("", "ports: [{containerPort: http}]"),
     "spec.containers[0].ports[0].containerPort"},
    {"BadQuantity", PodWith("", "resources: {limits: {memory: 1XB}}"),
     "resources.limits.memory: quantity \"1XB\": unknown unit"},
    {"UnknownResource", PodWith("", "resources: {limits: {nvidia.com/gpu: 1}}"),
     "resources.limits.nvidia.com/gpu: unknown"},
    {"RequestAboveLimit", PodWith("", "resources: {limits: {cpu: 1}, requests: {cpu: 2}}"),
     "requests.cpu: more than the limit"},
    {"AppArmor", PodWith("", "securityContext: {appArmorProfile: {type: Localhost}}"),
     "securityContext.appArmorProfile: unknown"},
    {"SelinuxOption", PodWith("securityContext: {seLinuxOptions: {label: x}}"),
     "seLinuxOptions.label: unknown"},
    {"SeccompType", PodWith("securityContext: {seccompProfile: {type: Strict}}"),
     "seccompProfile.type: not one of"},
    {"NegativeUser", PodWith("securityContext: {runAsUser: -1}"), "runAsUser: below zero"},
    {"UserNamespaceOnTheNodesNetwork", PodWith("hostUsers: false\n  hostNetwork: true"),
     "hostUsers: false goes with none of"},
    {"RestartPolicy", PodWith("restartPolicy: Sometimes"), "restartPolicy: not one of"},
    {"ClaimWithoutSize", Claim("{accessModes: [ReadWriteOnce]}"), "spec.resources: missing"},
    {"ClaimAccessMode", Claim("{accessModes: [RWO], resources: {requests: {storage: 1Gi}}}"),
     "spec.accessModes: \"RWO\" is unknown"},
    {"ClaimDataSource",
     Claim("{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, "
           "dataSource: {kind: VolumeSnapshot, name: s}}"),
     "spec.dataSource: unknown"},
    {"LabelKey", "apiVersion: v1\nkind: Namespace\nmetadata: {name: d, labels: {a/b/c: d}}\n",
     "metadata.labels: \"a/b/c\" is no label key"},
    {"PortNameOfNumber", PodWith("", "ports: [{containerPort: 80, name: 80}]"), "ports[0].name"},
};

std::string Policy(const std::string& spec) {
  return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: d}\nspec: " +
         spec + "\n";
}

std::string From(const std::string& peer) {
  return Policy("{ingress: [{from: [" + peer + "]}]}");
}

std::string ToPort(const std::string& port) {
  return Policy("{egress: [{ports: [" + port + "]}]}");
}

const Bad kBadPolicies[] = {
    {"WithoutSpec", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: d}\n",
     "m.yaml:1: spec: missing"},
    {"UnknownField", Policy("{ingres: []}"), "spec.ingres: unknown"},
    {"UnknownType", Policy("{policyTypes: [ingress]}"), "spec.policyTypes: \"ingress\" is not"},
    {"SelectorOfText", Policy("{podSelector: app}"), "spec.podSelector: not an object"},
    {"LabelWithBlank", Policy("{podSelector: {matchLabels: {app: a b}}}"),
     "spec.podSelector.matchLabels: app: \"a b\" is no label value"},
    {"LabelOfNumber", Policy("{podSelector: {matchLabels: {app: 1}}}"), "matchLabels"},
    {"Operator", Policy("{podSelector: {matchExpressions: [{key: a, operator: Is}]}}"),
     "matchExpressions[0].operator: not one of"},
    {"InOfNothing", Policy("{podSelector: {matchExpressions: [{key: a, operator: In}]}}"),
     "matchExpressions[0].values: missing for operator In"},
    {"ExistsOfSomething",
     Policy("{podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}"),
     "values: not allowed for operator Exists"},
    {"PeerOfNothing", From("{}"), "spec.ingress[0].from[0]: needs a podSelector"},
    {"PeerOfTwoKinds", From("{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}"),
     "from[0].ipBlock: not together"},
    {"UnknownPeer", From("{serviceSelector: {}}"), "from[0].serviceSelector: unknown"},
    {"Cidr", From("{ipBlock: {cidr: 10.0.0.0}}"),
     "spec.ingress[0].from[0].ipBlock.cidr: \"10.0.0.0\" is no ADDRESS/BITS"},
    {"CidrTooLong", From("{ipBlock: {cidr: 10.0.0.0/33}}"), "ipBlock.cidr"},
    {"ExceptOutside", From("{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}"),
     "ipBlock.except: 11.0.0.0/16 is not a part of 10.0.0.0/8"},
    {"ExceptEverything", From("{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}"),
     "is not a part of"},
    {"ExceptOfAnotherFamily", From("{ipBlock: {cidr: 10.0.0.0/8, except: ['fd00::/16']}}"),
     "is not a part of"},
    {"PortZero", ToPort("{port: 0}"), "spec.egress[0].ports[0].port: not in 1..65535"},
    {"PortOfTruth", ToPort("{port: true}"), "ports[0].port: not in 1..65535"},
    {"PortProtocol", ToPort("{protocol: ICMP}"), "ports[0].protocol: not one of"},
    {"EndWithoutPort", ToPort("{endPort: 80}"), "endPort: needs a port"},
    {"EndOfNamedPort", ToPort("{port: http, endPort: 80}"), "endPort: needs a port"},
    {"EndBelowPort", ToPort("{port: 90, endPort: 80}"), "endPort: below port"},
};

class MakeBundleRefuses : public TestWithParam<Bad> {};

TEST_P(MakeBundleRefuses, AndNamesFileFieldAndReason) {
  EXPECT_THAT(Read(GetParam().text), FailsWith(Code::kInvalidArgument, GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(Bad, MakeBundleRefuses, ValuesIn(kBad),
                         [](const auto& row) { return std::string(row.param.name); });
INSTANTIATE_TEST_SUITE_P(Policy, MakeBundleRefuses, ValuesIn(kBadPolicies),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(MakeBundle, TakesEveryKindOfRule) {
  const auto bundle = Read(
      Policy("{podSelector: {matchExpressions: [{key: example.org/tier, operator: NotIn, values: "
             "[a, '']}]},"
             " policyTypes: [Ingress, Egress], ingress: [{}, {from: [{podSelector: {}, "
             "namespaceSelector: {}}],"
             " ports: [{port: http}, {port: 1, endPort: 65535, protocol: SCTP}, {protocol: UDP}]}],"
             " egress: [{to: [{ipBlock: {cidr: 'fd00::/8', except: ['fd00:1::/32']}}]}]}"));
  ASSERT_THAT(bundle, IsOk());
  EXPECT_EQ(bundle->policies.size(), 1U);
}

}  // namespace
}  // namespace trivet::ctl
