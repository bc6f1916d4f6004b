#include "ctl/node/host_path.h"

#include <fcntl.h>

#include <filesystem>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"

namespace trivet::ctl {
namespace {

Result<> EnsureFile(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file.valid()) return FailErrno("create {}", path);
  return {};
}

bool HasType(std::filesystem::file_type found, const std::string& wanted) {
  using Type = std::filesystem::file_type;
  if (wanted == "Directory" || wanted == "DirectoryOrCreate") return found == Type::directory;
  if (wanted == "File" || wanted == "FileOrCreate") return found == Type::regular;
  if (wanted == "Socket") return found == Type::socket;
  if (wanted == "CharDevice") return found == Type::character;
  if (wanted == "BlockDevice") return found == Type::block;
  return false;
}

}  // namespace

Result<> EnsureHostPath(const Volume& volume) {
  if (volume.host_path_type.empty()) return {};
  std::error_code error;
  auto status = std::filesystem::status(volume.host_path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    if (volume.host_path_type == "DirectoryOrCreate") {
      RETURN_IF_ERROR(EnsureDirectory(volume.host_path, 0755));
    }
    if (volume.host_path_type == "FileOrCreate") RETURN_IF_ERROR(EnsureFile(volume.host_path));
    status = std::filesystem::status(volume.host_path, error);
  }
  if (HasType(status.type(), volume.host_path_type)) return {};
  return Fail(Code::kFailedPrecondition, "hostPath {}: not there as a {}", volume.host_path,
              volume.host_path_type);
}

}  // namespace trivet::ctl
