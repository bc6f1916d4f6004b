#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {

/// One group snapshot, as groups/<id>.json holds it. Its members are snapshots, with records of
/// their own that name it.
struct GroupRecord {
  static constexpr std::string_view kKind = "group snapshot";
  static constexpr int kVersion = 1;
  static bool IsId(std::string_view id) { return IsGroupId(id); }

  std::string id;
  std::string name;
  std::vector<std::string> volume_ids;  // sorted
  int64_t created_unix_nanos = 0;
  bool cut = false;       // before that nobody was told of it, and a restart removes its members
  bool deleting = false;  // DeleteVolumeGroupSnapshot was answered or is under way

  bool operator==(const GroupRecord&) const = default;

  /// The snapshot of this group that is of `volume_id`. Its name is none that a request can have.
  [[nodiscard]] std::string MemberName(const std::string& volume_id) const;
  /// The ids of all members, in the order of volume_ids.
  [[nodiscard]] std::vector<std::string> MemberIds() const;

  /// JSON with a "version".
  [[nodiscard]] std::string Write() const;
  /// Errors: kDataLoss naming the key and the reason, as VolumeRecord::Parse.
  static Result<GroupRecord> Parse(std::string_view text, std::string_view id);
};

}  // namespace trivet::csi
