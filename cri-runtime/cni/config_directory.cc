#include "cri-runtime/cni/config_directory.h"

#include "common/linux/file.h"

namespace trivet::network {
namespace {

constexpr uint64_t kMaxConfigBytes = 1 << 20;

bool IsConfigName(const std::string& name) {
  return !name.starts_with(".") &&
         (name.ends_with(".conflist") || name.ends_with(".conf") || name.ends_with(".json"));
}

Result<NetworkConfig> ReadNetworkConfig(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxConfigBytes));
  ASSIGN_OR_RETURN(NetworkConfig network, ParseNetworkConfig(text), file.native());
  return network;
}

}  // namespace

Result<NetworkConfig> LoadNetworkConfig(const std::filesystem::path& directory) {
  const auto names = ListDirectory(directory);
  std::string reason;
  if (names) {
    for (const std::string& name : *names) {
      if (!IsConfigName(name)) continue;
      auto network = ReadNetworkConfig(directory / name);
      if (network) return network;
      if (reason.empty()) reason = ": " + network.error().message();
    }
  } else if (names.error().code() != Code::kNotFound) {
    return std::unexpected(names.error());
  }
  return Fail(Code::kNotFound, "no network configuration in {}{}", directory.native(), reason);
}

}  // namespace trivet::network
