#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The shim protocol: trivet-cri (client) tells trivet-shim (server, one per
/// pod) what to run. The shim knows kernel objects only: no images, no CRI.
///
/// A SOCK_SEQPACKET unix socket, /run/trivet/shims/<sandbox>/sock (0600, same
/// uid only). A packet is a Header, then the body of its verb, encoded by wire.h;
/// descriptors travel by SCM_RIGHTS beside the packet and are named in the body by
/// their index. A body over kMaxInlineBytes travels in a sealed memfd, which is
/// then the packet's first descriptor. Answers carry the request's serial and may
/// come in any order (Exec answers when the process has ended); events have serial 0.
///
/// Versions. A shim lives as long as its pod, so a daemon that was upgraded meets
/// shims of earlier builds, and one that was downgraded meets shims of later ones.
/// Each packet says the version that it is written in: the header's first four
/// bytes, in every version there will be, with the major in the lower half and the
/// minor in the upper one. The two sides agree at Hello: its request is in 1.0 and
/// offers the daemon's minor (the shims of 1.0 take no notice of it); the answer,
/// and all that follows on the connection, is in the lower one of both minors.
///
/// What a minor may do (raise kMinor, and keep tests/unit/proto/wire_test.cc):
///  - add a verb or an event. Who does not know a verb answers kUnimplemented and
///    goes on; who does not know an event takes no notice of it.
///  - add a field, at the end of a message's list, by Since(minor, ...). Its absence
///    is its type's zero value and means what was done before there was the field.
///    The daemon cannot send one that is set to a shim that does not have it: that
///    call fails with kUnimplemented, and the pod goes on.
///  - add a value of an enum, sent only to who has said this minor or a later one.
/// Nothing else: no field goes, moves or changes its type or its meaning, and Header
/// does not change. The two files that outlive a process (SandboxSpec, ExitRecord)
/// do not say their version: their new fields are such that no message of an earlier
/// minor can be taken for one of a later one (wire::DecodeKept).
///
/// A packet of another major is answered by a header that says the own version and
/// kFailedPrecondition, and the connection ends. The pod then runs on unheard: the
/// daemon reports it as not ready and ends it by its record, its processes' pidfds
/// and its cgroups.
namespace trivet::shim {

constexpr uint16_t kMajor = 1;
constexpr uint16_t kMinor = 4;
constexpr uint32_t VersionOf(uint16_t minor) {
  return kMajor | uint32_t{minor} << 16;
}
constexpr uint16_t MajorOf(uint32_t version) {
  return static_cast<uint16_t>(version & 0xffff);
}
constexpr uint16_t MinorOf(uint32_t version) {
  return static_cast<uint16_t>(version >> 16);
}
constexpr uint32_t kMaxInlineBytes = 65536;
constexpr int32_t kNoFd = -1;

enum class Verb : uint8_t {
  // Offer -> State: what runs here; also subscribes this connection to events.
  kHello = 1,
  kCreateContainer = 2,  // ContainerSpec -> Empty; nothing is executed yet
  // ContainerRef -> Started. A start that fails ends the container: kStartFailedCode, with record
  // and event.
  kStartContainer = 3,
  kSignalContainer = 4,   // SignalRequest -> Empty
  kRemoveContainer = 5,   // ContainerRef -> Empty; kills what is left; unknown is success
  kExec = 6,              // ExecRequest -> ExecResult, when the process has ended
  kReopenLog = 7,         // ContainerRef -> Empty
  kShutdown = 8,          // Empty -> Empty; kills everything, then the shim exits
  kContainerExited = 64,  // event: ExitRecord
};

struct Header {
  uint32_t version = VersionOf(0);  // of the body
  uint32_t serial = 0;
  Verb verb = Verb::kHello;
  int32_t code = 0;           // of an answer: 0, or trivet::Code and `message`
  int32_t sys_errno = 0;      // of an answer: the kernel's errno, or 0
  uint8_t body_in_memfd = 0;  // 1: the body is in the first descriptor
  std::string message;        // "container init: execve /bin/nope: No such file or directory"
};

struct Empty {};

/// Of a Hello; empty, in 1.0.
struct Offer {
  uint16_t minor = kMinor;
};

struct ContainerRef {
  std::string id;
};

/// How a namespace of the pod or of a container is had.
enum class NamespaceMode : uint8_t {
  kNode = 0,       // the node's
  kPod = 1,        // the pod's, shared by its containers
  kContainer = 2,  // the container's own (PID only)
  kTarget = 3,     // another container's (PID only)
};

/// Ids of the pod's user namespace: its 0 to length - 1 are host_id to host_id + length - 1 of the
/// node.
struct IdRange {
  uint32_t host_id = 0;
  uint32_t length = 0;  // 0: there is no such namespace, the pod has the node's
};

/// What the shim is started with: it makes the pod's namespaces before its
/// socket answers. The daemon leaves it in the file shims/<sandbox>/spec, encoded by wire.h, and
/// starts `trivet-shim --run-dir shims/<sandbox> --ready-fd N --wait` with a socket as N: a byte of
/// it says that the file is there; its end, that the shim is not needed. When its own socket
/// listens the shim writes "ready\n" to N and closes it; else it writes why not and exits 1.
struct SandboxSpec {
  std::string id;
  std::string hostname;  // set in the pod's UTS namespace; empty: left alone
  NamespaceMode network = NamespaceMode::kPod;
  NamespaceMode ipc = NamespaceMode::kPod;
  NamespaceMode pid = NamespaceMode::kPod;  // kPod: a reaper is PID 1; else each container decides
  // Of the pod's user namespace, both or none. It owns the other namespaces, so none of those may
  // be the node's.
  IdRange uids;
  IdRange gids;
  std::string netns_path;  // where the network namespace is pinned for CNI; empty: nowhere
  std::vector<std::string> sysctls;  // "net.ipv4.ip_forward=1", of the pod's namespaces; validated
  std::vector<std::string> cgroup_procs;  // files by which the pod's reaper enters its groups
  bool netns_is_made = false;  // it is pinned at netns_path, with lo up: entered, not made; no uids
};

struct Rlimit {
  uint32_t resource = 0;  // RLIMIT_…
  uint64_t soft = 0;
  uint64_t hard = 0;
};

/// A process to be executed, of a container's start or of an exec.
struct ProcessSpec {
  std::vector<std::string> args;
  std::vector<std::string> env;  // "K=V"; bytes
  std::string cwd = "/";         // made (0755) when absent at a container's start
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> additional_gids;
  uint64_t bounding_caps = 0;  // bit n is capability n (linux/capability.h)
  uint64_t effective_caps =
      0;  // also the permitted set; the inheritable set is always ambient_caps
  uint64_t ambient_caps = 0;
  bool no_new_privs = false;
  bool terminal = false;         // of an exec: kUnimplemented until streaming comes
  std::string seccomp_bpf;       // array of struct sock_filter; empty: none
  std::string apparmor_profile;  // empty: none
  std::string selinux_label;     // "user:role:type:level"; empty: what the policy decides
  std::vector<Rlimit> rlimits;
  int32_t oom_score_adj = 0;
};

enum class MountKind : uint8_t {
  kDetached = 1,  // fd_index is a detached mount tree (open_tree, fsmount), ready to be moved
  kProc = 2,
  kSysfs = 3,
  kTmpfs = 4,  // options: "size=64m,mode=1777"
  kMqueue = 5,
  kDevpts = 6,
  // cgroup2, or the v1 hierarchies: the container's own view, in its cgroup namespace. In the
  // node's: all of cgroup2 as the node has it, or the container's own groups of the v1 hierarchies.
  kCgroup = 7,
  // tmpfs with the default nodes and links (OCI runtime spec, default devices) and those of
  // ContainerSpec.devices. With MOUNT_ATTR_NODEV each node is a mount of its own and nothing else
  // in the folder can be opened as a device. With nodev on the root and the other mounts, too, that
  // is the device access control: it needs no device cgroup.
  kDev = 8,
};

/// Mounted in the order given, below the container's root, never following a
/// link out of it (openat2 RESOLVE_IN_ROOT).
struct MountSpec {
  MountKind kind = MountKind::kDetached;
  std::string target;        // absolute, inside the container
  int32_t fd_index = kNoFd;  // of kDetached
  uint64_t attributes = 0;   // MOUNT_ATTR_RDONLY | …NOSUID … (linux/mount.h); kDetached has its own
  std::string options;       // "size=64m,mode=1777"; empty: what is usual for the kind
  bool is_directory = true;  // what to make when the target is absent
};

/// A device node made in the container's /dev beside the default ones.
struct DeviceSpec {
  std::string path;
  bool block = false;
  uint32_t major = 0;
  uint32_t minor = 0;
  uint32_t mode = 0666;
  uint32_t uid = 0;  // as the node counts them; since 1.1
  uint32_t gid = 0;
};

/// When a hook runs. Source: OCI runtime specification, config.md, POSIX-platform hooks.
enum class HookKind : uint8_t {
  kPrestart = 0,
  kCreateRuntime = 1,
  kCreateContainer = 2,  // in the container's namespaces, before its root becomes /
  kStartContainer = 3,   // in the container, as its user
  kPoststart = 4,
  kPoststop = 5,
};
constexpr std::array<std::string_view, 6> Names(HookKind /*e*/) {
  return {"prestart",       "createRuntime", "createContainer",
          "startContainer", "poststart",     "poststop"};
}

struct HookSpec {
  HookKind kind = HookKind::kPrestart;
  std::string path;  // absolute; of kStartContainer in the container, else on the node
  std::vector<std::string> args;
  std::vector<std::string> env;
  int64_t timeout_ms = 0;  // more than zero
};

struct ContainerSpec {
  std::string id;
  ProcessSpec process;
  int32_t root_fd_index = kNoFd;  // detached mount: the container's root
  bool readonly_root = false;
  NamespaceMode pid = NamespaceMode::kPod;
  std::string pid_target;  // container id, with kTarget
  std::vector<MountSpec> mounts;
  std::vector<DeviceSpec> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string cgroup_v2;                  // folder, cloned into (CLONE_INTO_CGROUP); empty on v1
  std::vector<std::string> cgroup_procs;  // v1: files by which it enters its groups
  std::string log_path;                   // absolute; empty: output is discarded
  std::string exit_path;  // where the ExitRecord is kept until the daemon removes it
  bool stdin_open = false;
  // Of the file systems that are made for the container alone; empty: what the policy decides.
  std::string selinux_file_label;
  bool node_cgroups = false;    // since 1.2: in the node's cgroup namespace, not in one of its own
  std::vector<HookSpec> hooks;  // in the order given within a kind; since 1.3
  std::string hook_state;       // members of the OCI state but ociVersion, status, pid: "\"id\":…"
  std::vector<int32_t> node_namespace_fds;  // that hooks of the runtime's namespaces enter
  // That its first process enters before it makes its own of them: a mount namespace without the
  // node's mounts, or none; since 1.4
  std::vector<int32_t> first_namespace_fds;
};

struct Started {
  int32_t pid = 0;          // in the shim's PID namespace
  uint64_t start_time = 0;  // field 22 of /proc/<pid>/stat, clock ticks
};

struct SignalRequest {
  std::string id;
  int32_t signal = 15;
  bool all = false;  // every process of the container's cgroup and PID namespace
};

constexpr int32_t kStartFailedCode = 128;  // of a container that could not be started

struct ExitRecord {
  std::string id;
  int32_t exit_code = 0;  // 128 + signal when killed
  bool oom_killed = false;
  int64_t finished_at_ns = 0;  // Unix time
};

struct ExecRequest {
  std::string id;  // of the container
  ProcessSpec process;
  int64_t timeout_ms = 0;          // 0: none; at the end the process tree is killed
  int32_t stdin_fd_index = kNoFd;  // absent: /dev/null
  int32_t stdout_fd_index = kNoFd;
  int32_t stderr_fd_index = kNoFd;
};

struct ExecResult {
  int32_t exit_code = 0;
  bool timed_out = false;
};

enum class ContainerPhase : uint8_t { kCreated = 1, kRunning = 2, kExited = 3 };

struct ContainerState {
  std::string id;
  ContainerPhase phase = ContainerPhase::kCreated;
  int32_t pid = 0;
  uint64_t start_time = 0;
  ExitRecord exit;  // when exited
};

struct State {
  std::string sandbox_id;
  int32_t shim_pid = 0;
  int32_t reaper_pid = 0;  // 0: none
  std::vector<ContainerState> containers;
  std::string program_version;  // since 1.1: "0.1.0", of the trivet-shim that runs
};

template <class Codec>
void Fields(Codec& c, Header& m) {
  c(m.version, m.serial, m.verb, m.code, m.sys_errno, m.body_in_memfd, m.message);
}
template <class Codec>
void Fields(Codec& /*c*/, Empty& /*m*/) {}
template <class Codec>
void Fields(Codec& c, Offer& m) {
  c(m.minor);
}
template <class Codec>
void Fields(Codec& c, ContainerRef& m) {
  c(m.id);
}
template <class Codec>
void Fields(Codec& c, IdRange& m) {
  c(m.host_id, m.length);
}
template <class Codec>
void Fields(Codec& c, SandboxSpec& m) {
  c(m.id, m.hostname, m.network, m.ipc, m.pid, m.uids, m.gids, m.netns_path, m.sysctls,
    m.cgroup_procs, m.netns_is_made);
}
template <class Codec>
void Fields(Codec& c, Rlimit& m) {
  c(m.resource, m.soft, m.hard);
}
template <class Codec>
void Fields(Codec& c, ProcessSpec& m) {
  c(m.args, m.env, m.cwd, m.uid, m.gid, m.additional_gids, m.bounding_caps, m.effective_caps,
    m.ambient_caps, m.no_new_privs, m.terminal, m.seccomp_bpf, m.apparmor_profile, m.selinux_label,
    m.rlimits, m.oom_score_adj);
}
template <class Codec>
void Fields(Codec& c, MountSpec& m) {
  c(m.kind, m.target, m.fd_index, m.attributes, m.options, m.is_directory);
}
template <class Codec>
void Fields(Codec& c, DeviceSpec& m) {
  c(m.path, m.block, m.major, m.minor, m.mode);
  c.Since(1, m.uid, m.gid);
}
template <class Codec>
void Fields(Codec& c, HookSpec& m) {
  c(m.kind, m.path, m.args, m.env, m.timeout_ms);
}
template <class Codec>
void Fields(Codec& c, ContainerSpec& m) {
  c(m.id, m.process, m.root_fd_index, m.readonly_root, m.pid, m.pid_target, m.mounts, m.devices,
    m.masked_paths, m.readonly_paths, m.cgroup_v2, m.cgroup_procs, m.log_path, m.exit_path,
    m.stdin_open, m.selinux_file_label);
  c.Since(2, m.node_cgroups);
  c.Since(3, m.hooks, m.hook_state, m.node_namespace_fds);
  c.Since(4, m.first_namespace_fds);
}
template <class Codec>
void Fields(Codec& c, Started& m) {
  c(m.pid, m.start_time);
}
template <class Codec>
void Fields(Codec& c, SignalRequest& m) {
  c(m.id, m.signal, m.all);
}
template <class Codec>
void Fields(Codec& c, ExitRecord& m) {
  c(m.id, m.exit_code, m.oom_killed, m.finished_at_ns);
}
template <class Codec>
void Fields(Codec& c, ExecRequest& m) {
  c(m.id, m.process, m.timeout_ms, m.stdin_fd_index, m.stdout_fd_index, m.stderr_fd_index);
}
template <class Codec>
void Fields(Codec& c, ExecResult& m) {
  c(m.exit_code, m.timed_out);
}
template <class Codec>
void Fields(Codec& c, ContainerState& m) {
  c(m.id, m.phase, m.pid, m.start_time, m.exit);
}
template <class Codec>
void Fields(Codec& c, State& m) {
  c(m.sandbox_id, m.shim_pid, m.reaper_pid, m.containers);
  c.Since(1, m.program_version);
}

}  // namespace trivet::shim
