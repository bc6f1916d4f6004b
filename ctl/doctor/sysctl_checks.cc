#include <algorithm>
#include <array>
#include <charconv>

#include "common/linux/file.h"
#include "ctl/doctor/check.h"

namespace trivet::ctl::doctor {
namespace {

struct Sysctl {
  std::string_view name;
  int64_t at_least;
  std::string_view needed_for;
};
// None of them is required: pods run, but fewer of them, or with less.
constexpr std::array kSysctls = {
    Sysctl{"net.ipv4.ip_forward", 1,
           "pods that reach other nodes (trivet-cni sets it with the first pod)"},
    Sysctl{"net.ipv6.conf.all.forwarding", 1,
           "IPv6 pods that reach other nodes (trivet-cni sets it, too)"},
    Sysctl{"net.netfilter.nf_conntrack_max", 65536, "many connections at once"},
    Sysctl{"net.ipv4.neigh.default.gc_thresh3", 1024, "more than a few hundred pods"},
    Sysctl{"fs.inotify.max_user_instances", 512, "the kubelet, and pods that watch files"},
    Sysctl{"fs.inotify.max_user_watches", 65536, "the kubelet, and pods that watch files"},
    Sysctl{"user.max_user_namespaces", 1, "pods with hostUsers: false"},
    Sysctl{"kernel.pid_max", 65536, "many pods"},
};

Result<Answer> ProbeSysctl(const Host& host, const Sysctl& sysctl) {
  std::string path(sysctl.name);
  std::ranges::replace(path, '.', '/');
  const auto text = ReadFile(host.Proc("sys/" + path));
  if (!text) return Answer{State::kLimited, "the kernel does not have it (yet)"};
  int64_t value = 0;
  if (std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc()) {
    return Fail(Code::kInternal, "{}: not a number", sysctl.name);
  }
  if (value >= sysctl.at_least) return Answer{.detail = std::to_string(value)};
  return Answer{State::kLimited, fmt::format("{}, less than {}", value, sysctl.at_least)};
}

}  // namespace

std::vector<Check> SysctlChecks() {
  std::vector<Check> checks;
  for (const Sysctl& sysctl : kSysctls) {
    checks.push_back({"sysctls", std::string(sysctl.name), Need::kOptional,
                      std::string(sysctl.needed_for),
                      fmt::format("sysctl -w {}={}", sysctl.name, sysctl.at_least),
                      [&sysctl](const Host& host) { return ProbeSysctl(host, sysctl); }});
  }
  return checks;
}

}  // namespace trivet::ctl::doctor
