#include "cni/sysctl.h"

#include <filesystem>

#include "common/linux/file.h"

namespace trivet::cni {

Result<> SetSysctl(std::string_view name, std::string_view value) {
  const std::filesystem::path file = std::filesystem::path("/proc/sys") / name;
  // Reading first: a container of a container may have /proc/sys read-only and the value right.
  const auto current = ReadFile(file);
  if (current && std::string_view(*current).substr(0, current->find('\n')) == value) return {};
  return WriteControlFile(file, value);
}

Result<> SetSysctlIfPresent(std::string_view name, std::string_view value) {
  auto set = SetSysctl(name, value);
  if (!set && set.error().code() == Code::kNotFound) return {};
  return set;
}

}  // namespace trivet::cni
