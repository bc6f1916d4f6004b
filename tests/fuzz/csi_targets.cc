#include "csi/config.h"
#include "csi/service/requests.h"
#include "csi/volume/attachment.h"
#include "csi/volume/record.h"
#include "csi/volume/snapshot_record.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text_message.h"

namespace trivet::fuzz {
namespace {

constexpr std::string_view kVolumeId = "v-abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kSnapshotId = "s-abcdefghijklmnopqrstuvwxyz234567";
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

void Configuration(std::string_view input) {
  (void)csi::ParseConfig(input);
}

}  // namespace

Targets CsiTargets() {
  return {{"csi_volume", Volume},
          {"csi_snapshot", Snapshot},
          {"csi_attachment", Attachment},
          {"csi_create", ReadRequest<::csi::v1::CreateVolumeRequest>},
          {"csi_stage", ReadRequest<::csi::v1::NodeStageVolumeRequest>},
          {"csi_publish", ReadRequest<::csi::v1::NodePublishVolumeRequest>},
          {"csi_configuration", Configuration}};
}

}  // namespace trivet::fuzz
