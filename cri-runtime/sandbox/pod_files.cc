#include "cri-runtime/sandbox/pod_files.h"

#include <unistd.h>

#include <array>

#include "common/linux/file.h"
#include "cri-runtime/selinux/relabel.h"

namespace trivet::sandbox {
namespace {

// Containers read them as any user.
constexpr mode_t kReadable = 0644;
constexpr mode_t kPassable = 0755;

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
                      const Record& record) {
  RETURN_IF_ERROR(WriteFileVolatile(file, text, kReadable));
  RETURN_IF_ERROR(GiveToPod(file, record.config));
  if (record.selinux_file_label.empty()) return {};
  return selinux::SetFileLabel(file, record.selinux_file_label);
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

Result<> WritePodFiles(const std::filesystem::path& folder, const Record& record) {
  RETURN_IF_ERROR(EnsureDirectory(folder, kPassable));
  ASSIGN_OR_RETURN(const std::string resolv_conf, ResolvConfOf(record.config));
  RETURN_IF_ERROR(WritePodFile(folder / "resolv.conf", resolv_conf, record));
  return WritePodFile(folder / "hostname", HostnameOf(record.config) + "\n", record);
}

Result<> WriteHosts(const std::filesystem::path& folder, const Record& record,
                    const std::vector<std::string>& ips) {
  const Config& config = record.config;
  std::string hosts = Hosts(config.hostname, ips);
  if (config.namespaces.network == NamespaceMode::kNode) {
    ASSIGN_OR_RETURN(hosts, ReadNodeFile("/etc/hosts"));
  }
  return WritePodFile(folder / "hosts", hosts, record);
}

}  // namespace trivet::sandbox
