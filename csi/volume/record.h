#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "csi/volume/capability.h"

namespace trivet::csi {

/// What is known of a volume's content. It alone decides whether mkfs may run:
///
///   never-formatted ──▶ formatting ──▶ ready      first stage as a mount
///          └──────────────────────────▶ raw       first stage as a block device
///
/// A probe that finds nothing proves nothing (a damaged superblock looks like an
/// empty disk), so only `never-formatted` and an interrupted `formatting`, which
/// was never mounted, are ever formatted.
enum class Content { kNeverFormatted, kFormatting, kReady, kRaw };

/// Whether the pool sets the space aside at creation or as it is written.
enum class Provisioning { kThick, kThin };

/// One volume, as volumes/<id>.json holds it.
struct VolumeRecord {
  static constexpr int kVersion = 1;

  std::string id;
  std::string name;  // any Unicode the spec allows
  std::string pool;
  uint64_t size_bytes = 0;
  Provisioning provisioning = Provisioning::kThick;
  Usage usage;
  Content content = Content::kNeverFormatted;
  std::string file_system_uuid;  // given to mkfs; empty while never formatted
  int64_t created_unix_seconds = 0;
  bool deleting = false;  // DeleteVolume was answered or is under way

  bool operator==(const VolumeRecord&) const = default;
};

constexpr std::string_view NameOf(Provisioning provisioning) {
  return provisioning == Provisioning::kThick ? "thick" : "thin";
}

/// JSON with a "version".
std::string WriteRecord(const VolumeRecord& record);

/// Errors: kDataLoss naming the key and the reason, for a record that is not
/// whole, that another volume's id names, or that a newer trivet-csi wrote.
Result<VolumeRecord> ParseRecord(std::string_view text, std::string_view id);

}  // namespace trivet::csi
