#include "cri-runtime/container/cdi_registry.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_directory.h"

namespace trivet::container::cdi {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using ::testing::HasSubstr;
using testing::IsOk;

constexpr std::string_view kSpec = R"({
  "cdiVersion": "0.6.0", "kind": "vendor.com/gpu",
  "containerEdits": {"env": ["DRIVER=1"], "additionalGids": [0, 44]},
  "devices": [
    {"name": "gpu0", "containerEdits": {
      "env": ["GPU=0"],
      "deviceNodes": [{"path": "/dev/gpu0", "hostPath": "/dev/null", "type": "c", "major": 1,
                       "minor": 3, "permissions": "rw", "fileMode": 384, "gid": 44}],
      "mounts": [{"hostPath": "/lib/x.so", "containerPath": "/lib/x.so",
                  "options": ["ro", "nosuid", "nodev", "bind"]}]}},
    {"name": "gpu1", "containerEdits": {"env": ["GPU=1"]}}]})";

TEST(ParseSpec, ReadsJsonAndYaml) {
  const auto json = ParseSpec(kSpec, "a.json");
  ASSERT_THAT(json, IsOk());
  EXPECT_EQ(json->kind, "vendor.com/gpu");
  ASSERT_EQ(json->devices.size(), 2u);
  const Edits& edits = json->devices[0].edits;
  EXPECT_EQ(edits.devices[0].host_path, "/dev/null");
  EXPECT_EQ(edits.devices[0].major, 1);
  EXPECT_EQ(edits.devices[0].mode, 0600u);
  EXPECT_EQ(edits.devices[0].uid, std::nullopt);
  EXPECT_EQ(edits.devices[0].gid, 44u);
  EXPECT_TRUE(edits.mounts[0].readonly);
  EXPECT_THAT(edits.mounts[0].options, ElementsAre("nosuid", "nodev"));

  const auto yaml = ParseSpec(
      "cdiVersion: 1.1.0\nkind: v.io/net\ndevices:\n- name: all\n  containerEdits:\n    env: "
      "[A=b]\n",
      "a.yaml");
  ASSERT_THAT(yaml, IsOk());
  EXPECT_THAT(yaml->devices[0].edits.env, ElementsAre("A=b"));
}

TEST(ParseSpec, TakesWhatTheReferenceLibraryTakes) {
  const auto spec = ParseSpec(R"({"cdiVersion": "v0.6.0", "kind": "v/c", "devices": [{"name": "d",
      "containerEdits": {"deviceNodes": [
          {"path": "/dev/a", "type": "c", "major": 195, "permissions": "none"}]}}]})",
                              "a.json");
  ASSERT_THAT(spec, IsOk());
  const Device& device = spec->devices[0].edits.devices[0];
  EXPECT_EQ(device.minor, 0);
  EXPECT_EQ(device.permissions, "none");
}

struct HostileSpec {
  std::string name;
  std::string text;
  Code code;
  std::string complaint;
};

class HostileSpecTable : public ::testing::TestWithParam<HostileSpec> {};

TEST_P(HostileSpecTable, IsRefusedByTheNameOfTheField) {
  EXPECT_THAT(ParseSpec(GetParam().text, "f.yaml"),
              FailsWith(GetParam().code, GetParam().complaint));
}

std::string WithEdits(const std::string& edits) {
  return R"({"cdiVersion": "0.6.0", "kind": "v.io/c", "devices": [{"name": "d",
          "containerEdits": {)" +
         edits + "}}]}";
}

