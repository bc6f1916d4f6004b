#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/linux/selinux_label.h"
#include "cri-runtime/container/config.h"

namespace trivet::container {

/// Who the container runs as, after the image's own passwd and group were asked.
struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> additional_gids;
  std::string home = "/";
};

/// What a container was asked to be, and what that came to: written once, before
/// anything is made.
struct Record {
  std::string id;  // 64 hexadecimal digits
  std::string sandbox_id;
  Config config;
  std::string image_id;                    // "sha256:…"
  std::vector<std::string> volume_images;  // ids, in the order of the mounts that name an image
  int64_t created_at_ns = 0;
  std::string boot_id;
  std::string cgroup;    // from the hierarchy's root
  std::string log_path;  // absolute; empty: no log
  int stop_signal = 15;
  User user;
  std::vector<std::string> args;  // of the first process
  std::vector<std::string> env;   // of every process
  std::string cwd = "/";
  std::string seccomp_profile;  // text of a localhost profile, as it was at creation
  selinux::Labels selinux;
};

///   kCreating ─▶ kCreated ─▶ kRunning ─▶ kExited ─▶ (removed)
///       └ failure: undone       └ killed before its start: kExited
enum class Phase : uint8_t { kCreating, kCreated, kRunning, kExited };
constexpr std::array<std::string_view, 4> Names(Phase /*e*/) {
  return {"creating", "created", "running", "exited"};
}

/// How a container is: replaced at each change; lost or void after a reboot.
struct State {
  Phase phase = Phase::kCreating;
  int32_t pid = 0;          // of the first process, in the node's PID namespace
  uint64_t start_time = 0;  // field 22 of /proc/<pid>/stat
  int64_t started_at_ns = 0;
  int64_t finished_at_ns = 0;
  int32_t exit_code = 0;
  bool oom_killed = false;
  std::string message;  // why it never started
  Resources resources;  // as updated last
};

template <class Codec>
void Fields(Codec& c, User& m) {
  c("uid", m.uid), c("gid", m.gid), c("additional_gids", m.additional_gids), c("home", m.home);
}
template <class Codec>
void Fields(Codec& c, Record& m) {
  c("id", m.id), c("sandbox_id", m.sandbox_id), c("config", m.config), c("image_id", m.image_id);
  c("volume_images", m.volume_images);
  c("created_at_ns", m.created_at_ns), c("boot_id", m.boot_id), c("cgroup", m.cgroup);
  c("log_path", m.log_path), c("stop_signal", m.stop_signal), c("user", m.user);
  c("args", m.args), c("env", m.env), c("cwd", m.cwd);
  c("seccomp_profile", m.seccomp_profile), c("selinux", m.selinux);
}
template <class Codec>
void Fields(Codec& c, State& m) {
  c("phase", m.phase), c("pid", m.pid), c("start_time", m.start_time);
  c("started_at_ns", m.started_at_ns), c("finished_at_ns", m.finished_at_ns);
  c("exit_code", m.exit_code), c("oom_killed", m.oom_killed), c("message", m.message);
  c("resources", m.resources);
}

}  // namespace trivet::container
