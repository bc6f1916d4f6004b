#include "cri-runtime/sandbox/pod_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>

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
Result<> GiveToPod(const std::filesystem::path& file, const Config& config) {
  const auto& user = config.namespaces.user;
  if (!user || ::chown(file.c_str(), user->uids.host_id, user->gids.host_id) == 0) return {};
  return FailErrno("chown {}", file.native());
}

Result<> WritePodFile(const std::filesystem::path& file, const std::string& text,
                      const Config& config) {
  RETURN_IF_ERROR(WriteFileVolatile(file, text, kReadable));
  return GiveToPod(file, config);
}

Result<std::string> HostsOf(const Config& config, const std::vector<std::string>& ips) {
  if (config.namespaces.network == NamespaceMode::kNode) return ReadNodeFile("/etc/hosts");
  return Hosts(config.hostname, ips);
}

Result<> MakeShm(const std::filesystem::path& shm, const Config& config) {
  constexpr mode_t kForAll = 01777;
  RETURN_IF_ERROR(EnsureDirectory(shm));
  if (::chmod(shm.c_str(), kForAll) != 0) return FailErrno("chmod {}", shm.native());
  return GiveToPod(shm, config);
}

Result<DetachedMount> PodTmpfs(const Record& record) {
  MountOptions options{{"size", "64m"}, {"mode", "755"}};
  if (!record.selinux_file_label.empty()) {
    options.emplace_back("context", record.selinux_file_label);
  }
  return DetachedMount::Tmpfs(options);
}

std::filesystem::path Inside(const DetachedMount& mount) {
  return fmt::format("/proc/self/fd/{}", mount.fd());
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

Result<> WriteNameFiles(const std::filesystem::path& folder, const Record& record) {
  const Config& config = record.config;
  ASSIGN_OR_RETURN(const std::string resolv_conf, ResolvConfOf(config));
  RETURN_IF_ERROR(WritePodFile(folder / "resolv.conf", resolv_conf, config));
  return WritePodFile(folder / "hostname", HostnameOf(config) + "\n", config);
}

Result<> WriteHosts(const std::filesystem::path& folder, const Record& record,
                    const std::vector<std::string>& ips) {
  ASSIGN_OR_RETURN(const std::string hosts, HostsOf(record.config, ips));
  return WritePodFile(folder / "hosts", hosts, record.config);
}

Result<PodFolder> PodFolder::Make(const Record& record) {
  ASSIGN_OR_RETURN(DetachedMount tmpfs, PodTmpfs(record));
  const std::filesystem::path inside = Inside(tmpfs);
  RETURN_IF_ERROR(WriteNameFiles(inside, record));
  RETURN_IF_ERROR(MakeShm(inside / "shm", record.config));
  return PodFolder(std::move(tmpfs));
}

Result<> PodFolder::Attach(const std::filesystem::path& folder, const Record& record,
                           const std::vector<std::string>& ips) && {
  RETURN_IF_ERROR(WriteHosts(Inside(tmpfs_), record, ips));
  RETURN_IF_ERROR(EnsureDirectory(folder));
  return std::move(tmpfs_).AttachTo(folder);
}

Result<> EnsurePodFolder(const std::filesystem::path& folder, const Record& record,
                         const std::vector<std::string>& ips) {
  RETURN_IF_ERROR(EnsureDirectory(folder));
  ASSIGN_OR_RETURN(const bool made, IsMountPoint(folder));
  if (made) return {};
  ASSIGN_OR_RETURN(PodFolder pod, PodFolder::Make(record));
  return std::move(pod).Attach(folder, record, ips);
}

}  // namespace trivet::sandbox
