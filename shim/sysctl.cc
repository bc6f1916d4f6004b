#include "shim/sysctl.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "common/linux/mount.h"

namespace trivet::shim {
namespace {

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._-/:@").find(c) != std::string_view::npos;
}

// As sysctl(8): when the first separator is a slash, dots are part of names ("net/ipv4/conf/a.b").
std::string PathOf(std::string_view key) {
  std::string path(key);
  const size_t first = path.find_first_of("./");
  if (first == std::string::npos || path[first] == '/') return path;
  for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
  return path;
}

bool HasEmptyOrDotPart(std::string_view path) {
  const std::string framed = "/" + std::string(path) + "/";
  return framed.find("//") != std::string::npos || framed.find("/./") != std::string::npos ||
         framed.find("/../") != std::string::npos;
}

// Source: Kubernetes, "Using sysctls": the namespaced ones.
bool BelongsToThePod(std::string_view path, const SandboxSpec& spec) {
  if (path.starts_with("net/")) return spec.network == NamespaceMode::kPod;
  const bool ipc = path.starts_with("kernel/shm") || path.starts_with("kernel/msg") ||
                   path == "kernel/sem" || path.starts_with("fs/mqueue/");
  return ipc && spec.ipc == NamespaceMode::kPod;
}

}  // namespace

Result<Sysctl> ParseSysctl(std::string_view text, const SandboxSpec& spec) {
  const size_t equals = text.find('=');
  const std::string_view key = text.substr(0, equals);
  if (equals == std::string_view::npos || key.empty() ||
      !std::ranges::all_of(key, IsNameCharacter)) {
    return Fail(Code::kInvalidArgument, "sysctl \"{}\": not of the form name=value", text);
  }
  Sysctl sysctl{PathOf(key), std::string(text.substr(equals + 1))};
  const bool printable =
      std::ranges::all_of(sysctl.value, [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable) {
    return Fail(Code::kInvalidArgument, "sysctl {}: the value holds a control character", key);
  }
  if (HasEmptyOrDotPart(sysctl.path) || !BelongsToThePod(sysctl.path, spec)) {
    return Fail(Code::kInvalidArgument, "sysctl {}: not of a namespace of this pod", key);
  }
  return sysctl;
}

Result<> WriteSysctl(int proc_fd, const Sysctl& sysctl) {
  open_how how{};
  how.flags = O_WRONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const std::string path = "sys/" + sysctl.path;
  const UniqueFd file(
      static_cast<int>(::syscall(SYS_openat2, proc_fd, path.c_str(), &how, sizeof how)));
  if (!file.valid()) return FailErrno("open sysctl {}", sysctl.path);
  const ssize_t n = ::write(file.get(), sysctl.value.data(), sysctl.value.size());
  if (n < 0) return FailErrno("write {} to sysctl {}", sysctl.value, sysctl.path);
  return {};
}

Result<> WriteSysctls(const std::vector<Sysctl>& sysctls) {
  if (sysctls.empty()) return {};
  ASSIGN_OR_RETURN(const DetachedMount proc, DetachedMount::New("proc"), "sysctls");
  for (const Sysctl& sysctl : sysctls) RETURN_IF_ERROR(WriteSysctl(proc.fd(), sysctl));
  return {};
}

}  // namespace trivet::shim
