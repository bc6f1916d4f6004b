#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cri-runtime/sandbox/config.h"

namespace trivet::sandbox {

/// What a sandbox was asked to be: written once before anything is made, durable before anybody has
/// its id.
struct Record {
  std::string id;  // 64 hexadecimal digits
  Config config;
  int64_t created_at_ns = 0;       // Unix time
  std::string boot_id;             // of the boot it was made in
  std::string cgroup;              // the pod's cgroup, from the hierarchy's root
  std::string cni_config;          // the configuration list as it was read; empty: no CNI
  std::string cni_args;            // JSON: the capability arguments, the same for ADD and DEL
  std::string selinux_level;       // of its containers, where they name none; empty: no SELinux
  std::string selinux_file_label;  // of the pod's own files
};

///             ┌─ failure: undone, the record goes
///   kCreating ┴▶ kReady ─▶ kNotReady ─▶ (removed)
enum class Phase : uint8_t { kCreating, kReady, kNotReady };
constexpr std::array<std::string_view, 3> Names(Phase /*e*/) {
  return {"creating", "ready", "notready"};
}

/// How a sandbox is: replaced at each change; lost or void after a reboot.
struct State {
  Phase phase = Phase::kCreating;
  int32_t shim_pid = 0;
  uint64_t shim_start_time = 0;  // field 22 of /proc/<pid>/stat
  std::vector<std::string> ips;
  bool network_attached = false;  // CNI DEL is owed, or may be
  std::string cni_result;         // JSON: what ADD answered, for DEL; empty: not known
};

/// That of a sandbox of which nothing but the record is known: ADD may have been called for it.
inline State HalfMade(const Record& record) {
  return {.network_attached = !record.cni_config.empty()};
}

template <class Codec>
void Fields(Codec& c, Record& m) {
  c("id", m.id), c("config", m.config), c("created_at_ns", m.created_at_ns);
  c("boot_id", m.boot_id), c("cgroup", m.cgroup), c("cni_config", m.cni_config);
  c("cni_args", m.cni_args), c("selinux_level", m.selinux_level);
  c("selinux_file_label", m.selinux_file_label);
}
template <class Codec>
void Fields(Codec& c, State& m) {
  c("phase", m.phase), c("shim_pid", m.shim_pid), c("shim_start_time", m.shim_start_time);
  c("ips", m.ips), c("network_attached", m.network_attached);
  c("cni_result", m.cni_result);
}

}  // namespace trivet::sandbox
