#include "csi/service/requests.h"

#include <functional>

#include "csi/service/fields.h"
#include "csi/service/plugin.h"
#include "csi/volume/volume_id.h"
#include "tests/testing/matchers.h"

namespace trivet::csi {
namespace {

using ::trivet::testing::FailsWith;
using ::trivet::testing::IsOk;
using Wire = ::csi::v1::VolumeCapability;

Wire MountCapability(const std::string& file_system = "ext4") {
  Wire capability;
  capability.mutable_mount()->set_fs_type(file_system);
  capability.mutable_access_mode()->set_mode(Wire::AccessMode::SINGLE_NODE_WRITER);
  return capability;
}

::csi::v1::CreateVolumeRequest Create() {
  ::csi::v1::CreateVolumeRequest request;
  request.set_name("pvc-1");
  *request.add_volume_capabilities() = MountCapability();
  return request;
}

::csi::v1::NodePublishVolumeRequest Publish() {
  ::csi::v1::NodePublishVolumeRequest request;
  request.set_volume_id("v-1");
  request.set_staging_target_path("/stage");
  request.set_target_path("/target");
  *request.mutable_volume_capability() = MountCapability();
  return request;
}

TEST(ParseCreateVolume, ReadsWhatKubernetesSends) {
  auto request = Create();
  request.mutable_capacity_range()->set_required_bytes(1 << 30);
  (*request.mutable_parameters())["provisioning"] = "thin";
  (*request.mutable_parameters())["csi.storage.k8s.io/pvc/name"] = "data";

  const auto parsed = Parse(request);

  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->capacity.required_bytes, uint64_t{1} << 30);
  EXPECT_EQ(parsed->usage, (Usage{.mount = true, .file_system = FileSystem::kExt4}));
  EXPECT_EQ(parsed->parameters.provisioning, Provisioning::kThin);
}

TEST(ParseCreateVolume, TakesTheFileSystemOfTheClassWhenTheCapabilityNamesNone) {
  auto request = Create();
  (*request.mutable_parameters())["fsType"] = "xfs";
  EXPECT_EQ(Parse(request)->usage.file_system, FileSystem::kExt4);
  *request.mutable_volume_capabilities(0) = MountCapability("");
  EXPECT_EQ(Parse(request)->usage.file_system, FileSystem::kXfs);
}

template <class Request>
struct Change {
  const char* name;
  std::function<void(Request&)> apply;
  Code code;
  const char* reason;
};

using CreateChange = Change<::csi::v1::CreateVolumeRequest>;
class ParseCreateVolumeRefuses : public ::testing::TestWithParam<CreateChange> {};

TEST_P(ParseCreateVolumeRefuses, AndNamesTheField) {
  auto request = Create();
  GetParam().apply(request);
  EXPECT_THAT(Parse(request), FailsWith(GetParam().code, GetParam().reason));
}

Wire* First(::csi::v1::CreateVolumeRequest& r) {
  return r.mutable_volume_capabilities(0);
}

INSTANTIATE_TEST_SUITE_P(
    Fields, ParseCreateVolumeRefuses,
    ::testing::Values(
        CreateChange{"NoName", [](auto& r) { r.clear_name(); }, Code::kInvalidArgument, "name"},
        CreateChange{"LongName", [](auto& r) { r.set_name(std::string(129, 'x')); },
                     Code::kInvalidArgument, "name: 129 bytes"},
        CreateChange{"NoCapabilities", [](auto& r) { r.clear_volume_capabilities(); },
                     Code::kInvalidArgument, "volume_capabilities: missing"},
        CreateChange{"NoAccessType", [](auto& r) { First(r)->clear_mount(); },
                     Code::kInvalidArgument, "access_type: missing"},
        CreateChange{"NoAccessMode", [](auto& r) { First(r)->clear_access_mode(); },
                     Code::kInvalidArgument, "access_mode: missing"},
        CreateChange{"ManyNodes",
                     [](auto& r) {
                       First(r)->mutable_access_mode()->set_mode(
                           Wire::AccessMode::MULTI_NODE_MULTI_WRITER);
                     },
                     Code::kInvalidArgument, "access_mode: 5 is not supported"},
        CreateChange{"UnknownMode",
                     [](auto& r) {
                       First(r)->mutable_access_mode()->set_mode(
                           static_cast<Wire::AccessMode::Mode>(99));
                     },
                     Code::kInvalidArgument, "access_mode: 99"},
        CreateChange{"OtherFileSystem", [](auto& r) { *First(r) = MountCapability("zfs"); },
                     Code::kInvalidArgument, "fs_type: unexpected \"zfs\""},
        CreateChange{"TwoFileSystems",
                     [](auto& r) { *r.add_volume_capabilities() = MountCapability("xfs"); },
                     Code::kInvalidArgument, "both ext4 and xfs"},
        CreateChange{"MountGroup",
                     [](auto& r) { First(r)->mutable_mount()->set_volume_mount_group("5"); },
                     Code::kInvalidArgument, "volume_mount_group"},
        CreateChange{"Remount",
                     [](auto& r) { First(r)->mutable_mount()->add_mount_flags("remount"); },
                     Code::kInvalidArgument, "mount_flags: remount"},
        CreateChange{"NegativeSize",
                     [](auto& r) { r.mutable_capacity_range()->set_required_bytes(-1); },
                     Code::kInvalidArgument, "capacity_range: negative"},
        CreateChange{"NegativeLimit",
                     [](auto& r) { r.mutable_capacity_range()->set_limit_bytes(INT64_MIN); },
                     Code::kInvalidArgument, "capacity_range: negative"},
        CreateChange{"LimitBelowRequired",
                     [](auto& r) {
                       r.mutable_capacity_range()->set_required_bytes(2);
                       r.mutable_capacity_range()->set_limit_bytes(1);
                     },
                     Code::kOutOfRange, "limit_bytes 1 is below"},
        CreateChange{"UnknownParameter", [](auto& r) { (*r.mutable_parameters())["Pool"] = "x"; },
                     Code::kInvalidArgument, "parameters: Pool: unknown key"},
        CreateChange{"OtherProvisioning",
                     [](auto& r) { (*r.mutable_parameters())["provisioning"] = "fat"; },
                     Code::kInvalidArgument, "provisioning: unexpected \"fat\""},
        CreateChange{"OtherDefaultFileSystem",
                     [](auto& r) { (*r.mutable_parameters())["fsType"] = "ntfs"; },
                     Code::kInvalidArgument, "parameters: fsType: unexpected \"ntfs\""},
        CreateChange{"LargeParameters",
                     [](auto& r) { (*r.mutable_parameters())["pool"] = std::string(4096, 'x'); },
                     Code::kInvalidArgument, "parameters: 4100 bytes"},
        CreateChange{"SourceWithoutId",
                     [](auto& r) { r.mutable_volume_content_source()->mutable_snapshot(); },
                     Code::kInvalidArgument, "volume_content_source: its id is missing"},
        CreateChange{"MutableParameters",
                     [](auto& r) { (*r.mutable_mutable_parameters())["iops"] = "5"; },
                     Code::kInvalidArgument, "mutable_parameters: iops"}),
    [](const auto& row) { return row.param.name; });

using PublishChange = Change<::csi::v1::NodePublishVolumeRequest>;
class ParsePublishRefuses : public ::testing::TestWithParam<PublishChange> {};

TEST_P(ParsePublishRefuses, AndNamesTheField) {
  auto request = Publish();
  GetParam().apply(request);
  EXPECT_THAT(Parse(request), FailsWith(GetParam().code, GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, ParsePublishRefuses,
    ::testing::Values(
        PublishChange{"NoId", [](auto& r) { r.clear_volume_id(); }, Code::kInvalidArgument,
                      "volume_id: missing"},
        PublishChange{"LongId", [](auto& r) { r.set_volume_id(std::string(129, 'x')); },
                      Code::kInvalidArgument, "volume_id: 129 bytes"},
        PublishChange{"NoTarget", [](auto& r) { r.clear_target_path(); }, Code::kInvalidArgument,
                      "target_path: missing"},
        PublishChange{"NoStaging", [](auto& r) { r.clear_staging_target_path(); },
                      Code::kFailedPrecondition, "staging_target_path: missing"},
        PublishChange{"NoCapability", [](auto& r) { r.clear_volume_capability(); },
                      Code::kInvalidArgument, "volume_capability: missing"},
        PublishChange{"RelativeTarget", [](auto& r) { r.set_target_path("a/b"); },
                      Code::kInvalidArgument, "not an absolute path"},
        PublishChange{"TargetUpwards", [](auto& r) { r.set_target_path("/a/../etc"); },
                      Code::kInvalidArgument, "holds \"..\""},
        PublishChange{"StagingUpwards", [](auto& r) { r.set_staging_target_path("/.."); },
                      Code::kInvalidArgument, "staging_target_path"},
        PublishChange{"RootAsTarget", [](auto& r) { r.set_target_path("/./"); },
                      Code::kInvalidArgument, "the root"},
        PublishChange{"LineFeedInTarget", [](auto& r) { r.set_target_path("/a\nb"); },
                      Code::kInvalidArgument, "control character"},
        PublishChange{"NulInTarget", [](auto& r) { r.set_target_path(std::string("/a\0b", 4)); },
                      Code::kInvalidArgument, "control character"},
        PublishChange{"LongTarget",
                      [](auto& r) { r.set_target_path("/" + std::string(4096, 'x')); },
                      Code::kInvalidArgument, "longer than 4095"}),
    [](const auto& row) { return row.param.name; });

TEST(ParseStage, TakesThePassphraseOfAnEncryptedVolume) {
  ::csi::v1::NodeStageVolumeRequest request;
  request.set_volume_id("v");
  request.set_staging_target_path("/stage");
  request.mutable_volume_capability()->mutable_block();
  request.mutable_volume_capability()->mutable_access_mode()->set_mode(
      ::csi::v1::VolumeCapability::AccessMode::SINGLE_NODE_WRITER);
  (*request.mutable_secrets())["passphrase"] = "secret";
  const auto parsed = Parse(request);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->passphrase, "secret");
}

TEST(ParseParameters, TakesTheKindsOfEncryptionThereAre) {
  StringMap parameters;
  EXPECT_EQ(ParseParameters(parameters)->encrypted, std::nullopt);
  parameters["encryption"] = "luks";
  EXPECT_EQ(ParseParameters(parameters)->encrypted, true);
  parameters["encryption"] = "none";
  EXPECT_EQ(ParseParameters(parameters)->encrypted, false);
  parameters["encryption"] = "rot13";
  EXPECT_THAT(ParseParameters(parameters),
              FailsWith(Code::kInvalidArgument, "encryption: unexpected \"rot13\""));
}

TEST(ParseListVolumes, RefusesATokenThatIsNotOurs) {
  ::csi::v1::ListVolumesRequest request;
  request.set_starting_token("invalid-token");
  EXPECT_THAT(Parse(request), FailsWith(Code::kAborted, "starting_token"));
  request.set_starting_token(VolumeIdOf("x"));
  EXPECT_THAT(Parse(request), IsOk());
  request.set_max_entries(-1);
  EXPECT_THAT(Parse(request), FailsWith(Code::kInvalidArgument, "max_entries"));
}

TEST(CheckTopology, TakesOnlyWhatIsOnThisNode) {
  const Place place{.node_id = "n1", .pools = {{"fast", "file"}}};
  ::csi::v1::TopologyRequirement requirement;
  EXPECT_THAT(CheckTopology(requirement, place), IsOk());
  *requirement.add_requisite() = TopologyOf("n2");
  EXPECT_THAT(CheckTopology(requirement, place), FailsWith(Code::kResourceExhausted, "n1"));
  *requirement.add_requisite() = TopologyOf("n1");
  EXPECT_THAT(CheckTopology(requirement, place), IsOk());
}

TEST(CheckTopology, TakesOnlyPoolsOfThisNode) {
  const Place place{.node_id = "n1", .pools = {{"fast", "file"}, {"large", "lvm"}}};
  ::csi::v1::TopologyRequirement requirement;
  auto& wanted = *requirement.add_requisite()->mutable_segments();
  wanted["topology.csi.trivet.dev/pool-slow"] = "true";
  EXPECT_THAT(CheckTopology(requirement, place), FailsWith(Code::kResourceExhausted, "pools"));
  wanted.clear();
  wanted["topology.csi.trivet.dev/pool-large"] = "true";
  EXPECT_THAT(CheckTopology(requirement, place), IsOk());
  wanted["topology.csi.trivet.dev/node"] = "n2";
  EXPECT_THAT(CheckTopology(requirement, place), FailsWith(Code::kResourceExhausted, "n1"));
  wanted["topology.csi.trivet.dev/node"] = "n1";
  EXPECT_THAT(CheckTopology(requirement, place), IsOk());
}

TEST(TopologyOf, NamesTheNodeAndEachPool) {
  const auto segments = TopologyOf(Place{.node_id = "n1", .pools = {{"fast", "file"}}}).segments();
  EXPECT_EQ(segments.size(), 2U);
  EXPECT_EQ(segments.at("topology.csi.trivet.dev/node"), "n1");
  EXPECT_EQ(segments.at("topology.csi.trivet.dev/pool-fast"), "true");
}

TEST(CheckNodeId, TakesWhatATopologyValueMayBe) {
  for (const char* good : {"n", "node-1.example_x", "A1"}) EXPECT_THAT(CheckNodeId(good), IsOk());
  for (const std::string& bad : {std::string(), std::string("-n"), std::string("n."),
                                 std::string("a b"), std::string(64, 'n')}) {
    EXPECT_THAT(CheckNodeId(bad), FailsWith(Code::kInvalidArgument, "node id")) << bad;
  }
}

TEST(Mismatch, SaysWhatTheVolumeIsNot) {
  const Usage mount{.mount = true, .file_system = FileSystem::kXfs};
  const Usage block{.block = true};
  EXPECT_EQ(Mismatch(mount, {.access_type = AccessType::kMount}), std::nullopt);
  EXPECT_EQ(Mismatch(mount, {.file_system = FileSystem::kXfs}), std::nullopt);
  EXPECT_EQ(Mismatch(mount, {.file_system = FileSystem::kExt4}),
            "the volume's file system is xfs, not ext4");
  EXPECT_EQ(Mismatch(mount, {.access_type = AccessType::kBlock}),
            "the volume was created for mount access only");
  EXPECT_EQ(Mismatch(block, {}), "the volume was created for block access only");
}

}  // namespace
}  // namespace trivet::csi
