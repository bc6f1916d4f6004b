#include "cri-runtime/service/container_request.h"

#include <csignal>
#include <functional>

#include "cri-runtime/service/field_checks.h"
#include "tests/testing/matchers.h"

namespace trivet::cri {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::IsOk;
using ::testing::Not;
namespace v1 = ::runtime::v1;

v1::ContainerConfig Request() {
  v1::ContainerConfig config;
  config.mutable_metadata()->set_name("c");
  config.mutable_image()->set_image("busybox");
  return config;
}

v1::LinuxContainerSecurityContext& SecurityOf(v1::ContainerConfig& config) {
  return *config.mutable_linux()->mutable_security_context();
}

void AddEnvironment(v1::ContainerConfig& config, const std::string& key, const std::string& value) {
  auto* entry = config.add_envs();
  entry->set_key(key);
  entry->set_value(value);
}

v1::Mount& AddMount(v1::ContainerConfig& config) {
  auto* mount = config.add_mounts();
  mount->set_container_path("/data");
  mount->set_host_path("/srv");
  return *mount;
}

TEST(ParseContainer, TakesWhatItNeedsAtLeast) {
  const auto config = ParseContainer(Request());
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->image, "busybox");
  EXPECT_EQ(config->security.seccomp.kind, container::ProfileKind::kUnconfined);
}

TEST(ParseContainer, KeepsAnyBytesOfAnEnvironmentValue) {
  v1::ContainerConfig request = Request();
  AddEnvironment(request, "A", "\xff=x");
  EXPECT_THAT(ParseContainer(request)->envs, ElementsAre("A=\xff=x"));
}

// It is cleaned where it is used, as other runtimes do: it cannot lead out of the container.
TEST(ParseContainer, TakesDotDotInsideOfTheContainer) {
  v1::ContainerConfig request = Request();
  AddMount(request).set_container_path("/a/../b");
  request.set_working_dir("/app/../x");
  EXPECT_THAT(ParseContainer(request), IsOk());
}

TEST(ParseGrace, IsNoneWhenThereIsLessThanNone) {
  EXPECT_EQ(*ParseGrace(-5), std::chrono::seconds(0));
  EXPECT_EQ(*ParseGrace(30), std::chrono::seconds(30));
  EXPECT_THAT(ParseGrace(int64_t{1} << 40), FailsWith(Code::kInvalidArgument, "timeout"));
}

TEST(ParseContainer, PrefersTheNewSeccompField) {
  v1::ContainerConfig request = Request();
  SecurityOf(request).mutable_seccomp()->set_profile_type(v1::SecurityProfile::RuntimeDefault);
  EXPECT_EQ(ParseContainer(request)->security.seccomp.kind,
            container::ProfileKind::kRuntimeDefault);
}

TEST(ParseContainer, TakesThePartsOfALabelAsTheyAre) {
  v1::ContainerConfig request = Request();
  SecurityOf(request).mutable_selinux_options()->set_type("my_t");
  SecurityOf(request).mutable_selinux_options()->set_level("s0:c1");
  const auto config = ParseContainer(request);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->security.selinux, (selinux::Label{.type = "my_t", .level = "s0:c1"}));
}

TEST(ParseContainer, TakesTheStopSignal) {
  v1::ContainerConfig request = Request();
  request.set_stop_signal(v1::SIGNAL_SIGUSR1);
  EXPECT_EQ(ParseContainer(request)->stop_signal, SIGUSR1);
}

TEST(ParseContainer, DoesNotRepeatTheValueOfAnEnvironmentVariable) {
  v1::ContainerConfig request = Request();
  AddEnvironment(request, "PASSWORD", std::string("hunter2\0", 8));
  const auto config = ParseContainer(request);
  EXPECT_THAT(config, FailsWith(Code::kInvalidArgument, "PASSWORD: has a NUL byte"));
  EXPECT_THAT(config, Not(FailsWith(Code::kInvalidArgument, "hunter2")));
}

struct BadRequest {
  std::string name;
  std::function<void(v1::ContainerConfig&)> spoil;
  Code code;
  std::string complaint;
};

class BadContainerTable : public ::testing::TestWithParam<BadRequest> {};

TEST_P(BadContainerTable, IsRefusedByTheNameOfTheField) {
  v1::ContainerConfig request = Request();
  GetParam().spoil(request);
  EXPECT_THAT(ParseContainer(request), FailsWith(GetParam().code, GetParam().complaint));
}

constexpr Code kBad = Code::kInvalidArgument;

