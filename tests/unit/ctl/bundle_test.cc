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
    {"SeccompType", PodWith("securityContext: {seccompProfile: {type: Strict}}"),
     "seccompProfile.type: not one of"},
    {"NegativeUser", PodWith("securityContext: {runAsUser: -1}"), "runAsUser: below zero"},
    {"UserNamespace", PodWith("hostUsers: false"), "hostUsers: user namespaces"},
    {"RestartPolicy", PodWith("restartPolicy: Sometimes"), "restartPolicy: not one of"},
    {"ClaimWithoutSize", Claim("{accessModes: [ReadWriteOnce]}"), "spec.resources: missing"},
    {"ClaimAccessMode", Claim("{accessModes: [RWO], resources: {requests: {storage: 1Gi}}}"),
     "spec.accessModes: \"RWO\" is unknown"},
    {"ClaimDataSource",
     Claim("{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, "
           "dataSource: {kind: VolumeSnapshot, name: s}}"),
     "spec.dataSource: unknown"},
    {"PolicyField",
     "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: d}\nspec: {ingres: "
     "[]}",
     "spec.ingres: unknown"},
};

class MakeBundleRefuses : public TestWithParam<Bad> {};

TEST_P(MakeBundleRefuses, AndNamesFileFieldAndReason) {
  EXPECT_THAT(Read(GetParam().text), FailsWith(Code::kInvalidArgument, GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(Bad, MakeBundleRefuses, ValuesIn(kBad),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace trivet::ctl
