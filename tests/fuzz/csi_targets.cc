#include <sys/mman.h>

#include <algorithm>
#include <vector>

#include "common/linux/file.h"
#include "csi/config.h"
#include "csi/filesystem/mount_table.h"
#include "csi/filesystem/superblock.h"
#include "csi/pool/device_claim.h"
#include "csi/pool/lvm_report.h"
#include "csi/pool/thin_metadata.h"
#include "csi/service/fields.h"
#include "csi/service/requests.h"
#include "csi/volume/attachment.h"
#include "csi/volume/group_record.h"
#include "csi/volume/record.h"
#include "csi/volume/snapshot_record.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text_message.h"

namespace trivet::fuzz {
namespace {

constexpr std::string_view kVolumeId = "v-abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kSnapshotId = "s-abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kGroupId = "g-abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kBootId = "boot";

template <class Record>
void ReadRecord(std::string_view input, std::string_view id) {
  const auto record = Record::Parse(input, id);
  if (!record) return;
  const auto again = Record::Parse(record->Write(), id);
  Require(again && *again == *record, "a record that was written is read as it was");
}

void Volume(std::string_view input) {
  ReadRecord<csi::VolumeRecord>(input, kVolumeId);
}
void Snapshot(std::string_view input) {
  ReadRecord<csi::SnapshotRecord>(input, kSnapshotId);
}
void Device(std::string_view input) {
  ReadRecord<csi::DeviceClaim>(input, kVolumeId);
}
void Group(std::string_view input) {
  ReadRecord<csi::GroupRecord>(input, kGroupId);
}

void Attachment(std::string_view input) {
  const auto attachment = csi::ParseAttachment(input, kBootId);
  if (!attachment || !*attachment) return;
  const auto again = csi::ParseAttachment(csi::WriteAttachment(**attachment, kBootId), kBootId);
  Require(again && *again && **again == **attachment, "an attachment is read as it was written");
}

template <class Request>
void ReadRequest(std::string_view input) {
  Request request;
  if (ReadText(input, request)) (void)csi::Parse(request);
}

void InlineVolume(std::string_view input) {
  ::csi::v1::NodePublishVolumeRequest request;
  if (ReadText(input, request) && csi::IsInline(request)) (void)csi::ParseInline(request);
}

void Modify(std::string_view input) {
  ::csi::v1::ControllerModifyVolumeRequest request;
  if (!ReadText(input, request)) return;
  const auto asked = csi::ParseMutable(request.mutable_parameters());
  if (!asked) return;
  const auto again = csi::Changed({}, csi::Written(*asked));
  Require(again && *again == *asked, "mutable parameters are read as they were written");
}

void Range(std::string_view input) {
  ::csi::v1::CapacityRange range;
  if (!ReadText(input, range)) return;
  const auto parsed = csi::ParseRange(range);
  if (!parsed) return;
  const auto size_bytes = csi::ChooseSize(*parsed, {.block = true});
  Require(!size_bytes || csi::Satisfies(*size_bytes, *parsed), "a chosen size is in its range");
}

// The disk's start, the rest of it zeros.
void Superblock(std::string_view input) {
  std::vector<uint8_t> area(csi::kSuperblockAreaBytes);
  std::copy_n(input.begin(), std::min(input.size(), area.size()), area.begin());
  const auto block = csi::ParseSuperblock(std::span(area).first<csi::kSuperblockAreaBytes>());
  Require(!block.blank || !block.file_system, "what is blank has no file system");
}

// A pod can choose where things are mounted, and a mount's source.
void MountInfo(std::string_view input) {
  const UniqueFd file(::memfd_create("mountinfo", MFD_CLOEXEC));
  if (!WriteAll(file.get(), input, "mountinfo")) return;
  const auto table = csi::MountTable::Read("/proc/self/fd/" + std::to_string(file.get()));
  if (!table) return;
  for (const csi::MountEntry& entry : table->entries()) {
    Require(table->At(entry.target) != nullptr, "a mount that is listed is found");
  }
}

void Configuration(std::string_view input) {
  (void)csi::ParseConfig(input);
}

void LvmReport(std::string_view input) {
  const auto group = csi::lvm::ParseGroup(input);
  Require(!group || group->extent_bytes != 0, "a volume group has extents");
  const auto volumes = csi::lvm::ParseVolumes(input);
  if (!volumes) return;
  for (const auto& [name, volume] : *volumes) {
    Require(name == volume.name, "a logical volume is found by its name");
    Require(!volume.has_tag(""), "no tag is empty");
  }
}

void ThinDump(std::string_view input) {
  const auto extents = csi::thin_metadata::ParseDump(input);
  if (!extents) return;
  Require(std::ranges::is_sorted(*extents, {}, &csi::Extent::offset), "extents are in order");
  for (const csi::Extent& extent : *extents) {
    Require(extent.offset + extent.bytes >= extent.offset, "no extent ends before it begins");
  }
}

}  // namespace

Targets CsiTargets() {
  return {{"csi_volume", Volume},
          {"csi_snapshot", Snapshot},
          {"csi_group", Group},
          {"csi_device", Device},
          {"csi_attachment", Attachment},
          {"csi_superblock", Superblock},
          {"csi_mountinfo", MountInfo},
          {"csi_lvm_report", LvmReport},
          {"csi_thin_dump", ThinDump},
          {"csi_inline", InlineVolume},
          {"csi_modify", Modify},
          {"csi_range", Range},
          {"csi_cut", ReadRequest<::csi::v1::CreateSnapshotRequest>},
          {"csi_cut_group", ReadRequest<::csi::v1::CreateVolumeGroupSnapshotRequest>},
          {"csi_controller_publish", ReadRequest<::csi::v1::ControllerPublishVolumeRequest>},
          {"csi_list", ReadRequest<::csi::v1::ListSnapshotsRequest>},
          {"csi_create", ReadRequest<::csi::v1::CreateVolumeRequest>},
          {"csi_stage", ReadRequest<::csi::v1::NodeStageVolumeRequest>},
          {"csi_publish", ReadRequest<::csi::v1::NodePublishVolumeRequest>},
          {"csi_configuration", Configuration}};
}

}  // namespace trivet::fuzz
