#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cni/ip_prefix.h"
#include "common/base/error.h"

namespace trivet::cni {

/// Source address translation of one network's pods, in table `inet trivet_cni`: a set of pod
/// addresses and one rule for each family, whatever the number of pods:
///
///   chain pods_1a2b3c4d {          # the network's name, made safe, and a hash of it
///     type nat hook postrouting priority srcnat
///     ip saddr @pods_1a2b3c4d_v4 ip daddr != 10.1.0.0/16 ip daddr != 224.0.0.0/4 masquerade
///     ip6 saddr @pods_1a2b3c4d_v6 ip6 daddr != fd00:1::/64 ip6 daddr != ff00::/8 masquerade
///   }
///
/// Every change is one transaction. `lock_file` orders the changes of this and other processes.
/// All calls work in the network namespace of the calling thread.
class Masquerade {
 public:
  Masquerade(std::string network, std::filesystem::path lock_file)
      : network_(std::move(network)), lock_file_(std::move(lock_file)) {}

  /// Makes what is missing, sets the rules to spare `subnets`, and adds `pods`. Repeatable.
  Result<> Add(const std::vector<IpPrefix>& subnets, const std::vector<IpAddress>& pods);
  /// Absent pods, and an absent table, are success.
  Result<> Remove(const std::vector<IpAddress>& pods);
  /// Removes every pod that is not among `pods`. For GC, which no ADD overlaps.
  Result<> Retain(const std::vector<IpAddress>& pods);
  /// Removes the network's chain and sets, and the table when no network is left in it.
  Result<> RemoveNetwork();
  /// Errors: kFailedPrecondition when one of `pods` is not in the kernel's sets.
  Result<> Check(const std::vector<IpAddress>& pods);

 private:
  std::string network_;
  std::filesystem::path lock_file_;
};

/// The name of a network's chain: letters, digits and '_', as the nft program wants them.
std::string MasqueradeChainName(const std::string& network);

}  // namespace trivet::cni
