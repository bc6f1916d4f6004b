#include "csi/volume/capability.h"

#include <fmt/format.h>

namespace trivet::csi {

Result<Usage> UsageOf(const std::vector<Capability>& capabilities, FileSystem otherwise) {
  Usage usage;
  std::optional<FileSystem> asked;
  for (const Capability& capability : capabilities) {
    if (capability.access_type == AccessType::kBlock) {
      usage.block = true;
      continue;
    }
    usage.mount = true;
    if (!capability.file_system) continue;
    if (asked && asked != capability.file_system) {
      return Fail(Code::kInvalidArgument, "volume_capabilities: both {} and {} for one volume",
                  NameOf(*asked), NameOf(*capability.file_system));
    }
    asked = capability.file_system;
  }
  usage.file_system = asked.value_or(otherwise);
  return usage;
}

std::optional<std::string> Mismatch(const Usage& usage, const Capability& capability) {
  if (capability.access_type == AccessType::kBlock) {
    if (usage.block) return std::nullopt;
    return "the volume was created for mount access only";
  }
  if (!usage.mount) return "the volume was created for block access only";
  if (capability.file_system && *capability.file_system != usage.file_system) {
    return fmt::format("the volume's file system is {}, not {}", NameOf(usage.file_system),
                       NameOf(*capability.file_system));
  }
  return std::nullopt;
}

}  // namespace trivet::csi
