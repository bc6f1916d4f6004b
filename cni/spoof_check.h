#pragma once

#include <filesystem>
#include <string>

#include "common/base/error.h"

namespace trivet::cni {

/// "macspoofchk": a pod sends frames from its own hardware address or none. Table
/// `bridge trivet_cni`, the same two rules for every number of ports:
///
///   set ports    { type ifname }               # ports that are checked
///   set senders  { type ifname . ether_addr }  # and who may send on them
///   chain spoof_check {
///     type filter hook prerouting priority -300
///     iifname @ports iifname . ether saddr != @senders drop
///   }
///
/// Every change is one transaction; `lock_file` orders those of several processes.
class SpoofCheck {
 public:
  explicit SpoofCheck(std::filesystem::path lock_file) : lock_file_(std::move(lock_file)) {}

  /// Repeatable.
  Result<> Add(const std::string& port, const std::string& mac);
  /// Absent is success. The table goes with its last port.
  Result<> Remove(const std::string& port, const std::string& mac);
  /// Errors: kFailedPrecondition when the port is not checked, or for another address.
  Result<> Check(const std::string& port, const std::string& mac);

 private:
  std::filesystem::path lock_file_;
};

}  // namespace trivet::cni
