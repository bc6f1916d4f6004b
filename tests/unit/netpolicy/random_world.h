#pragma once

#include <random>

#include "netpolicy/plan/world.h"

namespace trivet::netpolicy {

/// A small cluster in which everything meets everything: few labels, few addresses, all kinds of
/// peers and ports, finished and host-network pods, stale addresses. The seed decides all of it.
struct RandomWorld {
  explicit RandomWorld(uint32_t seed);

  /// Changes a label, a policy, a pod or an attachment.
  void Mutate();
  [[nodiscard]] World world() const { return {cluster, local, node_ranges}; }
  Address SomeAddress();

  Cluster cluster;
  std::vector<LocalAddresses> local;
  std::vector<Range> node_ranges;

 private:
  unsigned Pick(unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random_);
  }
  bool Chance(unsigned percent) { return Pick(100) < percent; }
  std::string PickText(const std::vector<std::string>& from);
  Labels SomeLabels();
  Selector SomeSelector();
  Pod SomePod(const ObjectName& name);
  Peer SomePeer();
  Port SomePort();
  std::vector<PolicyRule> SomeRules();
  NetworkPolicy SomePolicy(const ObjectName& name);
  ObjectName SomeName(unsigned count);
  void Attach(const ObjectName& pod);

  std::mt19937 random_;
};

}  // namespace trivet::netpolicy
