#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "csi/volume/capability.h"
#include "csi/volume/content.h"
#include "csi/volume/encryption.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {

/// One snapshot, as snapshots/<id>.json holds it: what its volume was like at the
/// cut. It stays whatever becomes of the volume.
struct SnapshotRecord {
  static constexpr std::string_view kKind = "snapshot";
  static constexpr int kVersion = 2;  // 1 had no encryption
  static bool IsId(std::string_view id) { return IsSnapshotId(id); }

  std::string id;
  std::string name;
  std::string volume_id;
  std::string group_id;  // empty: cut alone
  std::string pool;
  uint64_t size_bytes = 0;
  Usage usage;
  Content content = Content::kNeverFormatted;
  std::string file_system_uuid;
  Encryption encryption;
  int64_t created_unix_nanos = 0;
  bool cut = false;       // before that nobody was told of it, and a restart removes it
  bool deleting = false;  // DeleteSnapshot was answered or is under way

  bool operator==(const SnapshotRecord&) const = default;

  /// JSON with a "version".
  [[nodiscard]] std::string Write() const;
  /// Errors: kDataLoss naming the key and the reason, as VolumeRecord::Parse.
  static Result<SnapshotRecord> Parse(std::string_view text, std::string_view id);
};

}  // namespace trivet::csi
