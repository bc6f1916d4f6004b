#include <fmt/ranges.h>
#include <linux/capability.h>

#include <array>
#include <charconv>

#include "common/linux/file.h"
#include "common/linux/selinux_policy.h"
#include "ctl/doctor/check.h"

namespace trivet::ctl::doctor {
namespace {

struct Capability {
  unsigned number;
  const char* name;
};
// What the programs use themselves, and what containers get by default: nobody can give what he
// has not. Source: capabilities(7).
constexpr std::array kNeeded = {
    Capability{CAP_CHOWN, "CHOWN"},
    Capability{CAP_DAC_OVERRIDE, "DAC_OVERRIDE"},
    Capability{CAP_FOWNER, "FOWNER"},
    Capability{CAP_FSETID, "FSETID"},
    Capability{CAP_KILL, "KILL"},
    Capability{CAP_SETGID, "SETGID"},
    Capability{CAP_SETUID, "SETUID"},
    Capability{CAP_SETPCAP, "SETPCAP"},
    Capability{CAP_NET_BIND_SERVICE, "NET_BIND_SERVICE"},
    Capability{CAP_NET_ADMIN, "NET_ADMIN"},
    Capability{CAP_NET_RAW, "NET_RAW"},
    Capability{CAP_SYS_CHROOT, "SYS_CHROOT"},
    Capability{CAP_SYS_PTRACE, "SYS_PTRACE"},
    Capability{CAP_SYS_ADMIN, "SYS_ADMIN"},
    Capability{CAP_MKNOD, "MKNOD"},
    Capability{CAP_AUDIT_WRITE, "AUDIT_WRITE"},
    Capability{CAP_SETFCAP, "SETFCAP"},
};

// "CapEff:\t000001ffffffffff" of /proc/self/status.
Result<uint64_t> ReadEffective(const Host& host) {
  constexpr std::string_view kKey = "CapEff:\t";
  ASSIGN_OR_RETURN(const std::string text, ReadFile(host.Proc("self/status")));
  const size_t at = text.find(kKey);
  uint64_t bits = 0;
  if (at == std::string::npos ||
      std::from_chars(text.data() + at + kKey.size(), text.data() + text.size(), bits, 16).ec !=
          std::errc()) {
    return Fail(Code::kInternal, "/proc/self/status: no CapEff");
  }
  return bits;
}

bool Has(uint64_t bits, unsigned capability) {
  return (bits >> capability & 1) != 0;
}

Result<Answer> ProbeCapabilities(const Host& host) {
  ASSIGN_OR_RETURN(const uint64_t bits, ReadEffective(host));
  std::vector<std::string> missing;
  for (const Capability& capability : kNeeded) {
    if (!Has(bits, capability.number)) missing.emplace_back(capability.name);
  }
  if (missing.empty()) return Answer{};
  return Answer{State::kMissing, fmt::format("no {}", fmt::join(missing, ", "))};
}

Result<Answer> ProbeResourceCapability(const Host& host) {
  ASSIGN_OR_RETURN(const uint64_t bits, ReadEffective(host));
  if (Has(bits, CAP_SYS_RESOURCE)) return Answer{};
  return Answer{State::kMissing, "the caller does not have it"};
}

Result<Answer> ProbeAppArmor(const Host& host) {
  const auto enabled = ReadFile(host.Sys("module/apparmor/parameters/enabled"));
  if (enabled && enabled->starts_with('Y')) return Answer{};
  return Answer{State::kMissing, "not enabled: pods that ask for a profile are refused"};
}

Result<Answer> ProbeDefaultProfile(const Host& host) {
  const auto loaded = ReadFile(host.Sys("kernel/security/apparmor/profiles"));
  if (!loaded && loaded.error().code() == Code::kNotFound) {
    return Answer{.detail = "not needed: AppArmor is not enabled"};
  }
  RETURN_IF_ERROR(loaded);
  // A line for each profile: "name (mode)".
  if (("\n" + *loaded).find("\ntrivet-default (") != std::string::npos) return Answer{};
  return Answer{State::kMissing, "not loaded: pods that ask for RuntimeDefault are refused"};
}

Result<Answer> ProbeSelinux(const Host& host) {
  ASSIGN_OR_RETURN(const auto policy, selinux::Policy::Open(selinux::Mode::kAuto, host.root));
  if (!policy.enabled()) return Answer{.detail = "not enabled"};
  ASSIGN_OR_RETURN(const std::string enforcing, ReadFile(host.Sys("fs/selinux/enforce")));
  const std::string mode = enforcing.starts_with('0') ? "permissive" : "enforcing";
  const selinux::Label& label = policy.defaults().process;
  if (label.empty()) {
    return Answer{State::kLimited, mode + ": the policy has no labels for containers"};
  }
  const std::string text = selinux::TextOf(label);
  if (!policy.Check(label)) {
    return Answer{State::kLimited, mode + ": the loaded policy does not have " + text};
  }
  return Answer{.detail = mode + ": containers are " + text};
}

}  // namespace

std::vector<Check> SecurityChecks() {
  return {
      {"security", "capabilities of the caller", Need::kRequired,
       "everything that is done to the kernel, and what containers get by default",
       "run as root, without a bounding set that takes them away", ProbeCapabilities},
      {"security", "CAP_SYS_RESOURCE", Need::kOptional,
       "daemons and pods that the kernel kills last for lack of memory",
       "run as root, without a bounding set that takes it away", ProbeResourceCapability},
      {"security", "AppArmor", Need::kOptional, "pods with an appArmorProfile",
       "boot with apparmor=1 security=apparmor", ProbeAppArmor},
      {"security", "AppArmor profile trivet-default", Need::kOptional,
       "pods with appArmorProfile RuntimeDefault",
       "apparmor_parser -r /etc/apparmor.d/trivet-default", ProbeDefaultProfile},
      {"security", "SELinux", Need::kOptional, "containers that are kept apart by their labels",
       "install container-selinux, and label /usr/libexec/trivet container_runtime_exec_t",
       ProbeSelinux},
  };
}

}  // namespace trivet::ctl::doctor
