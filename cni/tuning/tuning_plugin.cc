#include "cni/tuning/tuning_plugin.h"

#include <sys/socket.h>

#include "cni/failures.h"
#include "cni/tuning/net_sysctl.h"
#include "common/base/unique_fd.h"
#include "common/linux/netns.h"

namespace trivet::cni {
namespace {

// What tells the calling thread's network namespace from every other one of this boot; an inode's
// number is used again. Zero before Linux 5.14. Source: man 7 socket, SO_NETNS_COOKIE.
Result<uint64_t> ReadNetnsCookie() {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return FailErrno("open socket");
  uint64_t cookie = 0;
  socklen_t bytes = sizeof cookie;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &bytes) == 0) return cookie;
  if (errno == ENOPROTOOPT) return 0;
  return FailErrno("read SO_NETNS_COOKIE");
}

Result<> RestoreLink(const AttachmentKey& key, const json::Value& before) {
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto link, FindLink(socket, key.ifname));
  if (!link || link->index != before.value("index", 0U)) return {};
  ASSIGN_OR_RETURN(const LinkSettings settings, ParseLinkSettings(before));
  return ApplySettings(socket, *link, settings);
}

// In the reverse order of writing. Each is tried: one that does not take its own value back must
// not keep the others.
Result<> RestoreSysctls(const json::Value& before) {
  Failures failures;
  for (auto entry = before.rbegin(); entry != before.rend(); ++entry) {
    auto written = WriteNetSysctl(entry->value("path", ""), entry->value("value", ""));
    if (!written && written.error().code() == Code::kNotFound) continue;
    failures.Add(std::move(written));
  }
  return std::move(failures).Result();
}

}  // namespace

Result<std::unique_ptr<Plugin>> TuningPlugin::Make(const NetConf& conf,
                                                   const Environment& environment) {
  ASSIGN_OR_RETURN(TuningConf tuning, ParseTuningConf(conf, environment));
  std::unique_ptr<Plugin> plugin =
      std::make_unique<TuningPlugin>(conf, environment, std::move(tuning));
  return plugin;
}

Result<json::Value> TuningPlugin::Plan(const AddResult& /*previous*/) {
  if (tuning_.empty()) return json::Value();
  for (const auto& [name, value] : tuning_.sysctls) {
    RETURN_IF_ERROR(CheckSysctlIsAllowed(kSysctlAllowList, name));
  }
  json::Value plan;
  RETURN_IF_ERROR(InNetworkNamespace(environment().netns, [&]() -> Result<> {
    ASSIGN_OR_RETURN(plan, ReadBefore());
    ASSIGN_OR_RETURN(plan["netnsCookie"], ReadNetnsCookie());
    return {};
  }));
  plan["netns"] = environment().netns;
  return plan;
}

Result<json::Value> TuningPlugin::ReadBefore() const {
  json::Value before{{"sysctls", json::Value::array()}, {"link", nullptr}};
  for (const auto& [name, value] : tuning_.sysctls) {
    ASSIGN_OR_RETURN(const std::string path, NetSysctlPath(name, environment().ifname), "sysctl");
    const auto current = ReadNetSysctl(path);
    if (current) {
      before["sysctls"].push_back({{"path", path}, {"value", *current}});
    } else if (current.error().code() == Code::kNotFound) {
      return std::unexpected(current.error());
    }  // one that can only be written has nothing to restore
  }
  if (tuning_.link.empty()) return before;
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const Link link, ReadLink(socket, environment().ifname));
  before["link"] = ToJson(CurrentSettings(link, tuning_.link));
  before["link"]["index"] = link.index;
  return before;
}

Result<> TuningPlugin::Make(const json::Value& /*plan*/, json::Value& result) {
  RETURN_IF_ERROR(InNetworkNamespace(environment().netns, [&] { return Change(); }));
  TellChanges(result);
  return {};
}

Result<> TuningPlugin::Change() const {
  for (const auto& [name, value] : tuning_.sysctls) {
    ASSIGN_OR_RETURN(const std::string path, NetSysctlPath(name, environment().ifname), "sysctl");
    RETURN_IF_ERROR(WriteNetSysctl(path, value));
  }
  if (tuning_.link.empty()) return {};
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const Link link, ReadLink(socket, environment().ifname));
  return ApplySettings(socket, link, tuning_.link);
}

// What the result says of the container's interface; the host's may have the same name.
void TuningPlugin::TellChanges(json::Value& result) const {
  if (!result.contains("interfaces") || !result["interfaces"].is_array()) return;
  for (json::Value& interface : result["interfaces"]) {
    if (interface.value("name", "") != environment().ifname) continue;
    const json::Value sandbox = interface.value("sandbox", json::Value());
    if (sandbox.is_null() || sandbox == "") continue;
    if (!tuning_.link.mac.empty()) interface["mac"] = tuning_.link.mac;
    if (tuning_.link.mtu_bytes != 0 && conf().version >= SpecVersion::k110) {
      interface["mtu"] = tuning_.link.mtu_bytes;
    }
  }
}

Result<> TuningPlugin::Undo(const AttachmentKey& key, const json::Value& plan) {
  auto restored = InNetworkNamespace(plan.value("netns", ""), [&]() -> Result<> {
    ASSIGN_OR_RETURN(const uint64_t cookie, ReadNetnsCookie());
    if (cookie != plan.value("netnsCookie", uint64_t{0})) return {};
    Failures failures;
    if (plan["link"].is_object()) failures.Add(RestoreLink(key, plan["link"]));
    failures.Add(RestoreSysctls(plan["sysctls"]));
    return std::move(failures).Result();
  });
  if (restored) return {};
  // All of it went with the namespace; its file may be left without it.
  const Code code = restored.error().code();
  if (code == Code::kNotFound || code == Code::kInvalidArgument) return {};
  return restored;
}

Result<> TuningPlugin::Verify(const json::Value& /*plan*/, const AddResult& /*previous*/) {
  return InNetworkNamespace(environment().netns, [&] { return Compare(); });
}

Result<> TuningPlugin::Compare() const {
  for (const auto& [name, value] : tuning_.sysctls) {
    ASSIGN_OR_RETURN(const std::string path, NetSysctlPath(name, environment().ifname), "sysctl");
    const auto current = ReadNetSysctl(path);
    if (!current && current.error().code() != Code::kNotFound) continue;  // write-only
    if (!current) return Fail(Code::kFailedPrecondition, "{}", current.error().message());
    if (!IsSameSysctlValue(*current, value)) {
      return Fail(Code::kFailedPrecondition, "sysctl: {} is '{}', not '{}'", name, *current, value);
    }
  }
  if (tuning_.link.empty()) return {};
  ASSIGN_OR_RETURN(auto socket, netlink::RouteSocket::Open());
  ASSIGN_OR_RETURN(const auto link, FindLink(socket, environment().ifname));
  if (link) return CompareSettings(*link, tuning_.link);
  return Fail(Code::kFailedPrecondition, "link {} is absent", environment().ifname);
}

}  // namespace trivet::cni