INSTANTIATE_TEST_SUITE_P(
    ParseSpec, HostileSpecTable,
    ::testing::Values(
        HostileSpec{"NoYaml", "{", Code::kInvalidArgument, "f.yaml"},
        HostileSpec{"Empty", "", Code::kInvalidArgument, "documents"},
        HostileSpec{"List", "[1]", Code::kInvalidArgument, "not an object"},
        HostileSpec{"NoVersion", R"({"kind": "v/c"})", Code::kInvalidArgument, "cdiVersion"},
        HostileSpec{"NewerVersion", R"({"cdiVersion": "2.0.0", "kind": "v/c"})",
                    Code::kInvalidArgument, "cdiVersion: unexpected \"2.0.0\""},
        HostileSpec{"KindOutOfItsFolder", R"({"cdiVersion": "0.6.0", "kind": "../../x/y"})",
                    Code::kInvalidArgument, "kind"},
        HostileSpec{"UnknownKey", R"({"cdiVersion": "0.6.0", "kind": "v/c", "x": 1})",
                    Code::kInvalidArgument, "x"},
        HostileSpec{"DevicesNoList", R"({"cdiVersion": "0.6.0", "kind": "v/c", "devices": 1})",
                    Code::kInvalidArgument, "devices: not a list"},
        HostileSpec{"DeviceNoObject", R"({"cdiVersion": "0.6.0", "kind": "v/c", "devices": [1]})",
                    Code::kInvalidArgument, "devices[0]: not an object"},
        HostileSpec{"EditsNoObject",
                    R"({"cdiVersion": "0.6.0", "kind": "v/c", "containerEdits": []})",
                    Code::kInvalidArgument, "containerEdits: not an object"},
        HostileSpec{"EnvWithoutName", WithEdits(R"("env": ["=x"])"), Code::kInvalidArgument, "env"},
        HostileSpec{"EnvWithNul", WithEdits(R"("env": ["A=\u0000"])"), Code::kInvalidArgument,
                    "env"},
        HostileSpec{"RelativeNode", WithEdits(R"("deviceNodes": [{"path": "dev/x"}])"),
                    Code::kInvalidArgument, "deviceNodes[0]: path"},
        HostileSpec{"ClimbingNode", WithEdits(R"("deviceNodes": [{"path": "/dev/../etc/shadow"}])"),
                    Code::kInvalidArgument, "deviceNodes[0]: path"},
        HostileSpec{"FifoNode", WithEdits(R"("deviceNodes": [{"path": "/dev/x", "type": "p"}])"),
                    Code::kInvalidArgument, "type"},
        HostileSpec{"HugeMajor",
                    WithEdits(R"("deviceNodes": [{"path": "/dev/x", "major": 1e300}])"),
                    Code::kInvalidArgument, "major"},
        HostileSpec{"NegativeUid", WithEdits(R"("deviceNodes": [{"path": "/dev/x", "uid": -1}])"),
                    Code::kInvalidArgument, "uid"},
        HostileSpec{"MountWithNewline",
                    WithEdits(R"("mounts": [{"hostPath": "/a\nb", "containerPath": "/c"}])"),
                    Code::kInvalidArgument, "hostPath"},
        HostileSpec{"OddMountOption",
                    WithEdits(R"("mounts": [{"hostPath": "/a", "containerPath": "/c",
                                             "options": ["suid_dump"]}])"),
                    Code::kInvalidArgument, "options"},
        HostileSpec{"NegativeGid", WithEdits(R"("additionalGids": [-1])"), Code::kInvalidArgument,
                    "additionalGids"},
        HostileSpec{"OddHookName", WithEdits(R"("hooks": [{"hookName": "x", "path": "/bin/sh"}])"),
                    Code::kInvalidArgument, "hooks[0]: hookName: unexpected \"x\""},
        HostileSpec{"RelativeHook",
                    WithEdits(R"("hooks": [{"hookName": "poststop", "path": "bin/sh"}])"),
                    Code::kInvalidArgument, "hooks[0]: path"},
        HostileSpec{"HookWithoutPath", WithEdits(R"("hooks": [{"hookName": "poststop"}])"),
                    Code::kInvalidArgument, "path"},
        HostileSpec{"HookArgWithNul", WithEdits(R"("hooks": [{"hookName": "poststop",
                                                "path": "/bin/sh", "args": ["\u0000"]}])"),
                    Code::kInvalidArgument, "args"},
        HostileSpec{"HookEnvWithoutName", WithEdits(R"("hooks": [{"hookName": "poststop",
                                                    "path": "/bin/sh", "env": ["x"]}])"),
                    Code::kInvalidArgument, "env"},
        HostileSpec{"NegativeHookTimeout", WithEdits(R"("hooks": [{"hookName": "poststop",
                                                     "path": "/bin/sh", "timeout": -1}])"),
                    Code::kInvalidArgument, "timeout: -1"},
        HostileSpec{"HookTimeoutZero", WithEdits(R"("hooks": [{"hookName": "poststop",
                                                 "path": "/bin/sh", "timeout": 0}])"),
                    Code::kInvalidArgument, "timeout: 0"},
        HostileSpec{"BillionLaughs", R"(cdiVersion: "0.6.0"
kind: v/c
devices: &a [x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x]
containerEdits: {env: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a],
  mounts: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b],
  hooks: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]})",
                    Code::kInvalidArgument, "too many values"}),
    [](const auto& row) { return row.param.name; });

