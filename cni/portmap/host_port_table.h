#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cni/attachment_key.h"
#include "cni/portmap/host_port.h"
#include "cni/portmap/port_policy.h"
#include "common/linux/nftables.h"

namespace trivet::cni {

/// Which ports of the node lead to which container, in table `inet trivet_host_ports`:
///
///   map ports_v4       { proto . port : container's address . port, comment: the owner }
///   map bound_ports_v4 { node's address . proto . port : ... }      # those with a hostIP
///   map policies_v4, bound_policies_v4 { the same keys : jump pods_1a2b3c4d }
///   chain prerouting, output { fib daddr type local jump host_ports }
///   chain host_ports   { the maps: conditions and marks by the policy, then dnat }
///   chain pods_1a2b3c4d { of one subnet and configuration: conditions, what is marked }
///   chain masquerade_13 { marked with bit 13: masquerade }
///   set localnet       { interfaces to containers that 127.0.0.1 may go out by: route_localnet }
///   chain loopback_guard { and what comes in by them from 127.0.0.0/8 or to it: drop }
///
/// (and the same with _v6). A mapping is a few elements whatever the number of others; every change
/// is one transaction, in which the kernel itself refuses a port that is taken. An owner is an
/// attachment's name, and no call removes what another owns. All calls work in the network
/// namespace of the calling thread; the caller orders them by a lock.
class HostPortTable {
 public:
  explicit HostPortTable(const AttachmentKey& owner);
  /// As `owner` of what List() told.
  explicit HostPortTable(std::string owner) : owner_(std::move(owner)) {}

  /// All or none, and the policies' chains. What the owner has already is replaced. 127.0.0.0/8 may
  /// go out by the interface `localnet` (route_localnet), unless it is empty, and nothing comes in
  /// there from it or to it. Errors: kAlreadyExists that says who holds a port; kNotFound when
  /// there is no such interface.
  Result<> Add(const std::vector<HostPort>& ports, const std::vector<PortPolicy>& policies,
               const std::string& localnet);
  /// Those of `ports` that are the owner's; absent is success.
  Result<> Remove(const std::vector<HostPort>& ports);
  /// Errors: kFailedPrecondition that names the first of `ports` that is not in force.
  Result<> Check(const std::vector<HostPort>& ports);

  /// A port and the name of its owner.
  struct Owned {
    HostPort port;
    std::string owner;
  };
  /// Everything: for when records are lost.
  static Result<std::vector<Owned>> List();
  /// The prefix of the owners of one network.
  static std::string OwnersOf(const std::string& network) { return network + '@'; }
  [[nodiscard]] const std::string& owner() const { return owner_; }

  /// Undoes what Add() did for the interface, which no container with host ports is behind any
  /// more. Absent is success.
  static Result<> CloseLocalnet(const std::string& interface);
  /// Removes policies' chains and closes interfaces that are not among these.
  static Result<> Retain(const std::vector<std::string>& chains,
                         const std::vector<std::string>& interfaces);
  /// Removes the table when no port is mapped. Absent is success.
  static Result<> RemoveIfEmpty();

 private:
  /// What is to be done for an interface's route_localnet.
  struct LocalnetChange {
    bool opens = false;
    std::vector<nft::Element> gone;
    std::vector<nft::Element> wanted;
  };
  static Result<LocalnetChange> PlanLocalnetChange(const std::string& interface);
  Result<> Replace(const std::vector<HostPort>& ports, const std::vector<PortPolicy>& policies,
                   const LocalnetChange& change);
  Result<> Commit(const std::vector<HostPort>& ports, const std::vector<PortPolicy>& policies,
                  const LocalnetChange& change);
  [[nodiscard]] Result<> Refuse(const HostPort& port, const std::string& holder) const;
  static Result<> CloseLocalnetBut(const std::vector<std::string>& interfaces);
  Result<> RefuseOverlaps(const std::vector<HostPort>& ports);

  std::string owner_;
};

}  // namespace trivet::cni
