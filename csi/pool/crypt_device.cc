#include "csi/pool/crypt_device.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "common/linux/command.h"
#include "common/linux/file.h"
#include "csi/filesystem/tool.h"
#include "csi/pool/block_device.h"

namespace trivet::csi::crypt {
namespace {

constexpr auto kCryptDeadline =
    std::chrono::minutes(5);         // a slow processor, and the key's own cost
constexpr int kWrongPassphrase = 2;  // cryptsetup(8), "Return codes"
const std::filesystem::path kMapper = "/dev/mapper";

std::string MappingOf(const std::string& id) {
  return "trivet-" + id;
}

Result<> RunCryptsetup(const std::vector<std::string>& args, std::string_view input = {}) {
  ASSIGN_OR_RETURN(const std::filesystem::path program, FindProgram("cryptsetup"));
  std::vector<std::string> environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  // Where there is no udev, waiting for it would be for ever.
  if (::access("/run/udev/control", F_OK) != 0) environment.emplace_back("DM_DISABLE_UDEV=1");
  const Command command{.program = program, .args = args, .environment = std::move(environment)};
  ASSIGN_OR_RETURN(const RunOutput output, RunCommand(command, input, {.timeout = kCryptDeadline}),
                   "cryptsetup");
  if (output.exit_code == 0) return {};
  if (output.exit_code == kWrongPassphrase) {
    return Fail(Code::kPermissionDenied, "the passphrase does not open it");
  }
  std::string said = output.err.substr(0, output.err.find('\n'));
  return Fail(Code::kInternal, "cryptsetup {}: exit status {}: {}", args.at(0), output.exit_code,
              said);
}

// Whether device-mapper knows the target. Source: DM_LIST_VERSIONS, linux/dm-ioctl.h.
bool HasTarget(std::string_view target) {
  const UniqueFd control(::open((kMapper / "control").c_str(), O_RDWR | O_CLOEXEC));
  if (!control.valid()) return false;
  constexpr size_t kBytes = size_t{16} << 10;
  alignas(dm_ioctl) std::array<char, kBytes> buffer{};
  auto* const request = reinterpret_cast<dm_ioctl*>(buffer.data());
  request->version[0] = DM_VERSION_MAJOR;
  request->data_size = kBytes;
  request->data_start = sizeof(dm_ioctl);
  if (::ioctl(control.get(), DM_LIST_VERSIONS, request) != 0) return false;
  for (size_t at = request->data_start; at + sizeof(dm_target_versions) < kBytes;) {
    dm_target_versions entry{};
    std::memcpy(&entry, buffer.data() + at, sizeof entry);
    if (target == buffer.data() + at + sizeof entry) return true;
    if (entry.next == 0) return false;
    at += entry.next;
  }
  return false;
}

}  // namespace

Result<> CheckSupport() {
  RETURN_IF_ERROR(FindProgram("cryptsetup"));
  if (HasTarget("crypt")) return {};
  constexpr auto kLoadDeadline = std::chrono::seconds(30);
  static_cast<void>(RunTool({"modprobe", "dm-crypt"}, kLoadDeadline));
  if (HasTarget("crypt")) return {};
  return Fail(Code::kFailedPrecondition, "this node's kernel has no dm-crypt");
}

Result<> Format(const std::filesystem::path& device, const std::string& uuid,
                const std::string& passphrase) {
  // The memory that the key costs is bounded: many volumes may be opened at a time.
  RETURN_IF_ERROR(RunCryptsetup({"luksFormat", "--batch-mode", "--type", "luks2", "--pbkdf-memory",
                                 "65536", "--uuid", uuid, "--key-file", "-", device},
                                passphrase));
  return SyncFile(device);
}

Result<> CheckContainer(int fd, const std::string& uuid) {
  constexpr std::string_view kMagic = "LUKS\xba\xbe";
  constexpr size_t kUuidOffset = 168;  // of the binary header, version 2
  std::array<char, 4096> header{};
  const ssize_t n = ::pread(fd, header.data(), header.size(), 0);
  if (n < 0) return FailErrno("read the LUKS header");
  const std::string_view text(header.data(), header.size());
  if (text.starts_with(kMagic) && text.substr(kUuidOffset).starts_with(uuid)) return {};
  return Fail(Code::kDataLoss,
              "its LUKS container with UUID {} is gone; it is not made again over what is there",
              uuid);
}

Result<BlockDevice> Open(const std::filesystem::path& device, const std::string& id,
                         const std::string& passphrase, bool read_only) {
  // The key stays in the mapping, where Resize finds it.
  std::vector<std::string> args = {"open",       "--type", "luks2", "--disable-keyring",
                                   "--key-file", "-",      device,  MappingOf(id)};
  if (read_only) args.insert(args.begin() + 1, "--readonly");
  RETURN_IF_ERROR(RunCryptsetup(args, passphrase));
  return OpenBlockDevice(kMapper / MappingOf(id), O_RDONLY);
}

Result<std::optional<BlockDevice>> Find(const std::string& id) {
  auto device = OpenBlockDevice(kMapper / MappingOf(id), O_RDONLY);
  if (device) return std::optional(std::move(*device));
  if (device.error().code() == Code::kNotFound) return std::nullopt;
  return std::unexpected(std::move(device).error());
}

Result<> Resize(const std::string& id) {
  return RunCryptsetup({"resize", MappingOf(id)});
}

Result<> Close(const std::string& id) {
  {
    ASSIGN_OR_RETURN(const auto mapping, Find(id));
    if (!mapping) return {};
  }
  return RunCryptsetup({"close", MappingOf(id)});
}

}  // namespace trivet::csi::crypt
