#pragma once

#include <optional>
#include <string>

namespace trivet::csi {

/// What is known of a volume's content. It alone decides whether mkfs may run:
///
///   never-formatted ──▶ formatting ──▶ ready      first stage as a mount
///          └──────────────────────────▶ raw       first stage as a block device
///
/// A probe that finds nothing proves nothing (a damaged superblock looks like an
/// empty disk), so only `never-formatted` and an interrupted `formatting`, which
/// was never mounted, are ever formatted. A copy has the content of its source.
enum class Content { kNeverFormatted, kFormatting, kReady, kRaw };

/// Whose bytes a volume started with.
struct ContentSource {
  bool is_snapshot = false;  // else a volume
  std::string id;

  bool operator==(const ContentSource&) const = default;
};

}  // namespace trivet::csi
