#include "common/linux/socket_address.h"

#include <fcntl.h>

#include <string>

namespace trivet {

Result<SocketAddress> SocketAddress::Of(const std::filesystem::path& path) {
  SocketAddress out;
  std::string name = path.native();
  if (name.size() >= sizeof out.address_.sun_path) {
    const std::filesystem::path folder = path.parent_path();
    out.folder_ = UniqueFd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!out.folder_.valid()) return FailErrno("open {}", folder.native());
    name = fmt::format("/proc/self/fd/{}/{}", out.folder_.get(), path.filename().native());
  }
  if (name.size() >= sizeof out.address_.sun_path) {
    return Fail(Code::kInvalidArgument, "{}: longer than a socket's name may be", path.native());
  }
  name.copy(out.address_.sun_path, name.size());
  return out;
}

}  // namespace trivet
