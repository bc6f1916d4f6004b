#include "netpolicy/plan/address_book.h"

namespace trivet::netpolicy {

std::vector<Range> SharedRanges() {
  std::vector<Range> ranges;
  for (const char* text : {"224.0.0.0/4", "255.255.255.255/32", "fe80::/10", "ff00::/8"}) {
    ranges.push_back(Range::ParseCidr(text).value());
  }
  return ranges;
}

AddressBook::AddressBook(const World& world) : world_(world) {
  // An address is given anew before its earlier owner's DELETE has arrived: the newest counts.
  for (const LocalAddresses& one : world.local) {
    for (const Address& address : one.addresses) local_[address] = &one;
  }
  AddLocalPods();
  AddOtherPods();
}

const Pod* AddressBook::ManifestOf(const LocalAddresses& local) const {
  if (!local.policed()) return nullptr;
  const auto found = world_.cluster.pods.find(local.pod);
  if (found == world_.cluster.pods.end()) return nullptr;
  const Pod& pod = found->second;
  const bool same = pod.uid.empty() || local.uid.empty() || pod.uid == local.uid;
  return same ? &pod : nullptr;
}

void AddressBook::AddLocalPods() {
  for (const auto& [address, owner] : local_) {
    const Pod* pod = ManifestOf(*owner);
    if (pod == nullptr) continue;
    std::vector<Address>& addresses = pods_[pod->name];  // there even when none counts
    if (!pod->finished && !pod->host_network) addresses.push_back(address);
  }
}

void AddressBook::AddOtherPods() {
  for (const auto& [name, pod] : world_.cluster.pods) {
    if (pods_.contains(name) || pod.finished || pod.host_network) continue;
    for (const Address& address : pod.addresses) {
      if (!local_.contains(address)) pods_[name].push_back(address);
    }
  }
}

}  // namespace trivet::netpolicy
