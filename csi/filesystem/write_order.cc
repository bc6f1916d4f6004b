#include "csi/filesystem/write_order.h"

#include <sys/vfs.h>

namespace trivet::csi {

bool KeepsOrder(const std::filesystem::path& folder) {
  constexpr auto kXfs = 0x58465342;  // XFS_SUPER_MAGIC, which linux/magic.h had not always
  struct statfs info{};
  return ::statfs(folder.c_str(), &info) == 0 && info.f_type == kXfs;
}

}  // namespace trivet::csi