TEST(FindEdits, AddsTheFilesOwnEditsOnce) {
  const testing::TempDirectory folder;
  folder.Fill({{"vendor.json", std::string(kSpec)}});
  const auto edits =
      FindEdits({folder.path().native()},
                {"vendor.com/gpu=gpu0", "vendor.com/gpu=gpu1", "vendor.com/gpu=gpu0"});
  ASSERT_THAT(edits, IsOk());
  EXPECT_THAT(edits->env, ElementsAre("DRIVER=1", "GPU=0", "GPU=1"));
  const Config config = Inject({.envs = {"GPU=mine"}}, *edits);
  EXPECT_THAT(config.envs, ElementsAre("GPU=mine", "DRIVER=1", "GPU=0", "GPU=1"));
  EXPECT_THAT(config.security.supplemental_groups, ElementsAre(44u));
}

TEST(FindEdits, GivesTheFilesHooksBeforeTheDevices) {
  const testing::TempDirectory folder;
  folder.Fill({{"a.yaml", R"(
cdiVersion: 0.6.0
kind: v.io/c
devices:
- name: d
  containerEdits:
    hooks: [{hookName: createContainer, path: /bin/b, args: [b, --x], env: [A=1], timeout: 5}]
containerEdits:
  hooks: [{hookName: createContainer, path: /bin/a}]
)"}});
  const auto edits = FindEdits({folder.path().native()}, {"v.io/c=d"});
  ASSERT_THAT(edits, IsOk());
  const Config config = Inject({}, *edits);
  ASSERT_EQ(config.hooks.size(), 2u);
  EXPECT_EQ(config.hooks[0].path, "/bin/a");
  EXPECT_THAT(config.hooks[0].args, ElementsAre());
  EXPECT_EQ(config.hooks[0].timeout_seconds, 60);
  EXPECT_EQ(config.hooks[1].kind, HookKind::kCreateContainer);
  EXPECT_THAT(config.hooks[1].args, ElementsAre("b", "--x"));
  EXPECT_THAT(config.hooks[1].env, ElementsAre("A=1"));
  EXPECT_EQ(config.hooks[1].timeout_seconds, 5);
}

TEST(FindEdits, PrefersTheLaterFolder) {
  const testing::TempDirectory folder;
  const std::string spec = R"({"cdiVersion": "0.6.0", "kind": "v.io/c", "devices": [{"name": "d",
                               "containerEdits": {"env": ["FROM=%"]}}]})";
  const auto from = [&](const char* name) {
    std::string text = spec;
    return text.replace(text.find('%'), 1, name);
  };
  folder.Fill({{"etc/a.json", from("etc")}, {"run/a.json", from("run")}});
  const auto edits =
      FindEdits({(folder / "etc").native(), (folder / "run").native()}, {"v.io/c=d"});
  ASSERT_THAT(edits, IsOk());
  EXPECT_THAT(edits->env, ElementsAre("FROM=run"));
}

TEST(FindEdits, RefusesADeviceThatTwoFilesOfOneFolderDefine) {
  const testing::TempDirectory folder;
  folder.Fill({{"a.json", std::string(kSpec)}, {"b.json", std::string(kSpec)}});
  EXPECT_THAT(FindEdits({folder.path().native()}, {"vendor.com/gpu=gpu0"}),
              FailsWith(Code::kInvalidArgument, "defined by"));
}

TEST(FindEdits, SaysWhichFilesWerePassedOverWhenADeviceIsMissing) {
  const testing::TempDirectory folder;
  folder.Fill({{"bad.json", "{"}, {"good.json", std::string(kSpec)}, {"notes.txt", "{"}});
  EXPECT_THAT(FindEdits({"/nowhere", folder.path().native()}, {"vendor.com/gpu=gpu0"}), IsOk());
  const auto missing = FindEdits({folder.path().native()}, {"vendor.com/gpu=gpu9"});
  EXPECT_THAT(missing, FailsWith(Code::kNotFound, "no device \"vendor.com/gpu=gpu9\""));
  EXPECT_THAT(missing.error().message(), HasSubstr("bad.json"));
}

TEST(ParseQualifiedName, RefusesWhatIsNone) {
  for (const char* text : {"", "gpu0", "vendor.com/gpu", "vendor.com=gpu", "vendor.com/gpu=",
                           "/gpu=0", "vendor.com/=0", "vendor.com/gpu=../0", "1v/gpu=0"}) {
    EXPECT_THAT(ParseQualifiedName(text), FailsWith(Code::kInvalidArgument, "vendor/class=device"))
        << text;
  }
}

}  // namespace
}  // namespace trivet::container::cdi
