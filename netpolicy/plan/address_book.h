#pragma once

#include <map>
#include <optional>
#include <vector>

#include "netpolicy/model/objects.h"
#include "netpolicy/plan/world.h"

namespace trivet::netpolicy {

/// The addresses of each pod that count.
using PodAddresses = std::map<ObjectName, std::vector<Address>>;

/// Where no pod has an address that it was given, and pods on one bridge reach each other all the
/// same: link-local, multicast and broadcast addresses. IPv4's link-local ones are not among them:
/// clouds answer there, and a pod has none unless it takes one.
std::vector<Range> SharedRanges();

/// Whose address is whose. Borrows the world.
///
/// A local address is its newest owner's and nobody else's, whatever a manifest says. Neither a
/// finished pod's addresses count nor a host-network pod's: the one may have been given to another
/// pod, the other is the node's.
class AddressBook {
 public:
  explicit AddressBook(const World& world);

  /// The attachments by address.
  [[nodiscard]] const std::map<Address, const LocalAddresses*>& local() const { return local_; }
  [[nodiscard]] const PodAddresses& pods() const { return pods_; }
  /// The manifest of a local pod, unless there is none or it is of an earlier or later pod of that
  /// name.
  [[nodiscard]] const Pod* ManifestOf(const LocalAddresses& local) const;

 private:
  void AddLocalPods();
  void AddOtherPods();

  const World& world_;
  std::map<Address, const LocalAddresses*> local_;
  PodAddresses pods_;
};

}  // namespace trivet::netpolicy
