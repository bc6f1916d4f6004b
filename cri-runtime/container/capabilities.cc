#include "cri-runtime/container/capabilities.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/linux/file.h"

namespace trivet::container {
namespace {

// By number. Source: linux/capability.h.
constexpr std::array<std::string_view, 41> kNames{"CHOWN",
                                                  "DAC_OVERRIDE",
                                                  "DAC_READ_SEARCH",
                                                  "FOWNER",
                                                  "FSETID",
                                                  "KILL",
                                                  "SETGID",
                                                  "SETUID",
                                                  "SETPCAP",
                                                  "LINUX_IMMUTABLE",
                                                  "NET_BIND_SERVICE",
                                                  "NET_BROADCAST",
                                                  "NET_ADMIN",
                                                  "NET_RAW",
                                                  "IPC_LOCK",
                                                  "IPC_OWNER",
                                                  "SYS_MODULE",
                                                  "SYS_RAWIO",
                                                  "SYS_CHROOT",
                                                  "SYS_PTRACE",
                                                  "SYS_PACCT",
                                                  "SYS_ADMIN",
                                                  "SYS_BOOT",
                                                  "SYS_NICE",
                                                  "SYS_RESOURCE",
                                                  "SYS_TIME",
                                                  "SYS_TTY_CONFIG",
                                                  "MKNOD",
                                                  "LEASE",
                                                  "AUDIT_WRITE",
                                                  "AUDIT_CONTROL",
                                                  "SETFCAP",
                                                  "MAC_OVERRIDE",
                                                  "MAC_ADMIN",
                                                  "SYSLOG",
                                                  "WAKE_ALARM",
                                                  "BLOCK_SUSPEND",
                                                  "AUDIT_READ",
                                                  "PERFMON",
                                                  "BPF",
                                                  "CHECKPOINT_RESTORE"};

// What containerd and CRI-O's documented defaults amount to.
constexpr std::array<std::string_view, 14> kDefaults{
    "CHOWN",   "DAC_OVERRIDE", "FSETID",           "FOWNER",
    "MKNOD",   "NET_RAW",      "SETGID",           "SETUID",
    "SETFCAP", "SETPCAP",      "NET_BIND_SERVICE", "SYS_CHROOT",
    "KILL",    "AUDIT_WRITE"};

std::string Plain(std::string_view name) {
  std::string plain(name);
  std::ranges::transform(plain, plain.begin(), [](unsigned char c) { return std::toupper(c); });
  return plain.starts_with("CAP_") ? plain.substr(4) : plain;
}

bool HasAll(const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [](const std::string& name) { return Plain(name) == "ALL"; });
}

// The set of the single names; "ALL" is not one.
Result<uint64_t> SetOf(const std::vector<std::string>& names) {
  uint64_t set = 0;
  for (const std::string& name : names) {
    if (Plain(name) == "ALL") continue;
    ASSIGN_OR_RETURN(const int number, CapabilityNumber(name));
    set |= uint64_t{1} << number;
  }
  return set;
}

uint64_t DefaultSet() {
  uint64_t set = 0;
  for (const std::string_view name : kDefaults) set |= uint64_t{1} << *CapabilityNumber(name);
  return set;
}

}  // namespace

Result<int> CapabilityNumber(std::string_view name) {
  const auto found = std::ranges::find(kNames, Plain(name));
  if (found == kNames.end()) return Fail(Code::kInvalidArgument, "unknown capability \"{}\"", name);
  return static_cast<int>(found - kNames.begin());
}

std::string CapabilityName(int number) {
  if (number < 0 || static_cast<size_t>(number) >= kNames.size()) return "";
  return fmt::format("CAP_{}", kNames[static_cast<size_t>(number)]);
}

Result<CapabilitySets> ChooseCapabilities(const Security& security, uint64_t available) {
  ASSIGN_OR_RETURN(const uint64_t added, SetOf(security.add_capabilities), "add_capabilities");
  ASSIGN_OR_RETURN(const uint64_t dropped, SetOf(security.drop_capabilities), "drop_capabilities");
  ASSIGN_OR_RETURN(const uint64_t ambient, SetOf(security.add_ambient_capabilities),
                   "add_ambient_capabilities");
  if (security.privileged) return CapabilitySets{.bounding = available, .ambient = 0};

  uint64_t set = DefaultSet();
  if (HasAll(security.add_capabilities)) set = ~uint64_t{0};
  if (HasAll(security.drop_capabilities)) set = 0;
  set = (set | added) & ~dropped;
  if (HasAll(security.add_ambient_capabilities)) {
    return CapabilitySets{.bounding = set & available, .ambient = set & available};
  }
  return CapabilitySets{.bounding = (set | ambient) & available, .ambient = ambient & available};
}

Result<uint64_t> ReadAvailableCapabilities() {
  ASSIGN_OR_RETURN(const std::string status, ReadFile("/proc/self/status"));
  constexpr std::string_view kKey = "\nCapBnd:\t";
  const size_t at = status.find(kKey);
  uint64_t set = 0;
  if (at != std::string::npos) {
    const char* begin = status.data() + at + kKey.size();
    if (std::from_chars(begin, status.data() + status.size(), set, 16).ec == std::errc()) {
      return set;
    }
  }
  return Fail(Code::kInternal, "/proc/self/status: no CapBnd");
}

}  // namespace trivet::container
