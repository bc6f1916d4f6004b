#include "csi/volume/presence.h"

#include <algorithm>

namespace trivet::csi {

bool Shows(const MountEntry& entry, const BlockDevice& device) {
  if (entry.device == device.number) return true;
  // A bound node: the entry's file system is /dev's, its root the node's name there.
  const bool is_dev = entry.type == "devtmpfs" || entry.type == "tmpfs";
  return is_dev && entry.root.ends_with("/" + device.path.filename().native());
}

bool IsAt(const MountTable& table, const std::filesystem::path& path, const BlockDevice& device) {
  const MountEntry* entry = table.At(path);
  return entry != nullptr && Shows(*entry, device);
}

bool IsAnywhere(const MountTable& table, const BlockDevice& device) {
  return std::ranges::any_of(table.entries(),
                             [&](const MountEntry& entry) { return Shows(entry, device); });
}

}  // namespace trivet::csi