INSTANTIATE_TEST_SUITE_P(
    ParseContainer, BadContainerTable,
    ::testing::Values(
        BadRequest{"NoName", [](auto& c) { c.clear_metadata(); }, kBad, "metadata: name: missing"},
        BadRequest{"NoImage", [](auto& c) { c.clear_image(); }, kBad, "image: missing"},
        BadRequest{"RelativeWorkingDir", [](auto& c) { c.set_working_dir("x"); }, kBad,
                   "working_dir"},
        BadRequest{"NulInCommand", [](auto& c) { c.add_command(std::string("a\0b", 3)); }, kBad,
                   "command: has a NUL"},
        BadRequest{"EnvironmentKeyWithEquals", [](auto& c) { AddEnvironment(c, "A=B", "x"); }, kBad,
                   "envs: key"},
        BadRequest{"EnvironmentWithoutKey", [](auto& c) { AddEnvironment(c, "", "x"); }, kBad,
                   "envs: key"},
        BadRequest{"LogOutsideOfItsFolder", [](auto& c) { c.set_log_path("../../etc/passwd"); },
                   kBad, "log_path: \"../../etc/passwd\" leaves its folder"},
        BadRequest{"AbsoluteLog", [](auto& c) { c.set_log_path("/etc/passwd"); }, kBad, "log_path"},
        BadRequest{"RelativeMount", [](auto& c) { AddMount(c).set_container_path("x"); }, kBad,
                   "mounts[0]: container_path"},
        BadRequest{"MountWithoutSource", [](auto& c) { AddMount(c).clear_host_path(); }, kBad,
                   "mounts[0]: host_path: missing"},
        BadRequest{"MountOfWhatDotDotLeadsTo",
                   [](auto& c) { AddMount(c).set_host_path("/a/../b"); }, kBad,
                   "mounts[0]: host_path"},
        BadRequest{"RecursiveReadOnlyButWritable",
                   [](auto& c) { AddMount(c).set_recursive_read_only(true); }, kBad,
                   "needs readonly"},
        BadRequest{"RecursiveReadOnlyShared",
                   [](auto& c) {
                     auto& mount = AddMount(c);
                     mount.set_recursive_read_only(true);
                     mount.set_readonly(true);
                     mount.set_propagation(v1::PROPAGATION_BIDIRECTIONAL);
                   },
                   kBad, "needs private propagation"},
        BadRequest{"UnknownMountOption", [](auto& c) { AddMount(c).add_mount_options("suid"); },
                   kBad, "mount_options"},
        BadRequest{"ImageVolumeWithHostPath",
                   [](auto& c) {
                     auto& mount = AddMount(c);
                     mount.mutable_image()->set_image("x");
                     mount.set_readonly(true);
                   },
                   kBad, "host_path"},
        BadRequest{"WritableImageVolume",
                   [](auto& c) {
                     auto& mount = AddMount(c);
                     mount.clear_host_path();
                     mount.mutable_image()->set_image("x");
                   },
                   kBad, "image: needs readonly"},
        BadRequest{"ImageSubPathThatClimbs",
                   [](auto& c) {
                     auto& mount = AddMount(c);
                     mount.clear_host_path();
                     mount.mutable_image()->set_image("x");
                     mount.set_readonly(true);
                     mount.set_image_sub_path("../etc");
                   },
                   kBad, "image_sub_path"},
        BadRequest{"MappedMountWithoutGroups",
                   [](auto& c) {
                     auto* mapping = AddMount(c).add_uidmappings();
                     mapping->set_host_id(1000);
                     mapping->set_length(1);
                   },
                   kBad, "id mappings: gids: 0 mappings"},
        BadRequest{"CdiDeviceWithoutVendor", [](auto& c) { c.add_cdi_devices()->set_name("y=z"); },
                   kBad, "CDI_devices"},
        BadRequest{"GroupWithoutUser",
                   [](auto& c) { SecurityOf(c).mutable_run_as_group()->set_value(5); }, kBad,
                   "run_as_group"},
        BadRequest{"UserBeyondThirtyOneBits",
                   [](auto& c) { SecurityOf(c).mutable_run_as_user()->set_value(1LL << 31); }, kBad,
                   "run_as_user: unexpected 2147483648"},
        BadRequest{"NegativeUser",
                   [](auto& c) { SecurityOf(c).mutable_run_as_user()->set_value(-1); }, kBad,
                   "run_as_user: unexpected -1"},
        BadRequest{
            "UnknownCapability",
            [](auto& c) { SecurityOf(c).mutable_capabilities()->add_add_capabilities("FLY"); },
            kBad, "capabilities: add_capabilities: unknown capability \"FLY\""},
        BadRequest{"RelativeProfile",
                   [](auto& c) {
                     auto* seccomp = SecurityOf(c).mutable_seccomp();
                     seccomp->set_profile_type(v1::SecurityProfile::Localhost);
                     seccomp->set_localhost_ref("x.json");
                   },
                   kBad, "seccomp: localhost_ref"},
        BadRequest{"RelativeMaskedPath", [](auto& c) { SecurityOf(c).add_masked_paths("proc"); },
                   kBad, "masked_paths"},
        BadRequest{"OomScoreOutOfRange",
                   [](auto& c) { c.mutable_linux()->mutable_resources()->set_oom_score_adj(5000); },
                   kBad, "oom_score_adj"},
        BadRequest{"UnifiedFileOutOfItsGroup",
                   [](auto& c) {
                     (*c.mutable_linux()->mutable_resources()->mutable_unified())["../x"] = "1";
                   },
                   kBad, "unified"},
        BadRequest{"UnknownSignal", [](auto& c) { c.set_stop_signal(static_cast<v1::Signal>(99)); },
                   kBad, "stop_signal: unexpected 99"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace trivet::cri
