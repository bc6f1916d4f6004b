#include "cri-runtime/container/creation.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/linux/file.h"
#include "cri-runtime/clock.h"
#include "cri-runtime/container/cdi_registry.h"
#include "cri-runtime/container/command_line.h"
#include "cri-runtime/container/devices.h"
#include "cri-runtime/container/fd_table.h"
#include "cri-runtime/container/hooks.h"
#include "cri-runtime/container/id_mapping.h"
#include "cri-runtime/container/image_volume.h"
#include "cri-runtime/container/limits.h"
#include "cri-runtime/container/mounts.h"
#include "cri-runtime/container/pod_rules.h"
#include "cri-runtime/container/process.h"
#include "cri-runtime/container/user.h"
#include "cri-runtime/sandbox/groups.h"
#include "cri-runtime/sandbox/pod_files.h"
#include "cri-runtime/selinux/choice.h"

namespace trivet::container {
namespace {

constexpr uint64_t kMaxProfileBytes = uint64_t{1} << 20;
constexpr mode_t kRootMode = 0755;
constexpr uint16_t kMinorOfNodeCgroups = 2;  // shims of before make a namespace for each container
constexpr uint16_t kMinorOfHooks = 3;
constexpr uint16_t kMinorOfFirstNamespaces = 4;

Result<std::string> ReadProfile(const Profile& profile, const std::filesystem::path& root) {
  if (profile.kind != ProfileKind::kLocalhost) return std::string();
  const std::filesystem::path file = root / profile.localhost_ref;  // an absolute one stays
  ASSIGN_OR_RETURN(std::string text, ReadFile(file, kMaxProfileBytes), "seccomp profile");
  return text;
}

std::string LogPath(const sandbox::Config& sandbox, const Config& config) {
  if (sandbox.log_directory.empty() || config.log_path.empty()) return "";
  return (std::filesystem::path(sandbox.log_directory) / config.log_path).native();
}

}  // namespace

Result<> Creation::ChooseLabels(const Security& security) {
  const bool node_namespace = security.namespaces.pid == sandbox::NamespaceMode::kNode ||
                              security.namespaces.ipc == sandbox::NamespaceMode::kNode;
  ASSIGN_OR_RETURN(labels_,
                   selinux::ChooseLabels(node_.selinux, {.options = security.selinux,
                                                         .level = sandbox_->record->selinux_level,
                                                         .privileged = security.privileged,
                                                         .node_namespace = node_namespace}));
  return {};
}

Result<> Creation::Run(const Config& asked, state::Progress& progress) {
  progress.Enter("image");
  ASSIGN_OR_RETURN(const cdi::Edits edits,
                   cdi::FindEdits(node_.config->cdi_spec_dirs, asked.cdi_devices));
  const Config config = cdi::Inject(asked, edits);
  RETURN_IF_ERROR(CheckPodAllows(config.security, sandbox_->record->config));
  RETURN_IF_ERROR(CheckIdMappings(config, sandbox_->record->config));
  RETURN_IF_ERROR(ChooseLabels(config.security), "selinux_options");
  ASSIGN_OR_RETURN(user_namespace_, OpenUserNamespace(*sandbox_->record, node_.paths));
  ASSIGN_OR_RETURN(const image::Image image, node_.images.PinFor(config.image, id_), "image");
  progress.Enter("root file system");
  RootMount root([&] { return MountRoot(config, image); });
  ASSIGN_OR_RETURN(const Accounts accounts, AccountsOf(image, root));
  ASSIGN_OR_RETURN(const Record record, Plan(config, image, accounts));
  RETURN_IF_ERROR(node_.store.Add(record));
  for (const image::Pin& pin : PinsOf(record)) {
    RETURN_IF_ERROR(node_.images.PinFor(pin.image_id, pin.owner), "image");
  }
  progress.Enter("mounts");
  RETURN_IF_ERROR(EnsurePodFolder(), "pod files");
  FdTable fds;
  ASSIGN_OR_RETURN(std::vector<shim::MountSpec> mounts, TakeMounts(record, fds));
  progress.Enter("cgroup");
  RETURN_IF_ERROR(MakeGroup(record), "cgroup");
  progress.Enter("root file system");
  ASSIGN_OR_RETURN(DetachedMount mounted, std::move(root).Take());
  progress.Enter("shim");
  RETURN_IF_ERROR(HandOver(record, std::move(mounted), std::move(mounts), std::move(fds)));
  return node_.store.UpdateContainer(id_, [&](State& state) {
    state.phase = Phase::kCreated;
    state.resources = config.resources;
  });
}

Result<DetachedMount> Creation::MountRoot(const Config& config, const image::Image& image) const {
  const std::filesystem::path folder = node_.paths.Upper(id_);
  RETURN_IF_ERROR(EnsureDirectory(folder));
  RETURN_IF_ERROR(EnsureDirectory(folder / "fs", kRootMode));
  RETURN_IF_ERROR(EnsureDirectory(folder / "work"));
  if (const auto& user = sandbox_->record->config.namespaces.user) {
    if (::chown((folder / "fs").c_str(), user->uids.host_id, user->gids.host_id) != 0) {
      return FailErrno("chown {}", (folder / "fs").native());
    }
  }
  std::vector<std::filesystem::path> layers = image.LowerDirectories();
  layers.push_back(node_.paths.MountPoints());
  ASSIGN_OR_RETURN(DetachedMount root,
                   DetachedMount::Overlay({.lower = std::move(layers),
                                           .upper = folder / "fs",
                                           .work = folder / "work",
                                           .is_volatile = true,
                                           .user_namespace_fd = user_namespace_.get(),
                                           .selinux_label = labels_.file}));
  if (!config.security.privileged) RETURN_IF_ERROR(root.SetAttributes(MOUNT_ATTR_NODEV));
  return root;
}

// The root is not waited for where another container of the image was made before.
Result<Accounts> Creation::AccountsOf(const image::Image& image, RootMount& root) const {
  if (auto known = node_.accounts.Find(image)) return std::move(*known);
  ASSIGN_OR_RETURN(const int fd, root.Await());
  ASSIGN_OR_RETURN(Accounts accounts, ReadAccounts(fd));
  node_.accounts.Keep(image, accounts);
  return accounts;
}

Result<Record> Creation::Plan(const Config& config, const image::Image& image,
                              const Accounts& accounts) const {
  const sandbox::Record& pod = *sandbox_->record;
  Record record{.id = id_,
                .sandbox_id = pod.id,
                .config = config,
                .image_id = image.id,
                .created_at_ns = cri::NowNs(),
                .boot_id = node_.boot_id,
                .cgroup = sandbox::ContainerGroup(pod, id_),
                .log_path = LogPath(pod.config, config),
                .selinux = labels_};
  ASSIGN_OR_RETURN(record.volume_images, FindVolumeImages(config, node_.images));
  ASSIGN_OR_RETURN(record.user, ResolveUser(config.security, image.config.user, accounts));
  OwnInjected(record.user, pod.config.namespaces.user, record.config.devices);
  ASSIGN_OR_RETURN(record.args, MergeArgs(config, image.config));
  record.env = MergeEnvironment(config, image.config, record.user, sandbox::HostnameOf(pod.config));
  record.cwd = WorkingDirectory(config, image.config);
  if (image.config.stop_signal != 0) record.stop_signal = image.config.stop_signal;
  if (config.stop_signal != 0) record.stop_signal = config.stop_signal;
  ASSIGN_OR_RETURN(record.seccomp_profile,
                   ReadProfile(config.security.seccomp, node_.config->seccomp_profile_root));
  return record;
}

Result<> Creation::MakeGroup(const Record& record) const {
  ASSIGN_OR_RETURN(const CgroupLimits limits,
                   LimitsOf(record.config.resources, node_.config->pids_limit));
  RETURN_IF_ERROR(node_.cgroups.Create(record.cgroup));
  RETURN_IF_ERROR(node_.cgroups.SetLimits(record.cgroup, limits));
  if (record.config.security.privileged || !node_.restricts_devices) return {};
  ASSIGN_OR_RETURN(const std::vector<DeviceRule> rules, RulesOf(record.config.devices));
  return node_.cgroups.SetDevices(record.cgroup, rules);
}

// It is there, but for a pod that a daemon of before made.
Result<> Creation::EnsurePodFolder() const {
  const sandbox::Record& pod = *sandbox_->record;
  const auto lock = node_.sandbox_locks.Lock(pod.id + "/pod");
  return sandbox::EnsurePodFolder(node_.paths.PodFolder(pod.id), pod, sandbox_->state.ips);
}

// The pod's containers share one where they share the IPC namespace.
std::filesystem::path Creation::SharedMemory() const {
  const sandbox::Record& pod = *sandbox_->record;
  if (pod.config.namespaces.ipc == sandbox::NamespaceMode::kNode) return "/dev/shm";
  const std::filesystem::path earlier = node_.paths.EarlierShm(pod.id);
  return std::filesystem::exists(earlier) ? earlier : node_.paths.PodFolder(pod.id) / "shm";
}

Result<std::vector<shim::MountSpec>> Creation::TakeMounts(const Record& record,
                                                          FdTable& fds) const {
  PodMounts pod{.files = node_.paths.PodFolder(record.sandbox_id),
                .shm = SharedMemory(),
                .scratch = node_.paths.Upper(record.id) / "scratch",
                .user_namespace_fd = user_namespace_.get(),
                .file_label = record.selinux.file};
  const std::vector<image::Pin> pins = PinsOf(record);
  for (size_t i = 1; i < pins.size(); ++i) {
    const auto image = node_.images.PinnedBy(pins[i].owner);
    if (!image) return Fail(Code::kNotFound, "image {} is gone", pins[i].image_id);
    pod.volume_images.push_back(*image);
  }
  return PrepareMounts(record.config, pod, fds);
}

// As with other runtimes: agents read the node's tree by /proc/<pid>/cgroup. Nothing of the node's
// is for a pod with a user namespace.
bool Creation::SeesTheNodesCgroups(const Security& security) const {
  return security.privileged && !user_namespace_.valid();
}

Result<> Creation::HandOver(const Record& record, DetachedMount root,
                            std::vector<shim::MountSpec> mounts, FdTable fds) const {
  ASSIGN_OR_RETURN(shim::ContainerSpec spec, Describe(record));
  spec.root_fd_index = fds.Add(std::move(root).TakeFd());
  spec.mounts = std::move(mounts);
  if (!record.log_path.empty()) {
    const auto folder = std::filesystem::path(record.log_path).parent_path();
    std::error_code unknown;
    if (!std::filesystem::is_directory(folder, unknown)) {  // the kubelet makes it
      RETURN_IF_ERROR(EnsureDirectory(folder, 0755), "log folder");
    }
  }
  ASSIGN_OR_RETURN(const auto shim, node_.shims.Find(record.sandbox_id));
  spec.node_cgroups =
      SeesTheNodesCgroups(record.config.security) && shim->minor() >= kMinorOfNodeCgroups;
  if (node_.bare_mounts.valid() && shim->minor() >= kMinorOfFirstNamespaces) {
    UniqueFd bare(::fcntl(node_.bare_mounts.get(), F_DUPFD_CLOEXEC, 0));
    if (!bare.valid()) return FailErrno("duplicate mount namespace");
    spec.first_namespace_fds.push_back(fds.Add(std::move(bare)));
  }
  if (!record.config.hooks.empty()) {
    if (shim->minor() < kMinorOfHooks) {
      return Fail(Code::kUnimplemented,
                  "CDI hooks: this pod's shim is of an earlier version, which runs none");
    }
    RETURN_IF_ERROR(AddHooks(record, node_.paths, sandbox_->record->config, spec, fds),
                    "CDI hooks");
  }
  RETURN_IF_ERROR(shim->Call<shim::Empty>(shim::Verb::kCreateContainer, spec, fds.Borrow()),
                  "shim");
  return {};
}

Result<shim::ContainerSpec> Creation::Describe(const Record& record) const {
  const Security& security = record.config.security;
  shim::ContainerSpec spec{
      .id = record.id,
      .readonly_root = security.readonly_rootfs,
      .pid = security.namespaces.pid,
      .pid_target = security.namespaces.pid_target,
      .cgroup_v2 = node_.cgroups.BirthFolder(record.cgroup).native(),
      .log_path = record.log_path,
      .exit_path = node_.paths.ExitRecord(record.sandbox_id, record.id).native(),
      .stdin_open = record.config.stdin_open,
      .selinux_file_label = record.selinux.file};
  ASSIGN_OR_RETURN(spec.process, MakeProcess(node_, record));
  ASSIGN_OR_RETURN(spec.devices,
                   security.privileged ? NodeDevices() : PrepareDevices(record.config.devices));
  for (const auto& file : node_.cgroups.EntryFiles(record.cgroup)) {
    spec.cgroup_procs.push_back(file.native());
  }
  if (security.privileged) return spec;
  HiddenPaths hidden = PathsToHide(security, sandbox_->record->config);
  spec.masked_paths = std::move(hidden.masked);
  spec.readonly_paths = std::move(hidden.readonly);
  return spec;
}

}  // namespace trivet::container
