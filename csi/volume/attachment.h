#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "csi/volume/use.h"

namespace trivet::csi {

struct Staging {
  std::string path;
  Use use;

  bool operator==(const Staging&) const = default;
};

/// Where a volume is staged and published, as attachments/<id>.json holds it.
/// Written before the mount and removed after the unmount, so the truth is what
/// the mount table says of these paths. Not synced: a reboot voids it.
struct Attachment {
  static constexpr int kVersion = 1;

  std::optional<Staging> staging;
  std::map<std::string, Use> publications;  // by target path
  bool frozen = false;                      // its file system, or about to be

  [[nodiscard]] bool empty() const { return !staging && publications.empty() && !frozen; }
  bool operator==(const Attachment&) const = default;
};

/// JSON with a "version" and the boot it belongs to.
std::string WriteAttachment(const Attachment& attachment, std::string_view boot_id);

/// None when it was written before the last boot.
/// Errors: kDataLoss naming the key and the reason.
Result<std::optional<Attachment>> ParseAttachment(std::string_view text, std::string_view boot_id);

/// What the spec's table for a second NodePublishVolume on one node says.
enum class SecondPublish {
  kSame,          // answer OK, do nothing
  kAllowed,       // one more target
  kIncompatible,  // the target is taken by other arguments: kAlreadyExists
  kExclusive,     // another target has it: kFailedPrecondition
};

/// Judges a publication at `target` against those there are. Plain
/// SINGLE_NODE_WRITER shares the node: that is what ReadWriteOnce means.
/// Source: CSI spec, NodePublishVolume, the table after SINGLE_NODE_MULTI_WRITER.
SecondPublish JudgePublish(const Attachment& attachment, const std::string& target, const Use& use);

}  // namespace trivet::csi
