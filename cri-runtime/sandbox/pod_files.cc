#include "cri-runtime/sandbox/pod_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "common/base/unique_fd.h"
#include "common/linux/file.h"
#include "common/linux/mount.h"

namespace trivet::sandbox {
namespace {

// Containers read them as any user.
constexpr mode_t kReadable = 0644;

std::string NodeName() {
  std::array<char, 65> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

// A node may have none; a container then has an empty one.
Result<std::string> ReadNodeFile(const std::filesystem::path& file) {
  auto text = ReadFile(file);
  if (!text && text.error().code() == Code::kNotFound) return std::string();
  return text;
}

Result<std::string> ResolvConfOf(const Config& config) {
  const Dns& dns = config.dns;
  if (dns.servers.empty() && dns.searches.empty() && dns.options.empty()) {
    return ReadNodeFile("/etc/resolv.conf");
  }
  return ResolvConf(dns);
}

// A container's root may change them where it could without a user namespace.
Result<> GiveToPod(int folder_fd, const char* name, const Config& config) {
  const auto& user = config.namespaces.user;
  if (!user) return {};
  if (::fchownat(folder_fd, name, user->uids.host_id, user->gids.host_id, 0) == 0) return {};
  return FailErrno("chown {}", name);
}

// A new one: nobody sees the folder yet.
Result<> WritePodFile(int folder_fd, const char* name, const std::string& text,
                      const Config& config) {
  const UniqueFd fd(::openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kReadable));
  if (!fd.valid()) return FailErrno("create {}", name);
  RETURN_IF_ERROR(WriteAll(fd.get(), text, name));
  if (::fchmod(fd.get(), kReadable) != 0) return FailErrno("chmod {}", name);
  return GiveToPod(folder_fd, name, config);
}

Result<std::string> HostsOf(const Config& config, const std::vector<std::string>& ips) {
  if (config.namespaces.network == NamespaceMode::kNode) return ReadNodeFile("/etc/hosts");
  return Hosts(config.hostname, ips);
}

Result<> MakeShm(int folder_fd, const Config& config) {
  constexpr const char* kName = "shm";
  constexpr mode_t kForAll = 01777;
  if (::mkdirat(folder_fd, kName, kForAll) != 0) return FailErrno("mkdir {}", kName);
  if (::fchmodat(folder_fd, kName, kForAll, 0) != 0) return FailErrno("chmod {}", kName);
  return GiveToPod(folder_fd, kName, config);
}

Result<DetachedMount> PodTmpfs(const Record& record) {
  MountOptions options{{"size", "64m"}, {"mode", "755"}};
  if (!record.selinux_file_label.empty()) {
    options.emplace_back("context", record.selinux_file_label);
  }
  return DetachedMount::Tmpfs(options);
}

}  // namespace

std::string ResolvConf(const Dns& dns) {
  std::string text;
  if (!dns.searches.empty()) text += fmt::format("search {}\n", fmt::join(dns.searches, " "));
  for (const std::string& server : dns.servers) text += fmt::format("nameserver {}\n", server);
  if (!dns.options.empty()) text += fmt::format("options {}\n", fmt::join(dns.options, " "));
  return text;
}

std::string Hosts(const std::string& hostname, const std::vector<std::string>& ips) {
  std::string text =
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\n"
      "ff02::1\tip6-allnodes\n"
      "ff02::2\tip6-allrouters\n";
  if (hostname.empty()) return text;
  for (const std::string& ip : ips) text += fmt::format("{}\t{}\n", ip, hostname);
  return text;
}

std::string HostnameOf(const Config& config) {
  return config.hostname.empty() ? NodeName() : config.hostname;
}

Result<> WriteNameFiles(int folder_fd, const Record& record) {
  const Config& config = record.config;
  ASSIGN_OR_RETURN(const std::string resolv_conf, ResolvConfOf(config));
  RETURN_IF_ERROR(WritePodFile(folder_fd, "resolv.conf", resolv_conf, config));
  return WritePodFile(folder_fd, "hostname", HostnameOf(config) + "\n", config);
}

Result<> WriteHosts(int folder_fd, const Record& record, const std::vector<std::string>& ips) {
  ASSIGN_OR_RETURN(const std::string hosts, HostsOf(record.config, ips));
  return WritePodFile(folder_fd, "hosts", hosts, record.config);
}

Result<PodFolder> PodFolder::Make(const Record& record) {
  ASSIGN_OR_RETURN(DetachedMount tmpfs, PodTmpfs(record));
  RETURN_IF_ERROR(WriteNameFiles(tmpfs.fd(), record));
  RETURN_IF_ERROR(MakeShm(tmpfs.fd(), record.config));
  return PodFolder(std::move(tmpfs));
}

Result<> PodFolder::Attach(const std::filesystem::path& folder, const Record& record,
                           const std::vector<std::string>& ips) && {
  RETURN_IF_ERROR(WriteHosts(tmpfs_.fd(), record, ips));
  RETURN_IF_ERROR(EnsureDirectory(folder));
  return std::move(tmpfs_).AttachTo(folder);
}

Result<> EnsurePodFolder(const std::filesystem::path& folder, const Record& record,
                         const std::vector<std::string>& ips) {
  const Result<bool> made = IsMountPoint(folder);
  if (made && *made) return {};
  if (!made && made.error().code() != Code::kNotFound) return std::unexpected(made.error());
  ASSIGN_OR_RETURN(PodFolder pod, PodFolder::Make(record));
  return std::move(pod).Attach(folder, record, ips);
}

}  // namespace trivet::sandbox
