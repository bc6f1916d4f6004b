#include "common/linux/mount_context.h"

#include <sys/mount.h>
#include <unistd.h>

#include <array>

namespace trivet {
namespace {

// What the kernel says about a failure, "e overlay: Unknown parameter 'x'", one line per read.
std::string ReadKernelLog(int context_fd) {
  std::string log;
  std::array<char, 512> line;
  ssize_t n = 0;
  while ((n = ::read(context_fd, line.data(), line.size())) > 0) {
    std::string_view text(line.data(), static_cast<size_t>(n));
    if (text.size() > 2 && text[1] == ' ') text.remove_prefix(2);  // its level: e, w, i
    while (text.ends_with('\n')) text.remove_suffix(1);
    log += log.empty() ? "" : "; ";
    log += text;
  }
  return log;
}

std::unexpected<Error> FailExplained(int context_fd, std::string_view what) {
  const int err = errno;
  const std::string log = ReadKernelLog(context_fd);
  return std::unexpected(
      Error::FromErrno(err, log.empty() ? std::string(what) : fmt::format("{} ({})", what, log)));
}

}  // namespace

Result<MountContext> MountContext::Open(const std::string& type) {
  MountContext context(type, UniqueFd(::fsopen(type.c_str(), FSOPEN_CLOEXEC)));
  if (!context.fd_.valid()) return FailErrno("fsopen {}", type);
  return context;
}

Result<> MountContext::Set(const std::string& key, const std::string& value) {
  const bool flag = value.empty();
  const int result = ::fsconfig(fd_.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING,
                                key.c_str(), flag ? nullptr : value.c_str(), 0);
  if (result == 0) return {};
  return FailExplained(fd_.get(), fmt::format("set {} option {}", type_, key));
}

Result<> MountContext::Set(const MountOptions& options) {
  for (const auto& [key, value] : options) RETURN_IF_ERROR(Set(key, value));
  return {};
}

Result<UniqueFd> MountContext::Mount(uint64_t attributes) {
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return FailExplained(fd_.get(), fmt::format("create {} superblock", type_));
  }
  UniqueFd mount(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
  if (!mount.valid()) return FailExplained(fd_.get(), fmt::format("fsmount {}", type_));
  return mount;
}

}  // namespace trivet
