#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "csi/volume/capability.h"
#include "csi/volume/content.h"
#include "csi/volume/encryption.h"
#include "csi/volume/mutable_parameters.h"
#include "csi/volume/use.h"
#include "csi/volume/volume_id.h"

namespace trivet::csi {

/// Whether the pool sets the space aside at creation or as it is written.
enum class Provisioning { kThick, kThin };

constexpr std::string_view NameOf(Provisioning provisioning) {
  return provisioning == Provisioning::kThick ? "thick" : "thin";
}

/// One volume, as volumes/<id>.json holds it.
struct VolumeRecord {
  static constexpr std::string_view kKind = "volume";
  // 1 had no source, 2 no publication, 3 no mutable parameters and inline volumes, 4 no encryption
  static constexpr int kVersion = 5;
  static bool IsId(std::string_view id) { return IsVolumeId(id); }

  std::string id;
  std::string name;  // any Unicode the spec allows
  std::string pool;
  uint64_t size_bytes = 0;
  Provisioning provisioning = Provisioning::kThick;
  Usage usage;
  Content content = Content::kNeverFormatted;
  std::string file_system_uuid;  // given to mkfs; empty while never formatted
  Encryption encryption;
  int64_t created_unix_seconds = 0;
  MutableParameters tuning;  // "mutable"
  std::optional<ContentSource> source;
  bool filling = false;          // the source's bytes may not be there yet
  std::optional<Use> published;  // to this node, by the controller
  std::string inline_target;     // of a pod's own volume: where it is published; else empty
  bool deleting = false;         // DeleteVolume was answered or is under way

  bool operator==(const VolumeRecord&) const = default;

  /// JSON with a "version".
  [[nodiscard]] std::string Write() const;
  /// Errors: kDataLoss naming the key and the reason, for a record that is not
  /// whole, that another volume's id names, or that a newer trivet-csi wrote.
  static Result<VolumeRecord> Parse(std::string_view text, std::string_view id);
};

}  // namespace trivet::csi
