#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "cni/attachment_key.h"

namespace trivet::cni {

/// The state folder of the plugin, "stateDir" in the network configuration:
///
///   /var/lib/trivet/cni/                0700
///     boot_id                           the boot this state was last brought up to
///     attachments/
///       <network>@<container id>@<ifname>.json
///                                       one attachment: written before anything is
///                                       made, removed after all of it is gone
///       lock                            byte ranges: one attachment each
///     chained/<type>/                   what a chained type made for an attachment: the same names
///     locks/network-<name> bridge-<name> masquerade spoof-check
///                                       flock(2), held for a step, never for a call
///     bridges/<name>                    the MAC address of a bridge that we made
///     networks/<name>/                  "dataDir"/<name>: host-local's own layout
///       10.1.0.5                        "<container id>\r\n<ifname>"
///       last_reserved_ip.0              where range set 0 goes on
///       lock                            flock(2) of all who allocate
///     owners/<name>@<hash of the folder>/
///                                       who holds what in a folder of the above: OwnerIndex
class Paths {
 public:
  explicit Paths(std::filesystem::path root) : root_(std::move(root)) {}

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path boot_id() const { return root_ / "boot_id"; }
  [[nodiscard]] std::filesystem::path attachments() const { return root_ / "attachments"; }
  [[nodiscard]] std::filesystem::path attachment_lock() const { return attachments() / "lock"; }
  [[nodiscard]] std::filesystem::path locks() const { return root_ / "locks"; }
  [[nodiscard]] std::filesystem::path network_lock(const std::string& network) const {
    return locks() / ("network-" + network);
  }
  [[nodiscard]] std::filesystem::path bridge_lock(const std::string& bridge) const {
    return locks() / ("bridge-" + bridge);
  }
  [[nodiscard]] std::filesystem::path bridge_mark(const std::string& bridge) const {
    return root_ / "bridges" / bridge;
  }
  [[nodiscard]] std::filesystem::path spoof_check_lock() const { return locks() / "spoof-check"; }
  [[nodiscard]] std::filesystem::path masquerade_lock() const { return locks() / "masquerade"; }
  [[nodiscard]] std::filesystem::path chained(std::string_view type) const {
    return root_ / "chained" / type;
  }
  [[nodiscard]] std::filesystem::path networks() const { return root_ / "networks"; }
  [[nodiscard]] std::filesystem::path owners() const { return root_ / "owners"; }

 private:
  std::filesystem::path root_;
};

inline constexpr const char* kDefaultStateFolder = "/var/lib/trivet/cni";

}  // namespace trivet::cni
